// The folder of a training run: its files, and the lock that allows one process at a time to write there.
//
//   weights.safetensors        weights of the best epoch on validation data (the last epoch if there are no such data)
//   weights-last.safetensors   weights of the last finished epoch
//   state.safetensors, state-prev.safetensors   training state, current and previous, to resume from
//   curves.csv                 one row per epoch
//   results.json, confusion.csv   all validation predictions of the best epoch
//   config.toml                the settings of the latest start, named like the program's options
//   events.out.tfevents.*      the curves for TensorBoard, one file per start of the run
//   report.html                a report of the run (written by the program)
//   run.lock                   locked by the process that trains here; never removed, because another process may have
//                              opened it and be about to lock it
// config.toml contains the paths of the data and of the run; the events and the report may contain times and host
// names. The other files contain no times, paths, host names or thread counts and are byte-identical for identical
// runs.
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
    kReplace,  ///< removes the files of an earlier run
    kResume,   ///< the folder must hold a saved state
  };
  /// Creates or opens the folder and locks it, then checks its contents. Throws io::Error: (kUsage) like check(), or if
  /// another process trains there; (kDisk) if the folder cannot be created.
  RunFolder(std::filesystem::path path, Open open);
  /// Removes config.toml if the run has saved no results, so that a failed start leaves no settings behind.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// The checks that need no lock and write nothing, for callers that do lengthy work before they open the folder.
  /// Throws io::Error (kUsage) if `open` is kNew and `path` holds a run, or if `open` is kResume and `path` holds no
  /// state.
  static void check(const std::filesystem::path& path, Open open);
  /// Throws io::Error (kDisk) if the folder or its lock file was removed or replaced since it was opened.
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

/// Writes one row per epoch, below a row of column names.
void write_curves(const std::filesystem::path& path, const std::vector<EpochRecord>& curves);
/// Writes {"schema":1,"images":n,"accuracy":a,"uf1":f,"uar":r,"labels":[..],"absent":[..],"confusion":[[..]],
/// "predictions":[{"name","truth","predicted","scores"}]}; "absent" are the classes of absent_classes().
void write_results(const std::filesystem::path& path, const Samples& samples, const Evaluation& evaluation);
/// Rows are true classes, columns are predicted classes, both labelled with class names.
void write_confusion(const std::filesystem::path& path, const Confusion& confusion,
                     const std::vector<std::string>& class_names);

struct TrainInOptions {
  std::string config_toml;    ///< content of config.toml, written after the run is accepted; empty = no file
  bool force_resume = false;  ///< resume even if the state was made with another configuration or other data
};

/// Trains in `folder`: resumes if it holds a state, saves the files listed above, and calls the caller's hooks too.
/// `template_weights` gives the metadata of the weights files. `note` receives a line if the previous state was used
/// because the current one is damaged or missing. Throws Error(kUsage), and leaves the folder unchanged, if the state
/// was made with another configuration or other data (unless force_resume is set) or has more steps than `config` asks
/// for.
TrainOutcome train_in(RunFolder& folder, Trainer& trainer, const TrainConfig& config, const Samples& training,
                      const Samples* validation, const Weights& template_weights, const TrainHooks& hooks,
                      const TrainInOptions& options, std::string* note);

}  // namespace shcnn
