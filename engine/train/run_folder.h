// The folder of a training run: which file is which, and who may write there.
//
//   weights.safetensors        best on validation (the last where there is no validation)
//   weights-last.safetensors   after the last finished epoch or stop
//   state.safetensors, state-prev.safetensors   to resume
//   curves.csv                 one row an epoch
//   results.json, confusion.csv   every validation prediction, of the best epoch
//   config.toml                the settings of the latest start, in the program's words
//   events.out.tfevents.*      the curves for TensorBoard, one file for each time the run was started
//   report.html                all of it to look at (written by the program)
//   run.lock                   locked by the process that trains here; never removed: another process may have opened it and
//                              be about to lock it
// No file but the events, the report and the lock holds times, paths, hosts or thread counts: equal runs give equal
// bytes.
#pragma once

#include <filesystem>
#include <string>

#include "engine/files/range_lock.h"
#include "engine/train/checkpoint.h"
#include "engine/train/trainer.h"

namespace shcnn {

class RunFolder {
 public:
  enum class Open {
    kNew,      ///< the folder must be absent or empty
    kReplace,  ///< files of an earlier run are removed
    kResume,   ///< an earlier run's state must be there
  };
  /// Creates or opens the folder, takes its lock, and only then looks at what it holds. io::Error (kUsage) as check()
  /// throws it, or if another process trains there; (kDisk) if it cannot be made.
  RunFolder(std::filesystem::path path, Open open);
  /// Where nothing has been trained, config.toml goes: it would stand in the way of the next start.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// What can be refused without a lock and without writing, for callers with much to do before they open the folder:
  /// io::Error (kUsage) if `path` holds a run and `open` is kNew, or no state and `open` is kResume.
  static void check(const std::filesystem::path& path, Open open);
  /// io::Error (kDisk) if the folder, or the lock in it, was removed or replaced since it was opened.
  void require_in_place() const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path weights() const { return path_ / "weights.safetensors"; }
  std::filesystem::path last_weights() const { return path_ / "weights-last.safetensors"; }
  std::filesystem::path state() const { return path_ / "state.safetensors"; }
  std::filesystem::path previous_state() const { return path_ / "state-prev.safetensors"; }
  std::filesystem::path curves() const { return path_ / "curves.csv"; }
  std::filesystem::path results() const { return path_ / "results.json"; }
  std::filesystem::path confusion() const { return path_ / "confusion.csv"; }
  std::filesystem::path config() const { return path_ / "config.toml"; }

 private:
  std::filesystem::path path_;
  RangeLock lock_;
  RangeLock::Held held_;
};

/// One row an epoch; columns named in the first line.
void write_curves(const std::filesystem::path& path, const std::vector<EpochRecord>& curves);
/// {"schema":1,"images":n,"accuracy":a,"uf1":f,"uar":r,"labels":[..],"confusion":[[..]],"predictions":[{"name","truth","predicted","scores"}]}
void write_results(const std::filesystem::path& path, const Samples& samples, const Evaluation& evaluation);
/// Rows are truth, columns are predictions, both with the classes' names.
void write_confusion(const std::filesystem::path& path, const Confusion& confusion,
                     const std::vector<std::string>& class_names);

struct TrainInOptions {
  std::string config_toml;    ///< becomes config.toml once the run is known to go on with it; empty: none is written
  bool force_resume = false;  ///< go on although the state was made with another configuration or other data
};

/// Trains in `folder`: resumes if it holds a state, saves what the list above names, passes the caller's hooks on.
/// `template_weights` names what the weights files say beside the tensors. `note` receives a line where a damaged state
/// was replaced by the one before. Throws Error(kUsage), with the folder as it was, if the state was made with another
/// configuration or other data, unless that is forced, or if it has more steps than `config` asks for.
TrainOutcome train_in(RunFolder& folder, Trainer& trainer, const TrainConfig& config, const Samples& training,
                      const Samples* validation, const Weights& template_weights, const TrainHooks& hooks,
                      const TrainInOptions& options, std::string* note);

}  // namespace shcnn
