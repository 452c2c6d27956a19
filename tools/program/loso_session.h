// A cross-validation as the verbs `loso` and `reproduce` run it: arguments -> clips, plan, folds, scores.
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
  ClipChoice clips;               ///< dataset: casme, casme2, samm, clips (found out), composite
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
/// Adds everything else but --fold, --jobs and --keep-weights, and --seed.
void add_loso_settings(OptionSet& verb, LosoArguments& args, Common& common);

/// The arguments that RUN/config.toml keeps, as `shcnn loso run --out RUN` takes them. Failures of apply_config_file.
void read_stored_arguments(const std::string& run, LosoArguments& args, Common& common);

/// Everything that decides what is computed. `pretrained`: of args.weights, null where there are none; its slope and
/// input scale stand where the arguments do not name others.
LosoConfig resolve(const LosoArguments& args, const Common& common, int classes, const Weights* pretrained);
/// As show_resolved, of the recipe, the weights and what is changed in it. Reads the weights where some are named.
void show_resolved_loso(OptionSet& verb, const LosoArguments& args, const Common& common);

/// This process among those that mpirun or srun started.
struct Rank {
  int rank = 0, size = 1, local_size = 1;
};
Rank rank_of_environment();

/// One run from data to scores. Memory for the network is taken when the first fold is.
class LosoSession {
 public:
  /// Reads clips and makes the plan; nothing is written. Refuses arguments that do not fit together or do not fit the
  /// clips and the weights.
  LosoSession(const LosoArguments& args, const Common& common);
  ~LosoSession();

  const LosoPlan& plan() const { return plan_; }
  const io::ClipSet& clips() const { return clips_; }
  const LosoConfig& config() const { return config_; }
  /// Throws what run() would meet at once, before place() has written anything: a device that is not there, a folder of
  /// images that holds other things.
  void check_run();
  /// Takes a place in RUN (place_plan) and puts plan.json and config.toml there. A config.toml that is there stays, but
  /// with a new plan and where `renew` says that it does not.
  void place(bool renew = false);
  /// Runs what is missing; after place(). Failure(kStopped) where a signal asked to stop.
  void run();
  /// finish_run(), and a picture of the flow images that the network saw.
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

/// Merges RUN, writes its tables and pictures, and returns the scores.
LosoSummary finish_run(const std::string& out, const LosoPlan& plan);

/// As tables and pages have it: ORACLE stands out.
std::string title_of(Selection selection);
/// How it comes by a fold's epoch, in words.
const char* way_of(Selection selection);

/// The scores as text and as JSON.
void print_summary(const LosoPlan& plan, const LosoSummary& summary);
Json summary_json(const std::string& out, const LosoPlan& plan, const LosoSummary& summary);

}  // namespace shcnn::program
