// Runs the folds of a plan, each once, by as many threads, processes and machines as share the RUN folder: whoever
// holds a fold's lock (range_lock.h) runs it, its result appears whole or not at all, and a fold that has one is never
// run again. So a run can be killed at any moment and started again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "engine/crossval/loso_fold.h"
#include "engine/crossval/loso_plan.h"
#include "engine/files/range_lock.h"

namespace shcnn {

/// What runs folds on one device of its own: one for each job, made when it gets its first fold.
struct FoldMachine {
  virtual ~FoldMachine() = default;
  virtual FoldWorker& worker() = 0;
};

struct LosoRunOptions {
  std::optional<std::size_t> only;  ///< this task alone
  int jobs = 1;                     ///< folds at once; fewer where the system has no more threads
  bool keep_weights = false;        ///< RUN/weights/task-NNNN.safetensors of the folds that are run now
  std::function<std::unique_ptr<FoldMachine>()> machine;
  std::function<bool()> should_stop;
  /// Called from the jobs' threads, one at a time. `done` counts the tasks that have a result.
  std::function<void(std::size_t task, bool skipped, std::int64_t done)> on_task;
  std::function<void(std::size_t task, std::int64_t step, std::int64_t steps)> on_step;
};

enum class LosoOutcome { kFinished, kStopped };

/// A place among those that run the folds of RUN. While anyone has one, the plan that lies there stays.
struct RunPlace {
  explicit RunPlace(const std::filesystem::path& run);

  RangeLock locks;
  std::optional<RangeLock::Held> held;
  bool plan_is_new = false;  ///< place_plan has written it
};

enum class ExistingRun {
  kContinue,  ///< its plan must be this one
  kReplace,   ///< its plan, folds, weights and scores are removed
};

/// Makes RUN and its plan.json, or checks that the plan that lies there is this one. Another plan that no fold has a
/// result of, and that nobody runs, is replaced: what was refused after it was written must not stand in the way of the
/// corrected call. io::Error (kUsage) that says what differs, or that others run RUN while it is to be replaced.
std::unique_ptr<RunPlace> place_plan(const std::filesystem::path& run, const LosoPlan& plan,
                                     ExistingRun existing = ExistingRun::kContinue);

/// Runs what is missing, longest folds first; returns when every task (or `only`) has a result, whoever ran it.
LosoOutcome run_folds(const std::filesystem::path& run, const LosoPlan& plan, const LosoRunOptions& options);

}  // namespace shcnn
