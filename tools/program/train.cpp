// shcnn train: trains the static network on FER2013, FER+ or folders of faces. The RUN folder can be resumed.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/train/run_folder.h"
#include "engine/train/train_config.h"
#include "engine/train/trainer.h"
#include "io/files/output_folder.h"
#include "tools/program/config_file.h"
#include "tools/program/datasets.h"
#include "tools/program/machine.h"
#include "tools/program/progress.h"
#include "tools/program/report.h"
#include "tools/program/results.h"
#include "tools/program/stop_request.h"
#include "tools/program/train_options.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

constexpr const char* kNoValidation = "none";
constexpr int kAnyClasses = 7;  ///< number of classes until the data are read; no recipe setting depends on it

/// The verb's arguments. Settings of TrainConfig are stored as changes to the recipe.
struct TrainArguments {
  DatasetChoice data;
  std::string out;
  std::string recipe = "paper";
  std::string validation_split = "private-test";
  std::string validation_rule = "strict";
  bool resume = false, force_resume = false, report = true;
  std::int64_t save_every = TrainHooks{}.save_every;
  TrainChanges changes;
  std::unique_ptr<RunFolder> folder;  ///< null until opened

  TrainConfig resolved(int classes, const Common& common) const {
    TrainConfig config = shcnn::recipe(recipe, Variant::kStatic, classes, data.dataset);
    config.seed = common.seed;
    for (const auto& change : changes) change(config);
    config.check();
    if (save_every < 0)
      throw Failure(ExitCode::kUsage, fmt::format("--save-every: must be at least 0, got {}", save_every));
    return config;
  }
};

/// Metadata for the weights files of this run.
Weights weights_template(const TrainConfig& config, const Samples& data, const std::string& dataset) {
  Weights weights;
  weights.model = config.model;
  weights.class_names = data.class_names;
  weights.input_scale = config.input_scale;
  weights.augment = config.augment;
  weights.recipe = config.recipe;
  weights.dataset = dataset;
  return weights;
}

std::string epoch_line(const EpochRecord& r, int epochs, bool best, double seconds) {
  std::string line = fmt::format("epoch {}/{}  loss {:.4f}  divergence {:.4f}  training {:.4f}", r.epoch, epochs,
                                 r.loss, r.divergence, r.accuracy);
  if (r.validated) line += fmt::format("  validation {:.4f}{}", r.validation_accuracy, best ? " (best)" : "");
  if (r.skipped) line += fmt::format("  {} non-finite steps", r.skipped);
  return line + fmt::format("  {:.1f} s", seconds);
}

/// One call of the verb; holds the state shared by the trainer hooks.
class TrainRun {
 public:
  TrainRun(TrainArguments& args, const Common& common, const OptionSet& verb)
      : args_(args),
        common_(common),
        verb_(verb),
        progress_("training", "steps", common.talkative()),
        validation_progress_("validation", "images", common.talkative()) {}

  void run() {
    const RunFolder::Open open = args_.resume    ? RunFolder::Open::kResume
                                 : common_.force ? RunFolder::Open::kReplace
                                                 : RunFolder::Open::kNew;
    RunFolder::check(args_.out, open);  // fails early, before the data are read
    BackendOptions options;
    options.threads = common_.threads;
    Backend backend = make_backend(common_.device, options);  // first, so that an unavailable device is reported early
    load_data();
    const Samples* validation = validation_ ? &validation_->samples : nullptr;
    Trainer trainer(backend, config_, training_.samples, validation);
    remark(common_, fmt::format("training on {}, {} of memory planned", backend.device->name(),
                                bytes_text(static_cast<double>(trainer.memory().total_bytes()))));
    if (!args_.folder) args_.folder = std::make_unique<RunFolder>(args_.out, open);

    watch_for_stop_requests();
    std::string note;
    epoch_start_ = std::chrono::steady_clock::now();
    const TrainOutcome outcome = train_in(*args_.folder, trainer, config_, training_.samples, validation,
                                          weights_template(config_, training_.samples, args_.data.dataset), hooks(),
                                          {stored_config_text(verb_, {"data", "out"}), args_.force_resume}, &note);
    progress_.clear();
    if (!note.empty()) remark(common_, note);
    if (outcome == TrainOutcome::kStopped) {
      throw Failure(
          ExitCode::kStopped,
          fmt::format("stopped on request, state saved; go on with: shcnn train --out {} --resume", args_.out));
    }
    if (best_validation_) remark_absent_classes(common_, training_.samples.class_names, *best_validation_);
    report(trainer);
    if (args_.report) write_page();
  }

 private:
  /// Writes report.html. Errors become a remark: a finished training must not fail because of its report.
  void write_page() const {
    try {
      ReportOptions options;
      options.run = args_.out;
      write_report(options, common_);
    } catch (const std::exception& e) {
      remark(common_, fmt::format("no report.html: {}", e.what()));
    }
  }

  void load_data() {
    if (args_.validation_split != kNoValidation) usage_from_string(args_.validation_split);  // fails early if invalid
    training_ = load_split(args_.data, args_.data.rule, "training", common_);
    remark_problems(common_, training_.problems);
    if (args_.validation_split != kNoValidation) {
      validation_ = load_split(args_.data, args_.validation_rule, args_.validation_split, common_,
                               "choose another split with --val-split, or train without: --val-split none");
    }
    config_ = args_.resolved(training_.samples.classes(), common_);
  }

  TrainHooks hooks() {
    TrainHooks hooks;
    hooks.save_every = args_.save_every;
    hooks.should_stop = stop_requested;
    hooks.on_step = [this](const TrainProgress& p) {
      epochs_ = p.epochs;
      progress_.show(static_cast<std::int64_t>(p.step), static_cast<std::int64_t>(p.total_steps),
                     fmt::format("epoch {}/{}  cross-entropy {:.4f}", p.epoch, p.epochs, p.mean_cross_entropy));
    };
    hooks.on_validation = [this](std::int64_t done, std::int64_t total) {
      progress_.clear();
      validation_progress_.show(done, total);
    };
    hooks.on_epoch = [this](const EpochRecord& record, const Evaluation* validation, bool best) {
      if (validation && best) best_validation_ = validation->confusion;
      const auto now = std::chrono::steady_clock::now();
      const double seconds = std::chrono::duration<double>(now - epoch_start_).count();
      epoch_start_ = now;
      validation_progress_.restart();
      progress_.restart();
      remark(common_, epoch_line(record, epochs_, best, seconds));
    };
    return hooks;
  }

  void report(const Trainer& trainer) const {
    const std::vector<EpochRecord>& curves = trainer.curves();
    const EpochRecord* best = nullptr;
    for (const EpochRecord& r : curves) {
      if (r.validated && (!best || r.validation_accuracy > best->validation_accuracy)) best = &r;
    }
    if (common_.json) {
      Json json = {{"schema", kSchema},
                   {"run", args_.out},
                   {"training_images", training_.samples.count()},
                   {"training_rule", training_.rule},
                   {"steps", trainer.total_steps()},
                   {"epochs", curves.size()}};
      if (best) {
        json["best_epoch"] = best->epoch;
        json["validation"] = {{"split", validation_->split},
                              {"rule", validation_->rule},
                              {"accuracy", best->validation_accuracy},
                              {"uf1", best->validation_uf1},
                              {"uar", best->validation_uar}};
      }
      print_json(json);
      return;
    }
    fmt::print("{} steps, {} epochs -> {}\n", trainer.total_steps(), curves.size(), args_.out);
    if (best) {
      fmt::print("best epoch {}: accuracy {:.4f}, UF1 {:.4f}, UAR {:.4f} on {} (rule {})\n", best->epoch,
                 best->validation_accuracy, best->validation_uf1, best->validation_uar, validation_->split,
                 validation_->rule);
    }
  }

  TrainArguments& args_;
  const Common& common_;
  const OptionSet& verb_;
  LoadedSplit training_;
  std::optional<LoadedSplit> validation_;
  TrainConfig config_;
  Progress progress_, validation_progress_;
  std::optional<Confusion> best_validation_;  ///< at the best epoch of this call
  int epochs_ = 0;
  std::chrono::steady_clock::time_point epoch_start_ = std::chrono::steady_clock::now();
};

}  // namespace

void add_train(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb(
      "train",
      "Trains SHCNN on gray faces. RUN then holds weights, state, curves, results and the configuration.\n"
      "The divergence is the cross-entropy minus the labels' entropy: what training can still remove. Rows of FER+ "
      "with\n"
      "NF votes put its lowest value a little below 0.",
      {"shcnn train --dataset ferplus --data DIR --out RUN",
       "shcnn train --dataset fer2013 --data fer2013.csv --out RUN --epochs 5",
       "shcnn train --dataset faces --data DIR --out RUN --recipe code", "shcnn train --out RUN --resume"});
  auto args = std::make_shared<TrainArguments>();
  args->data.rule = "soft";  // the paper's rule for training; validation uses --val-rule
  add_dataset_options(verb, args->data);
  verb.add_option("--out", args->out, "RUN: output folder");
  verb.add_option("--recipe", args->recipe, "paper or code (the authors' program)").show_default();
  add_split_option(verb, "--val-split", args->validation_split, "validate on this split, or 'none'");
  verb.add_option("--val-rule", args->validation_rule, "ferplus: validation rows to use: strict or soft")
      .show_default();
  verb.add_flag("--resume", args->resume, "continue the run in RUN with its stored settings");
  verb.add_flag("--force-resume", args->force_resume, "continue even if settings or data differ from those of the run");
  verb.add_flag("--report,!--no-report", args->report, "write RUN/report.html at the end");
  verb.add_option("--save-every", args->save_every, "save the state every so many steps; 0 = only after each epoch")
      .show_default();
  add_train_changes(verb, args->changes);
  add_seed(verb, common);
  add_common(verb, common, true);

  const auto resolve = [&verb, args, &common] {
    if (args->resume && !args->out.empty()) {
      RunFolder::check(args->out, RunFolder::Open::kResume);
      // Lock the folder before reading its settings: another process may be changing them.
      if (!common.print_config) args->folder = std::make_unique<RunFolder>(args->out, RunFolder::Open::kResume);
      const std::filesystem::path stored = std::filesystem::path(args->out) / kConfigFile;
      if (common.config.empty() && std::filesystem::exists(stored)) apply_config_file(verb, stored.string());
    }
    show_resolved(verb, args->resolved(kAnyClasses, common));
  };
  const auto run = [&verb, args, &common] {
    require_option(verb, "--out", "the folder to write the run to");
    require_option(verb, "--dataset", "fer2013, ferplus or faces");
    require_option(verb, "--data", "the folder or file that holds the data");
    io::require_output_place(args->out);
    TrainRun(*args, common, verb).run();
  };
  verbs.push_back({&verb, run, resolve});
}

}  // namespace shcnn::program
