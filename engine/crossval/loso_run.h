// Runs each fold of a plan once, with any number of threads, processes and machines that share the RUN folder. The
// holder of a fold's lock (range_lock.h) runs it and writes its result atomically; a fold that has a result is not run
// again. A run can therefore be killed at any moment and started again.
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

/// A FoldWorker with its own device. Each job makes one when it starts its first fold.
struct FoldMachine {
  virtual ~FoldMachine() = default;
  virtual FoldWorker& worker() = 0;
};

struct LosoRunOptions {
  std::optional<std::size_t> only;  ///< run only this task
  int jobs = 1;                     ///< folds run in parallel; fewer if the system cannot start so many threads
  bool keep_weights = false;        ///< write RUN/weights/task-NNNN.safetensors for the folds run by this call
  std::function<std::unique_ptr<FoldMachine>()> machine;
  std::function<bool()> should_stop;
  /// Called from the jobs' threads, one at a time. `done` is the number of tasks that have a result.
  std::function<void(std::size_t task, bool skipped, std::int64_t done)> on_task;
  std::function<void(std::size_t task, std::int64_t step, std::int64_t steps)> on_step;
};

enum class LosoOutcome { kFinished, kStopped };

/// Registration of a process that runs the folds of RUN, made by place_plan. While `held` of any process is set, RUN's
/// plan is not replaced.
struct RunPlace {
  explicit RunPlace(const std::filesystem::path& run);

  RangeLock locks;
  std::optional<RangeLock::Held> held;
  bool plan_is_new = false;  ///< whether place_plan has written the plan
};

enum class ExistingRun {
  kContinue,  ///< its plan must be equal
  kReplace,   ///< remove its plan, folds, weights and scores
};

/// Creates RUN and its plan.json, or checks that the existing plan is equal. A different plan is replaced if no fold
/// has a result and no process runs it: a plan whose run was rejected after it was written must not block the corrected
/// call. Otherwise throws io::Error (kUsage) that names the differences, or says that another process runs the plan to
/// be replaced.
std::unique_ptr<RunPlace> place_plan(const std::filesystem::path& run, const LosoPlan& plan,
                                     ExistingRun existing = ExistingRun::kContinue);

/// Runs the tasks without a result, the most expensive first. Returns when every task (or `only`) has a result from
/// this or another process, or when should_stop returned true.
LosoOutcome run_folds(const std::filesystem::path& run, const LosoPlan& plan, const LosoRunOptions& options);

}  // namespace shcnn
