#include "engine/train/run_folder.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "io/files/atomic_file.h"
#include "io/formats/csv_writer.h"
#include "io/formats/curves_csv.h"
#include "io/formats/event_log.h"

namespace shcnn {
namespace {

namespace fs = std::filesystem;

/// Files with results of a run. A folder that contains one of them is not overwritten.
constexpr const char* kResults[] = {"weights.safetensors", "weights-last.safetensors",
                                    "state.safetensors",   "state-prev.safetensors",
                                    "curves.csv",          "results.json",
                                    "confusion.csv",       "report.html"};
constexpr const char* kConfig = "config.toml";
constexpr const char* kLock = "run.lock";
constexpr std::int64_t kLockedByte = 0;

bool holds_any(const fs::path& folder) {
  return std::any_of(std::begin(kResults), std::end(kResults),
                     [&](const char* name) { return fs::exists(folder / name); });
}

/// Calls RunFolder::check and creates the folder if needed. Returns its path.
fs::path made(const fs::path& path, RunFolder::Open open) {
  RunFolder::check(path, open);
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    throw io::Error(io::ErrorKind::kDisk, path, "", "cannot be made: " + error.message(),
                    "name another folder with --out");
  return path;
}

RangeLock::Held held(const RangeLock& lock, const fs::path& path) {
  if (std::optional<RangeLock::Held> held = lock.try_hold(kLockedByte)) return std::move(*held);
  throw io::Error(io::ErrorKind::kUsage, path, "", "another process is training here",
                  "wait for it, or name another --out");
}

/// One curve: a value recorded for each epoch in curves.csv and in the event log.
struct Curve {
  const char* name;
  std::optional<double> (*value)(const EpochRecord&);  ///< returns nothing if the epoch has no such value
};
std::optional<double> of_validation(const EpochRecord& record, double value) {
  return record.validated ? std::optional(value) : std::nullopt;
}
constexpr Curve kCurves[] = {
    {"learning_rate", [](const EpochRecord& r) { return std::optional(r.learning_rate); }},
    {"loss", [](const EpochRecord& r) { return std::optional(r.loss); }},
    {"cross_entropy", [](const EpochRecord& r) { return std::optional(r.cross_entropy); }},
    {"divergence", [](const EpochRecord& r) { return std::optional(r.divergence); }},
    {"l2_term", [](const EpochRecord& r) { return std::optional(r.l2_term); }},
    {"training_accuracy", [](const EpochRecord& r) { return std::optional(r.accuracy); }},
    {"grad_norm", [](const EpochRecord& r) { return r.grad_norm; }},
    {"skipped_steps", [](const EpochRecord& r) { return std::optional(static_cast<double>(r.skipped)); }},
    {"validation_accuracy", [](const EpochRecord& r) { return of_validation(r, r.validation_accuracy); }},
    {"validation_uf1", [](const EpochRecord& r) { return of_validation(r, r.validation_uf1); }},
    {"validation_uar", [](const EpochRecord& r) { return of_validation(r, r.validation_uar); }},
    {"validation_cross_entropy", [](const EpochRecord& r) { return of_validation(r, r.validation_cross_entropy); }},
};

}  // namespace

void RunFolder::check(const fs::path& path, Open open) {
  if (open == Open::kResume) {
    if (!fs::is_directory(path)) {
      throw io::Error(io::ErrorKind::kUsage, path, "", "no such run",
                      "name the --out of shcnn train, or start without --resume");
    }
    if (!fs::exists(path / "state.safetensors") && !fs::exists(path / "state-prev.safetensors")) {
      throw io::Error(io::ErrorKind::kUsage, path, "", "holds no state to resume",
                      "start without --resume, or name the folder of a run");
    }
  }
  // A run that was killed before it saved any result leaves its configuration and its lock. That is not another config.
  const bool other_config = fs::exists(path / kConfig) && !fs::exists(path / kLock);
  if (open == Open::kNew && (holds_any(path) || other_config)) {
    throw io::Error(io::ErrorKind::kUsage, path, "", "holds a run already",
                    "continue it with --resume, replace it with --force, or name another --out");
  }
}

RunFolder::RunFolder(fs::path path, Open open)
    : path_(made(path, open)), lock_(path_ / kLock), held_(held(lock_, path_)) {
  require_in_place();  // the folder may have been removed after it was created and before it was locked
  check(path_, open);
  if (open == Open::kReplace) {
    std::error_code ignored;
    for (const char* name : kResults) fs::remove(path_ / name, ignored);
    for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) fs::remove(entry.path(), ignored);
    }
  }
  for (const fs::path& file : {weights(), last_weights(), state(), curves(), results(), confusion(), config()})
    io::remove_stale_temporaries(file);
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  if (lock_.in_place() && !holds_any(path_)) fs::remove(config(), ignored);
}

void RunFolder::require_in_place() const {
  if (lock_.in_place()) return;
  throw io::Error(io::ErrorKind::kDisk, path_, "", "was removed or replaced while the run was writing to it",
                  "start the run again in a folder that stays");
}

void write_curves(const fs::path& path, const std::vector<EpochRecord>& curves) {
  std::vector<std::string> columns = {"epoch", "step"};
  for (const Curve& curve : kCurves) columns.push_back(curve.name);
  std::vector<std::vector<double>> rows;
  for (const EpochRecord& r : curves) {
    std::vector<double> row = {static_cast<double>(r.epoch), static_cast<double>(r.step)};
    for (const Curve& curve : kCurves) row.push_back(curve.value(r).value_or(std::numeric_limits<double>::quiet_NaN()));
    rows.push_back(std::move(row));
  }
  io::write_curves_csv(path, columns, rows, io::Overwrite::kYes);
}

namespace {

/// Writes the curves for TensorBoard. Events contain the current time, so the event log is not reproducible.
void log_epoch(io::EventLog& log, const EpochRecord& record) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double seconds = std::chrono::duration<double>(now).count();
  for (const Curve& curve : kCurves) {
    if (const std::optional<double> value = curve.value(record))
      log.add(seconds, static_cast<std::int64_t>(record.step), {curve.name, static_cast<float>(*value)});
  }
}

}  // namespace

void write_results(const fs::path& path, const Samples& samples, const Evaluation& evaluation) {
  using nlohmann::ordered_json;
  const Confusion& c = evaluation.confusion;
  ordered_json rows = ordered_json::array();
  for (int truth = 0; truth < c.classes; ++truth) {
    ordered_json row = ordered_json::array();
    for (int predicted = 0; predicted < c.classes; ++predicted) row.push_back(c.at(truth, predicted));
    rows.push_back(row);
  }
  ordered_json predictions = ordered_json::array();
  const auto classes = static_cast<std::size_t>(c.classes);
  for (std::size_t i = 0; i < evaluation.predicted.size(); ++i) {
    ordered_json scores = ordered_json::array();
    for (std::size_t k = 0; k < classes; ++k) scores.push_back(evaluation.scores[i * classes + k]);
    const std::int32_t truth = samples.truth[i];
    predictions.push_back({{"name", samples.names[i]},
                           {"truth", truth < 0 ? ordered_json(nullptr)
                                               : ordered_json(samples.class_names[static_cast<std::size_t>(truth)])},
                           {"predicted", samples.class_names[static_cast<std::size_t>(evaluation.predicted[i])]},
                           {"scores", scores}});
  }
  const ordered_json whole = {{"schema", 1},
                              {"images", c.total()},
                              {"accuracy", c.accuracy()},
                              {"uf1", c.uf1()},
                              {"uar", c.uar()},
                              {"labels", samples.class_names},
                              {"absent", absent_classes(samples.class_names, c)},
                              {"confusion", rows},
                              {"predictions", predictions}};
  // names of files may not be valid UTF-8
  io::write_file(path, whole.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n", io::Overwrite::kYes);
}

void write_confusion(const fs::path& path, const Confusion& confusion, const std::vector<std::string>& class_names) {
  io::CsvWriter csv;
  csv.field("truth \\ predicted");
  for (const std::string& name : class_names) csv.field(name);
  csv.end_row();
  for (int truth = 0; truth < confusion.classes; ++truth) {
    csv.field(class_names[static_cast<std::size_t>(truth)]);
    for (int predicted = 0; predicted < confusion.classes; ++predicted) csv.field(confusion.at(truth, predicted));
    csv.end_row();
  }
  io::write_file(path, csv.text(), io::Overwrite::kYes);
}

TrainOutcome train_in(RunFolder& folder, Trainer& trainer, const TrainConfig& config, const Samples& training,
                      const Samples* validation, const Weights& template_weights, const TrainHooks& hooks,
                      const TrainInOptions& options, std::string* note) {
  RunIdentity identity{config.fields(), content_hash(training) + (validation ? "+" + content_hash(*validation) : "")};
  const auto save = [&](const TrainState& state) {
    save_state(folder.state(), folder.previous_state(), trainer.model(), {state, identity});
  };
  // If the folder was removed or replaced, a write fails or goes to another run's folder: report that as the cause.
  const auto in_place = [&](const auto& write) {
    folder.require_in_place();
    try {
      write();
    } catch (const io::Error&) {
      folder.require_in_place();
      throw;
    }
  };
  const auto write_config = [&] {
    if (!options.config_toml.empty()) io::write_file(folder.config(), options.config_toml, io::Overwrite::kYes);
  };
  if (fs::exists(folder.state()) || fs::exists(folder.previous_state())) {
    const SavedState saved = load_state(folder.state(), folder.previous_state(), trainer.model(), note);
    const std::string differs = difference(saved.identity, identity);
    if (!differs.empty() && !options.force_resume) {
      throw Error(ErrorKind::kUsage, folder.state().string(),
                  "this run cannot go on: " + differs + "; give the same, or --force-resume");
    }
    trainer.restore(saved.state);
    in_place(write_config);
    if (!differs.empty()) in_place([&] { save(saved.state); });  // the state now belongs to the new settings
  } else {
    in_place(write_config);
  }

  const auto save_weights_as = [&](const fs::path& path, int epoch) {
    Weights weights = template_weights;
    weights.epoch = epoch;
    weights.tensors = trainer.weights();
    save_weights(path, weights);
  };
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  io::EventLog events(folder.path(), std::chrono::duration<double>(now).count());
  TrainHooks own = hooks;
  own.on_epoch = [&](const EpochRecord& record, const Evaluation* evaluation, bool best) {
    in_place([&] {
      save_weights_as(folder.last_weights(), record.epoch);
      if (best || !evaluation) save_weights_as(folder.weights(), record.epoch);
      if (best && validation) {
        write_results(folder.results(), *validation, *evaluation);
        write_confusion(folder.confusion(), evaluation->confusion, validation->class_names);
      }
      write_curves(folder.curves(), trainer.curves());
      log_epoch(events, record);
    });
    if (hooks.on_epoch) hooks.on_epoch(record, evaluation, best);
  };
  own.save_state = [&](const TrainState& state) {
    in_place([&] { save(state); });
    if (hooks.save_state) hooks.save_state(state);
  };
  return trainer.run(own);
}

}  // namespace shcnn
