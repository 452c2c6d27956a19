#include "engine/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "io/atomic_file.h"
#include "io/curves_csv.h"
#include "io/event_log.h"

namespace shcnn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnFiles[] = {"weights.safetensors",   "weights-last.safetensors",
                                     "state.safetensors",     "state-prev.safetensors",
                                     "state.safetensors.new", "curves.csv",
                                     "results.json",          "confusion.csv",
                                     "config.toml",           "report.html"};

bool holds_run(const fs::path& folder) {
  for (const char* name : kOwnFiles) {
    if (fs::exists(folder / name)) return true;
  }
  return false;
}

/// What an epoch is described by, in curves.csv and in the event log.
struct Curve {
  const char* name;
  bool of_validation;
  double (*value)(const EpochRecord&);
};
constexpr Curve kCurves[] = {
    {"learning_rate", false, [](const EpochRecord& r) { return r.learning_rate; }},
    {"loss", false, [](const EpochRecord& r) { return r.loss; }},
    {"cross_entropy", false, [](const EpochRecord& r) { return r.cross_entropy; }},
    {"divergence", false, [](const EpochRecord& r) { return r.divergence; }},
    {"l2_term", false, [](const EpochRecord& r) { return r.l2_term; }},
    {"training_accuracy", false, [](const EpochRecord& r) { return r.accuracy; }},
    {"grad_norm", false, [](const EpochRecord& r) { return r.grad_norm; }},
    {"skipped_steps", false, [](const EpochRecord& r) { return static_cast<double>(r.skipped); }},
    {"validation_accuracy", true, [](const EpochRecord& r) { return r.validation_accuracy; }},
    {"validation_uf1", true, [](const EpochRecord& r) { return r.validation_uf1; }},
    {"validation_uar", true, [](const EpochRecord& r) { return r.validation_uar; }},
    {"validation_cross_entropy", true, [](const EpochRecord& r) { return r.validation_cross_entropy; }},
};

/// A class or image name as a CSV field.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

RunFolder::RunFolder(fs::path path, Open open) : path_(std::move(path)) {
  if (open == Open::kResume && !fs::exists(state()) && !fs::exists(previous_state())) {
    throw io::Error(io::ErrorKind::kUsage, path_, "", "holds no state to resume",
                    "start without --resume, or name the folder of a run");
  }
  std::error_code error;
  fs::create_directories(path_, error);
  if (error)
    throw io::Error(io::ErrorKind::kDisk, path_, "", "cannot be made: " + error.message(),
                    "name another folder with --out");
  if (open == Open::kNew && holds_run(path_)) {
    throw io::Error(io::ErrorKind::kUsage, path_, "", "holds a run already",
                    "continue it with --resume, replace it with --force, or name another --out");
  }
  const fs::path lock = path_ / "run.lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) throw io::Error(io::ErrorKind::kDisk, lock, "", "cannot be written", "check the folder's permissions");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw io::Error(io::ErrorKind::kUsage, path_, "", "another process is training here",
                    "wait for it, or name another --out");
  }
  if (open == Open::kReplace) {
    for (const char* name : kOwnFiles) fs::remove(path_ / name, error);
    for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) fs::remove(entry.path(), error);
    }
  }
  for (const fs::path& file : {weights(), last_weights(), state(), curves(), results(), confusion()})
    io::remove_stale_temporaries(file);
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  fs::remove(path_ / "run.lock", ignored);
  ::close(lock_);
}

void write_curves(const fs::path& path, const std::vector<EpochRecord>& curves) {
  std::vector<std::string> columns = {"epoch", "step"};
  for (const Curve& curve : kCurves) columns.push_back(curve.name);
  std::vector<std::vector<double>> rows;
  for (const EpochRecord& r : curves) {
    std::vector<double> row = {static_cast<double>(r.epoch), static_cast<double>(r.step)};
    for (const Curve& curve : kCurves) {
      row.push_back(curve.of_validation && !r.validated ? std::numeric_limits<double>::quiet_NaN() : curve.value(r));
    }
    rows.push_back(std::move(row));
  }
  io::write_curves_csv(path, columns, rows, io::Overwrite::kYes);
}

namespace {

/// The same curves for TensorBoard. Events carry the time they happened: they are a log, not a result.
void log_epoch(io::EventLog& log, const EpochRecord& record) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double seconds = std::chrono::duration<double>(now).count();
  for (const Curve& curve : kCurves) {
    if (curve.of_validation && !record.validated) continue;
    log.add(seconds, static_cast<std::int64_t>(record.step), {curve.name, static_cast<float>(curve.value(record))});
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
  const ordered_json whole = {
      {"schema", 1},    {"images", c.total()},           {"accuracy", c.accuracy()}, {"uf1", c.uf1()},
      {"uar", c.uar()}, {"labels", samples.class_names}, {"confusion", rows},        {"predictions", predictions}};
  // names come from a disk and may be no UTF-8
  io::write_file(path, whole.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n", io::Overwrite::kYes);
}

void write_confusion(const fs::path& path, const Confusion& confusion, const std::vector<std::string>& class_names) {
  std::string text = "truth \\ predicted";
  for (const std::string& name : class_names) text += "," + field(name);
  text += "\n";
  for (int truth = 0; truth < confusion.classes; ++truth) {
    text += field(class_names[static_cast<std::size_t>(truth)]);
    for (int predicted = 0; predicted < confusion.classes; ++predicted)
      text += "," + std::to_string(confusion.at(truth, predicted));
    text += "\n";
  }
  io::write_file(path, text, io::Overwrite::kYes);
}

TrainOutcome train_in(RunFolder& folder, Trainer& trainer, const TrainConfig& config, const Samples& training,
                      const Samples* validation, const Weights& template_weights, const TrainHooks& hooks,
                      bool force_resume, std::string* note) {
  RunIdentity identity{config.fields(), content_hash(training) + (validation ? "+" + content_hash(*validation) : "")};
  if (fs::exists(folder.state()) || fs::exists(folder.previous_state())) {
    const SavedState saved = load_state(folder.state(), folder.previous_state(), trainer.model(), note);
    const std::string differs = difference(saved.identity, identity);
    if (!differs.empty() && !force_resume) {
      throw Error(ErrorKind::kUsage, folder.state().string(),
                  "this run cannot go on: " + differs + "; give the same, or --force-resume");
    }
    trainer.restore(saved.state);
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
    save_weights_as(folder.last_weights(), record.epoch);
    if (best || !evaluation) save_weights_as(folder.weights(), record.epoch);
    if (best && validation) {
      write_results(folder.results(), *validation, *evaluation);
      write_confusion(folder.confusion(), evaluation->confusion, validation->class_names);
    }
    write_curves(folder.curves(), trainer.curves());
    log_epoch(events, record);
    if (hooks.on_epoch) hooks.on_epoch(record, evaluation, best);
  };
  own.save_state = [&](const TrainState& state) {
    save_state(folder.state(), folder.previous_state(), trainer.model(), {state, identity});
    if (hooks.save_state) hooks.save_state(state);
  };
  return trainer.run(own);
}

}  // namespace shcnn
