#include "engine/crossval/loso_run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/crossval/loso_results.h"
#include "io/files/atomic_file.h"
#include "io/files/folder_entries.h"
#include "io/formats/json.h"

namespace shcnn {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPlanByte = std::int64_t{1} << 40;  ///< in RUN/folds.lock; lower bytes are for tasks
constexpr std::int64_t kRunByte = kPlanByte + 1;           ///< shared lock of all processes that run folds
constexpr auto kPoll = std::chrono::milliseconds(200);     ///< between checks of a fold that another process runs

/// Describes which clips differ between the plan in the file and `now`.
std::string clips_difference(const nlohmann::json& before, const LosoPlan& now) {
  const auto text = [](const nlohmann::json& clip, const char* field) {
    const auto value = clip.is_object() ? clip.find(field) : clip.end();
    return clip.is_object() && value != clip.end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  std::map<std::string, std::string> contents;  // content hashes of the old plan's clips, by name
  if (before.contains("clips") && before["clips"].is_array()) {
    for (const auto& clip : before["clips"]) contents[text(clip, "name")] = text(clip, "content");
  }
  std::vector<std::string> changed, added;
  for (const PlannedClip& clip : now.clips) {
    const auto was = contents.find(clip.name);
    if (was == contents.end()) {
      added.push_back(clip.name);
    } else {
      if (was->second != clip.content) changed.push_back(clip.name);
      contents.erase(was);
    }
  }
  std::vector<std::string> removed;
  for (const auto& [name, content] : contents) removed.push_back(name);
  std::string out;
  const auto tell = [&out](const std::vector<std::string>& names, const char* what) {
    if (names.empty()) return;
    out += message(out.empty() ? "" : ", ", names.size(), names.size() == 1 ? " clip has " : " clips have ", what,
                   " ('", names.front(), names.size() > 1 ? "', ..." : "'", ")");
  };
  tell(changed, "other frames than before");
  tell(added, "been added");
  tell(removed, "been removed");
  return out.empty() ? "the data differ" : out;
}

/// Describes the differences between the plan in the file and `now`.
std::string difference(const std::string& before_text, const fs::path& path, const LosoPlan& now) {
  const auto before = io::parse_json<nlohmann::json>(before_text, {path});
  if (!before.is_object() || !before.contains("config") || !before["config"].is_object()) {
    return "plan.json cannot be read";
  }
  std::string out;
  const auto tell = [&](const nlohmann::json& holder, const std::string& field, const std::string& is,
                        const std::string& name) {
    const auto value = holder.find(field);
    const std::string was = value == holder.end() ? "(absent)"
                            : value->is_string()  ? value->get<std::string>()
                                                  : value->dump();
    if (was != is) out += (out.empty() ? "" : ", ") + name + " was " + was + ", is " + is;
  };
  tell(before, "dataset", now.dataset, "dataset");
  tell(before, "classes_of", now.classes_of, "classes");
  for (const auto& [name, value] : now.config) tell(before["config"], name, value, name);
  return out.empty() ? clips_difference(before, now) : out;
}

/// True for file names as made by fold_file and fold_weights that have this extension.
bool is_task_file(const fs::path& path, const char* extension) {
  const std::string name = path.stem().string();
  constexpr std::string_view kPrefix = "task-";
  return path.extension() == extension && name.size() > kPrefix.size() && name.starts_with(kPrefix) &&
         name.find_first_not_of("0123456789", kPrefix.size()) == std::string::npos;
}

std::vector<fs::path> task_files(const fs::path& folder, const char* extension) {
  std::vector<fs::path> out;
  if (!fs::exists(folder)) return out;
  for (const fs::path& path : io::folder_entries(folder)) {
    if (is_task_file(path, extension)) out.push_back(path);
  }
  return out;
}

/// Removes the plan of a run and the files that depend on it. Other files stay.
void remove_run(const fs::path& run) {
  std::vector<fs::path> files = task_files(run / "folds", ".json");
  for (const fs::path& path : task_files(run / "weights", ".safetensors")) files.push_back(path);
  files.push_back(run / "results.json");
  files.push_back(run / "plan.json");
  for (const fs::path& file : files) {
    std::error_code error;
    fs::remove(file, error);
    if (error) {
      throw io::Error(io::ErrorKind::kDisk, file, "", "cannot be removed: " + error.message(),
                      "check the folder's permissions, or name another --out");
    }
  }
}

/// True if the task has a result of this plan. Throws the errors of read_fold if the result is not valid.
bool has_result(const fs::path& run, const LosoPlan& plan, std::size_t task) {
  std::error_code ignored;
  if (!fs::exists(fold_file(run, task), ignored)) return false;
  read_fold(fold_file(run, task), plan);
  return true;
}

/// The work of one thread, with its own locks and, after it has started a fold, its own device.
class Job {
 public:
  Job(const fs::path& run, const LosoPlan& plan, const LosoRunOptions& options, std::mutex& mutex,
      std::atomic<std::int64_t>& done, std::atomic<bool>& failed)
      : run_(run),
        plan_(plan),
        options_(options),
        mutex_(mutex),
        done_(done),
        failed_(failed),
        locks_(run / "folds.lock") {}

  void work(const std::vector<std::size_t>& order, std::vector<std::atomic<bool>>& counted) {
    std::vector<std::size_t> left = order;
    while (!left.empty()) {
      std::vector<std::size_t> elsewhere;  // tasks that another job or process is running
      for (const std::size_t task : left) {
        if (stopped()) return;
        const std::optional<RangeLock::Held> held = locks_.try_hold(static_cast<std::int64_t>(task));
        if (!held) {
          elsewhere.push_back(task);
          continue;
        }
        const bool skipped = has_result(run_, plan_, task);
        if (!skipped && !run_task(task)) return;
        tell(task, skipped, counted);
      }
      left = std::move(elsewhere);
      if (!left.empty()) std::this_thread::sleep_for(kPoll);
    }
  }

 private:
  bool stopped() const { return failed_ || (options_.should_stop && options_.should_stop()); }

  bool run_task(std::size_t task) {
    if (!machine_) machine_ = options_.machine();
    FoldHooks hooks;
    hooks.should_stop = [this] { return stopped(); };
    if (options_.on_step) {
      hooks.on_step = [&](std::int64_t step, std::int64_t steps) {
        const std::lock_guard<std::mutex> lock(mutex_);
        options_.on_step(task, step, steps);
      };
    }
    if (options_.keep_weights) {
      hooks.on_weights = [&](const Weights& weights) { save_weights(fold_weights(run_, task), weights); };
    }
    const std::optional<FoldResult> result = machine_->worker().run(task, hooks);
    if (!result) return false;
    io::write_file(fold_file(run_, task), fold_text(plan_, *result), io::Overwrite::kYes);
    return true;
  }

  void tell(std::size_t task, bool skipped, std::vector<std::atomic<bool>>& counted) {
    if (counted[task].exchange(true)) return;  // another job of this process has reported it
    const std::lock_guard<std::mutex> lock(mutex_);
    ++done_;
    if (options_.on_task) options_.on_task(task, skipped, done_);
  }

  const fs::path& run_;
  const LosoPlan& plan_;
  const LosoRunOptions& options_;
  std::mutex& mutex_;
  std::atomic<std::int64_t>& done_;
  std::atomic<bool>& failed_;
  RangeLock locks_;
  std::unique_ptr<FoldMachine> machine_;
};

}  // namespace

RunPlace::RunPlace(const fs::path& run) : locks(run / "folds.lock") {}

std::unique_ptr<RunPlace> place_plan(const fs::path& run, const LosoPlan& plan, ExistingRun existing) {
  std::error_code error;
  fs::create_directories(run / "folds", error);
  if (error) {
    throw io::Error(io::ErrorKind::kDisk, run, "", "cannot be made: " + error.message(), "name another --out");
  }
  auto place = std::make_unique<RunPlace>(run);
  const RangeLock::Held placing = place->locks.hold(kPlanByte);  // until the shared lock is taken
  const std::string text = plan_text(plan);
  const fs::path path = run / "plan.json";
  const bool there = fs::exists(path);
  const std::string before = there ? read_plan_text(path) : "";
  if (existing == ExistingRun::kReplace || before != text) {
    const bool replace = existing == ExistingRun::kReplace || task_files(run / "folds", ".json").empty();
    const std::optional<RangeLock::Held> alone = place->locks.try_hold(kRunByte);
    if (existing == ExistingRun::kReplace && !alone) {
      throw io::Error(io::ErrorKind::kUsage, run, "", "another process runs folds here, and --force would remove them",
                      "wait for it, stop it, or name another --out");
    }
    if (there && !(replace && alone)) {
      refuse_other_schema(path, before);
      throw io::Error(io::ErrorKind::kUsage, path, "", "is another plan: " + difference(before, path, plan),
                      "replace it and its folds with --force, or name another --out");
    }
    if (replace && alone) remove_run(run);
    io::write_file(path, text, io::Overwrite::kYes);
    place->plan_is_new = true;
  }
  place->held.emplace(place->locks.hold_shared(kRunByte));
  return place;
}

LosoOutcome run_folds(const fs::path& run, const LosoPlan& plan, const LosoRunOptions& options) {
  std::vector<std::size_t> order = plan.longest_first();
  if (options.only) {
    if (*options.only >= plan.tasks.size()) {
      throw Error(ErrorKind::kUsage, "fold",
                  message(*options.only, " is none of the folds 0 to ", plan.tasks.size() - 1));
    }
    order = {*options.only};
  }
  for (const std::size_t task : order) io::remove_stale_temporaries(fold_file(run, task));
  if (options.keep_weights) {
    std::error_code error;
    fs::create_directories(run / "weights", error);
    if (error) throw io::Error(io::ErrorKind::kDisk, run / "weights", "", "cannot be made: " + error.message(), "");
    for (const std::size_t task : order) io::remove_stale_temporaries(fold_weights(run, task));
  }
  std::vector<std::atomic<bool>> counted(plan.tasks.size());
  std::mutex mutex, error_mutex;
  std::atomic<std::int64_t> done{0};
  std::atomic<bool> failed{false};
  std::exception_ptr first_error;
  const auto work = [&] {
    try {
      Job(run, plan, options, mutex, done, failed).work(order, counted);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (!first_error) first_error = std::current_exception();
      failed = true;
    }
  };
  std::vector<std::thread> others;
  others.reserve(static_cast<std::size_t>(std::max(options.jobs, 1)));
  try {
    for (int j = 1; j < options.jobs; ++j) others.emplace_back(work);
  } catch (const std::system_error&) {
    // no more threads available: the existing ones do all the work
  }
  work();
  for (std::thread& thread : others) thread.join();
  if (first_error) std::rethrow_exception(first_error);
  return done == static_cast<std::int64_t>(order.size()) ? LosoOutcome::kFinished : LosoOutcome::kStopped;
}

}  // namespace shcnn
