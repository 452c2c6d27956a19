#include "tools/program/loso_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "engine/net/metrics.h"
#include "io/clips/clip_classes.h"
#include "io/files/atomic_file.h"
#include "io/files/parallel.h"
#include "tools/program/config_file.h"
#include "tools/program/loso_pictures.h"
#include "tools/program/machine.h"
#include "tools/program/progress.h"
#include "tools/program/results.h"
#include "tools/program/stop_request.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

constexpr int kAnyClasses = 5;  ///< number of classes until the data are read; no recipe setting depends on it

int environment_number(std::initializer_list<const char*> names, int otherwise) {
  for (const char* name : names) {
    const char* text = std::getenv(name);
    if (text != nullptr && *text != '\0') return std::atoi(text);
  }
  return otherwise;
}

flow::FlowOrder flow_order(const std::string& name) {
  if (name == "resize-then-flow") return flow::FlowOrder::kResizeThenFlow;
  if (name == "flow-then-resize") return flow::FlowOrder::kFlowThenResize;
  throw Failure(ExitCode::kUsage, "--flow-order: '" + name + "' is neither resize-then-flow nor flow-then-resize");
}

flow::FlowColors flow_colors(const std::string& name) {
  if (name == "hsv") return flow::FlowColors::kHsv;
  if (name == "hsi") return flow::FlowColors::kHsi;
  throw Failure(ExitCode::kUsage, "--flow-colors: '" + name + "' is neither hsv nor hsi");
}

/// Combines several data sets. Clip names and subjects are prefixed with the name of their data set.
io::ClipSet composite(const LosoArguments& args) {
  io::ClipSet all;
  if (args.data.size() < 2) {
    throw Failure(ExitCode::kUsage, "--dataset composite needs two sets or more: --data casme2=DIR --data samm=DIR");
  }
  for (const std::string& entry : args.data) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) {
      throw Failure(ExitCode::kUsage, "--data " + entry + ": composite data are given as casme2=DIR, samm=DIR");
    }
    ClipChoice choice = args.clips;
    choice.dataset = entry.substr(0, equals);
    choice.data = entry.substr(equals + 1);
    if (choice.classes == "paper") choice.classes = "composite";
    io::ClipSet clips = load_clips(choice);
    if (!all.class_names.empty() && all.class_names != clips.class_names) {
      throw Failure(ExitCode::kUsage,
                    "--classes: the sets have different classes under this map; use composite or a file");
    }
    all.class_names = clips.class_names;
    all.rule = clips.rule;
    all.rows += clips.rows;
    for (io::Clip& clip : clips.clips) {
      clip.name = choice.dataset + "/" + clip.name;
      clip.subject = choice.dataset + "/" + clip.subject;
      all.clips.push_back(std::move(clip));
    }
    for (const auto& [reason, count] : clips.dropped) all.dropped[reason] += count;
    all.problems.insert(all.problems.end(), clips.problems.begin(), clips.problems.end());
  }
  return all;
}

io::ClipSet load(const LosoArguments& args) {
  if (args.clips.dataset == "composite") return composite(args);
  if (args.data.size() != 1) throw Failure(ExitCode::kUsage, "--data: give one folder (several for composite alone)");
  ClipChoice choice = args.clips;
  if (choice.dataset == "clips") choice.dataset.clear();
  choice.data = args.data.front();
  return load_clips(choice);
}

std::string dataset_name(const LosoArguments& args, const io::ClipSet& clips) {
  if (args.clips.dataset != "composite") return std::string(io::layout_name(clips.layout));
  std::string name;
  for (const std::string& entry : args.data) name += (name.empty() ? "" : "+") + entry.substr(0, entry.find('='));
  return name;
}

/// A device and the fold worker that uses it.
class DeviceOfFolds : public FoldMachine {
 public:
  DeviceOfFolds(const std::string& device, const BackendOptions& options, const LosoConfig& config,
                const LosoPlan& plan, ClipImageStore& images, const Weights* pretrained)
      : backend_(make_backend(device, options)), worker_(backend_, config, plan, images, pretrained) {}
  FoldWorker& worker() override { return worker_; }

 private:
  Backend backend_;
  FoldWorker worker_;
};

}  // namespace

std::string title_of(Selection selection) { return selection == Selection::kOracle ? "ORACLE" : to_string(selection); }

const char* way_of(Selection selection) {
  switch (selection) {
    case Selection::kLast:
      return "the last of a fixed number of epochs";
    case Selection::kInner:
      return "epoch chosen on a training subject, left out of a second training";
    case Selection::kOracle:
      return "epoch chosen on the left-out clips themselves: the paper's way, optimistic";
  }
  return "";
}

void add_loso_source(OptionSet& verb, LosoArguments& args) {
  verb.add_option("--dataset", args.clips.dataset, "casme, casme2, samm, clips (detected from the folder) or composite")
      .show_default();
  verb.add_option("--data", args.data, "folder of the clips; composite: --data casme2=DIR --data samm=DIR")
      .repeatable();
  verb.add_option("--out", args.out, "RUN: output folder").show_default();
}

void add_loso_settings(OptionSet& verb, LosoArguments& args, Common& common) {
  add_clip_options(verb, args.clips);
  verb.add_option("--protocol", args.protocol, "loso, lovo (one video out) or kfold (by subject)").show_default();
  verb.add_option("--folds", args.folds, "number of folds for --protocol kfold").show_default();
  verb.add_option("--seeds", args.seeds, "number of seeds, counted from --seed; each fold runs once per seed")
      .show_default();
  verb.add_option("--input", args.input, "flow (images of optical flow) or frames (Table 10's control groups)")
      .show_default();
  verb.add_option("--images", args.images,
                  "maximum number of images per clip, evenly spaced and including the apex; 0 = all")
      .show_default();
  verb.add_option("--vote", args.vote, "how the images of a clip vote: majority, sum-logits or sum-softmax")
      .show_default();
  verb.add_option("--select", args.select,
                  "epoch to report first: last, inner (best on a held-out training subject) or oracle (best on the "
                  "test subject itself)")
      .show_default();
  verb.add_flag("--no-inner", args.no_inner, "skip the second training that 'inner' needs; halves the time");
  verb.add_option("--recipe", args.recipe, "paper or code (the authors' program)").show_default();
  verb.add_option("--weights", args.weights, "weights trained on faces (FER+), for --pretrained").show_default();
  verb.add_option(
          "--pretrained", args.pretrained,
          "none; direct (use the weights unchanged), frozen (train a new last layer) or finetune (train all layers)")
      .show_default();
  verb.add_option("--flow-order", args.flow_order, "resize-then-flow (the authors) or flow-then-resize (the paper)")
      .show_default();
  verb.add_option("--flow-colors", args.flow_colors, "hsv or hsi").show_default();
  verb.add_option("--flow-scale", args.flow_scale,
                  "flow in pixels shown at full brightness; 0 = each image's own maximum")
      .show_default();
  verb.add_option("--cache", args.cache,
                  "cache folder for the images of clips, which runs can share; default RUN/images")
      .show_default();
  verb.add_option("--cache-gb", args.cache_gb, "maximum size of the cache folder in GB").show_default();
  verb.add_option("--memory-gb", args.memory_gb, "maximum memory for images in GB").show_default();
  add_train_changes(verb, args.changes, TrainingLength::kEpochs);
  add_seed(verb, common);
}

namespace {

LosoArguments with_absolute_paths(LosoArguments args) {
  for (std::string& data : args.data) {
    const std::size_t equals = args.clips.dataset == "composite" ? data.find('=') : std::string::npos;
    const std::size_t path = equals == std::string::npos ? 0 : equals + 1;
    data = data.substr(0, path) + absolute_path(data.substr(path));
  }
  if (fs::path(args.clips.classes).extension() == ".csv") args.clips.classes = absolute_path(args.clips.classes);
  for (std::string* path : {&args.clips.coding, &args.weights, &args.cache, &args.out}) *path = absolute_path(*path);
  return args;
}

/// Text of RUN/config.toml: the arguments that affect the results, and the data paths, but not how the work is divided.
std::string stored_arguments(const LosoArguments& args, const Common& common, const LosoConfig& config) {
  LosoArguments kept = with_absolute_paths(args);
  Common everywhere = common;
  OptionSet verb("run");  // its defaults are the values in `kept`
  add_loso_source(verb, kept);
  add_loso_settings(verb, kept, everywhere);
  verb.add_option("--device", everywhere.device, "").show_default();
  if (!kept.data.empty()) verb.assign("data", kept.data);
  if (args.no_inner) verb.assign("no-inner", {"true"});
  show_resolved(verb, config.train);
  return config_text(verb);
}

}  // namespace

void read_stored_arguments(const std::string& run, LosoArguments& args, Common& common) {
  OptionSet verb("run");
  add_loso_source(verb, args);
  add_loso_settings(verb, args, common);
  add_common(verb, common, true);
  apply_config_file(verb, (fs::path(run) / kConfigFile).string());
  args.out = run;
}

LosoConfig resolve(const LosoArguments& args, const Common& common, int classes, const Weights* pretrained) {
  LosoConfig config;
  config.device = common.device.substr(0, common.device.find(':'));
  config.protocol = protocol_from_string(args.protocol);
  config.folds = args.folds;
  config.seeds = args.seeds;
  config.inner = !args.no_inner;
  config.vote = vote_from_string(args.vote);
  config.selection = selection_from_string(args.select);
  config.images.input = clip_input_from_string(args.input);
  config.images.most = args.images;
  config.images.flow.order = flow_order(args.flow_order);
  config.images.flow.colors = flow_colors(args.flow_colors);
  config.images.flow.full_scale = args.flow_scale;
  config.pretrained = pretrained_from_string(args.pretrained);
  const bool flow = config.images.input == ClipInput::kFlow;
  config.train = recipe(args.recipe, flow ? Variant::kMicro : Variant::kStatic, classes, "clips");
  config.train.epochs =
      recipe(args.recipe, Variant::kMicro, classes, "clips").epochs;  // frames: same number of epochs as flow images
  config.train.seed = common.seed;
  if (pretrained != nullptr) {
    config.pretrained_hash = weights_hash(*pretrained);
    config.train.model.slope = pretrained->model.slope;
    config.train.input_scale = pretrained->input_scale;
  }
  for (const auto& change : args.changes) change(config.train);
  return config;
}

namespace {

std::optional<Weights> load_pretrained(const LosoArguments& args) {
  if (args.weights.empty()) return std::nullopt;
  return load_weights(args.weights);
}

/// Checks that need no data.
void check_arguments(const LosoArguments& args) {
  if (args.fold && *args.fold < 0) {
    throw Failure(ExitCode::kUsage, fmt::format("--fold: must be 0 or more, got {}", *args.fold));
  }
  ClipCacheOptions::bytes_of("cache-gb", args.cache_gb);
  ClipCacheOptions::bytes_of("memory-gb", args.memory_gb);
}

}  // namespace

void show_resolved_loso(OptionSet& verb, const LosoArguments& args, const Common& common) {
  const std::optional<Weights> pretrained = load_pretrained(args);
  show_resolved(verb, resolve(args, common, kAnyClasses, pretrained ? &*pretrained : nullptr).train);
}

Rank rank_of_environment() {
  Rank rank;
  rank.rank = environment_number({"OMPI_COMM_WORLD_RANK", "PMIX_RANK"}, 0);
  rank.size = environment_number({"OMPI_COMM_WORLD_SIZE"}, 1);
  rank.local_size = std::max(1, environment_number({"OMPI_COMM_WORLD_LOCAL_SIZE"}, 1));
  return rank;
}

LosoSession::LosoSession(const LosoArguments& args, const Common& common) : args_(args), common_(common) {
  check_arguments(args);
  pretrained_ = load_pretrained(args);
  const Weights* pretrained = pretrained_ ? &*pretrained_ : nullptr;
  resolve(args, common, kAnyClasses, pretrained).check();  // fails early, before the clips are read
  clips_ = load(args);
  config_ = resolve(args, common, static_cast<int>(clips_.class_names.size()), pretrained);
  config_.check();
  if (pretrained != nullptr) check_pretrained(config_, *pretrained, clips_.class_names);
  hashes_.resize(clips_.clips.size());
  io::for_each_parallel(
      static_cast<std::int64_t>(hashes_.size()),
      [&](std::int64_t i) {
        hashes_[static_cast<std::size_t>(i)] = clip_content_hash(clips_.clips[static_cast<std::size_t>(i)]);
      },
      common.threads, 1);
  plan_ = make_plan(config_, clips_, dataset_name(args, clips_), hashes_);
  if (args.fold && static_cast<std::size_t>(*args.fold) >= plan_.tasks.size()) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("--fold: {} is none of the folds 0 to {}", *args.fold, plan_.tasks.size() - 1));
  }

  // Processes on the same machine share its cores.
  const int cores = std::max(1, std::min(this_machine().cores, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) /
                                                                   rank_of_environment().local_size));
  backend_options_.threads = common.threads > 0 ? common.threads : std::max(1, cores / std::max(1, args.jobs));
}

LosoSession::~LosoSession() = default;

void LosoSession::check_run() {
  make_backend(common_.device, backend_options_);
  images();
}

void LosoSession::place(bool renew) {
  if (common_.force && rank_of_environment().size > 1) {
    throw Failure(ExitCode::kUsage,
                  "--force: processes that start together would remove each other's folds; run "
                  "shcnn loso plan --force first");
  }
  place_ = place_plan(args_.out, plan_, common_.force ? ExistingRun::kReplace : ExistingRun::kContinue);
  const fs::path config = fs::path(args_.out) / kConfigFile;
  if (renew || place_->plan_is_new || !fs::exists(config)) {
    io::write_file(config, stored_arguments(args_, common_, config_), io::Overwrite::kYes);
  }
}

ClipImageStore& LosoSession::images() {
  if (!images_) {
    ClipCacheOptions cache;
    cache.folder = args_.cache.empty() ? fs::path(args_.out) / "images" : fs::path(args_.cache);
    cache.disk_bytes = ClipCacheOptions::bytes_of("cache-gb", args_.cache_gb);
    cache.memory_bytes = ClipCacheOptions::bytes_of("memory-gb", args_.memory_gb);
    cache.note = [this](const std::string& line) { remark(common_, line); };
    BackendOptions options = backend_options_;
    if (common_.threads == 0) options.threads *= std::max(1, args_.jobs);  // no fold runs at the same time
    images_ = std::make_unique<ClipImageStore>(clips_, hashes_, config_.images, cache, common_.device, options);
  }
  return *images_;
}

void LosoSession::run() {
  watch_for_stop_requests();
  const bool talkative = common_.talkative() && rank_of_environment().rank == 0;
  const auto stopped = [&] {
    return Failure(ExitCode::kStopped,
                   fmt::format("stopped on request, finished folds are kept; go on with: shcnn loso "
                               "run --out {}",
                               args_.out));
  };
  {
    Progress progress(config_.images.input == ClipInput::kFlow ? "flow images" : "frames", "clips", talkative);
    images().prepare([&](std::int64_t done, std::int64_t total) { progress.show(done, total); }, stop_requested);
    progress.clear();
  }
  if (stop_requested()) throw stopped();

  Progress progress("folds", "steps", talkative);
  LosoRunOptions options;
  if (args_.fold) options.only = static_cast<std::size_t>(*args_.fold);
  options.jobs = args_.jobs;
  options.keep_weights = args_.keep_weights;
  options.should_stop = stop_requested;
  options.machine = [&]() -> std::unique_ptr<FoldMachine> {
    return std::make_unique<DeviceOfFolds>(common_.device, backend_options_, config_, plan_, images(),
                                           pretrained_ ? &*pretrained_ : nullptr);
  };
  const std::int64_t tasks = args_.fold ? 1 : static_cast<std::int64_t>(plan_.tasks.size());
  options.on_step = [&](std::size_t task, std::int64_t step, std::int64_t steps) {
    progress.show(step, steps, fmt::format("fold {} ({})", task, plan_.tasks[task].name));
  };
  options.on_task = [&](std::size_t task, bool skipped, std::int64_t done) {
    progress.clear();
    progress.restart();
    if (talkative) {
      remark(common_, fmt::format("fold {} of {} ({}) {}  [{}/{}]", task, plan_.tasks.size(), plan_.tasks[task].name,
                                  skipped ? "has a result" : "done", done, tasks));
    }
  };
  if (run_folds(args_.out, plan_, options) == LosoOutcome::kStopped) throw stopped();
}

LosoSummary LosoSession::finish() {
  LosoSummary summary = finish_run(args_.out, plan_);
  if (config_.images.input == ClipInput::kFlow) {
    write_flow_picture((fs::path(args_.out) / "flow.png").string(), clips_, images(), config_.images.flow.colors);
  }
  return summary;
}

LosoSummary finish_run(const std::string& out, const LosoPlan& plan) {
  LosoSummary summary = merge_folds(out, plan);
  write_summary(out, plan, summary);
  const Vote vote = vote_from_string(plan.setting("vote"));
  for (const auto& [selection, by_vote] : summary.confusions) {
    write_confusion_picture((fs::path(out) / ("confusion-" + to_string(selection) + ".png")).string(),
                            by_vote.at(vote).front(), plan.class_names,
                            fmt::format("{}, {}, {}", plan.dataset, plan.setting("protocol"), title_of(selection)),
                            way_of(selection));
  }
  write_curves_picture((fs::path(out) / "curves.png").string(), plan, summary.folds);
  return summary;
}

void print_summary(const LosoPlan& plan, const LosoSummary& summary) {
  const Vote vote = vote_from_string(plan.setting("vote"));
  std::vector<std::string> subjects;
  for (const PlannedClip& clip : plan.clips) subjects.push_back(clip.subject);
  std::sort(subjects.begin(), subjects.end());
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  const std::string pretrained = plan.setting("pretrained");
  fmt::print("{}: {} videos of {} subjects, classes '{}'; {}, {} folds; {}{}; vote {}\n", plan.dataset,
             plan.clips.size(), subjects.size(), plan.classes_of, plan.setting("protocol"), plan.folds(),
             plan.setting("input") == "flow" ? "flow images" : "frames",
             pretrained == "none" ? "" : ", pretrained weights (" + pretrained + ")", plan.setting("vote"));
  fmt::print("{:<8} {:>18} {:>8} {:>8} {:>12}   epoch\n", "select", "accuracy", "UF1", "UAR", "weighted F1");
  for (const auto& [selection, by_vote] : summary.confusions) {
    const SeedConfusions& seeds = by_vote.at(vote);
    const Confusion& c = seeds.front();
    fmt::print("{:<8} {:>8.4f} ({:>3}/{:<3}) {:>8.4f} {:>8.4f} {:>12.4f}   {}\n", title_of(selection), c.accuracy(),
               c.correct(), c.total(), c.uf1(), c.uar(), c.weighted_f1(), way_of(selection));
    if (seeds.size() > 1) {
      const Spread accuracy = spread(seeds, &Confusion::accuracy), uf1 = spread(seeds, &Confusion::uf1);
      fmt::print("{:<8} over {} seeds: accuracy {:.4f} +- {:.4f}, UF1 {:.4f} +- {:.4f}\n", "", seeds.size(),
                 accuracy.mean, accuracy.deviation, uf1.mean, uf1.deviation);
    }
  }
  for (const Vote other : kVotes) {
    if (other == vote) continue;
    const Confusion& c = summary.confusions.begin()->second.at(other).front();
    fmt::print("vote {} instead ({}): accuracy {:.4f}, UF1 {:.4f}\n", to_string(other),
               title_of(summary.confusions.begin()->first), c.accuracy(), c.uf1());
  }
  if (summary.neutral >= 0) {
    fmt::print("{} of {} test images ({:.1f} %) are seen as neutral faces; the paper: about 95 %\n", summary.neutral,
               summary.neutral_of,
               100.0 * static_cast<double>(summary.neutral) /
                   static_cast<double>(std::max<std::int64_t>(summary.neutral_of, 1)));
  }
  const auto headline = summary.confusions.find(selection_from_string(plan.setting("select")));
  const auto& shown = headline == summary.confusions.end() ? *summary.confusions.begin() : *headline;
  fmt::print("\n{}: rows are the true class\n{}", title_of(shown.first),
             confusion_table(plan.class_names, shown.second.at(vote).front()));
}

Json summary_json(const std::string& out, const LosoPlan& plan, const LosoSummary& summary) {
  const Vote vote = vote_from_string(plan.setting("vote"));
  Json scores = Json::object();
  for (const auto& [selection, by_vote] : summary.confusions) {
    const Confusion& c = by_vote.at(vote).front();
    scores[to_string(selection)] = {{"accuracy", c.accuracy()}, {"correct", c.correct()},
                                    {"videos", c.total()},      {"uf1", c.uf1()},
                                    {"uar", c.uar()},           {"weighted_f1", c.weighted_f1()}};
  }
  return {{"schema", kSchema},          {"run", out},      {"dataset", plan.dataset}, {"folds", plan.folds()},
          {"labels", plan.class_names}, {"scores", scores}};
}

}  // namespace shcnn::program
