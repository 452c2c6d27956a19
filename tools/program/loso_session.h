// Runs a cross-validation for the verbs `loso` and `reproduce`: arguments -> clips, plan, folds, scores.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/crossval/clip_images.h"
#include "engine/crossval/loso_plan.h"
#include "engine/crossval/loso_results.h"
#include "engine/crossval/loso_run.h"
#include "tools/program/clips.h"
#include "tools/program/train_options.h"

namespace shcnn::program {

struct LosoArguments {
  ClipChoice clips;               ///< dataset: casme, casme2, samm, clips (detected), composite
  std::vector<std::string> data;  ///< one folder; composite: "casme2=DIR" and "samm=DIR", ...
  std::string out;
  std::string recipe = "paper", protocol = "loso", input = "flow", vote = "majority", select = "last";
  std::string pretrained = "none", weights;
  std::string flow_order = "resize-then-flow", flow_colors = "hsv";
  int folds = 5, seeds = 1, images = 0, jobs = 1;
  bool no_inner = false, keep_weights = false;
  double flow_scale = 0;
  std::string cache;  ///< empty: RUN/images
  double cache_gb = 8, memory_gb = 1;
  std::optional<int> fold;
  TrainChanges changes;
};

/// Adds --dataset, --data and --out.
void add_loso_source(OptionSet& verb, LosoArguments& args);
/// Adds all other options, including --seed, except --fold, --jobs and --keep-weights.
void add_loso_settings(OptionSet& verb, LosoArguments& args, Common& common);

/// Reads the arguments stored in RUN/config.toml, as `shcnn loso run --out RUN` does. Throws as apply_config_file.
void read_stored_arguments(const std::string& run, LosoArguments& args, Common& common);

/// All settings that affect the results. `pretrained`: the weights read from args.weights, or null. Their slope and
/// input scale are used unless the arguments override them.
LosoConfig resolve(const LosoArguments& args, const Common& common, int classes, const Weights* pretrained);
/// As show_resolved, for the recipe with the settings of the weights and the given changes. Reads args.weights, if
/// given.
void show_resolved_loso(OptionSet& verb, const LosoArguments& args, const Common& common);

/// Position of this process among those started by mpirun or srun.
struct Rank {
  int rank = 0, size = 1, local_size = 1;
};
Rank rank_of_environment();

/// One run, from data to scores. Memory for the network is allocated when the first fold starts.
class LosoSession {
 public:
  /// Reads the clips and makes the plan; writes nothing. Throws if the arguments contradict each other, the clips or
  /// the weights.
  LosoSession(const LosoArguments& args, const Common& common);
  ~LosoSession();

  const LosoPlan& plan() const { return plan_; }
  const io::ClipSet& clips() const { return clips_; }
  const LosoConfig& config() const { return config_; }
  /// Throws the errors that run() would throw at its start, but before place() writes anything: the device is not
  /// available, or the image cache folder holds other files.
  void check_run();
  /// Registers this process in RUN (place_plan) and writes plan.json and config.toml. An existing config.toml is kept
  /// unless the plan is new or `renew` is true.
  void place(bool renew = false);
  /// Runs the unfinished folds; call after place(). Failure(kStopped) if a signal requested a stop.
  void run();
  /// finish_run(), plus a picture of the network's flow images if the input is flow.
  LosoSummary finish();
  /// The images of a clip, for pictures.
  ClipImageStore& images();

 private:
  const LosoArguments& args_;
  const Common& common_;
  io::ClipSet clips_;
  LosoConfig config_;
  std::optional<Weights> pretrained_;
  std::vector<std::string> hashes_;
  LosoPlan plan_;
  BackendOptions backend_options_;
  std::unique_ptr<ClipImageStore> images_;
  std::unique_ptr<RunPlace> place_;
};

/// Merges the folds of RUN, writes tables and pictures, and returns the scores.
LosoSummary finish_run(const std::string& out, const LosoPlan& plan);

/// Name for tables and pages; the oracle is in capitals (ORACLE) to stand out.
std::string title_of(Selection selection);
/// Describes in words how the selection chooses the epoch of a fold.
const char* way_of(Selection selection);

/// The scores as text and as JSON.
void print_summary(const LosoPlan& plan, const LosoSummary& summary);
Json summary_json(const std::string& out, const LosoPlan& plan, const LosoSummary& summary);

}  // namespace shcnn::program
