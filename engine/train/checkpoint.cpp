#include "engine/train/checkpoint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "engine/files/exact_text.h"
#include "io/files/system_calls.h"
#include "io/formats/json.h"
#include "io/formats/safetensors.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace shcnn {
namespace {

constexpr const char* kWeightsFormat = "shcnn-weights-1";
constexpr const char* kStateFormat = "shcnn-state-1";

constexpr const char* kRemedy = "train it again, or give a file that shcnn wrote";

[[noreturn]] void bad_model(const std::filesystem::path& path, const std::string& place, const std::string& what) {
  throw io::Error(io::ErrorKind::kBadModel, path, place, what, kRemedy);
}

nlohmann::json metadata_json(const std::filesystem::path& path, const io::Safetensors& file, const std::string& key) {
  return io::parse_json<nlohmann::json>(file.require_metadata(key),
                                        {path, "metadata '" + key + "'", io::ErrorKind::kBadModel, kRemedy},
                                        io::kMetadataJson);
}

/// An error in a file's content: its place and its description.
struct Problem {
  std::string place, what;
};

std::vector<std::uint64_t> unsigned_shape(const ParameterSpec& spec) { return {spec.shape.begin(), spec.shape.end()}; }

void append_tensors(std::vector<io::TensorView>& views, const std::string& prefix, const Model& model,
                    const std::vector<std::vector<float>>& tensors) {
  const std::vector<ParameterSpec> specs = model.parameters();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    views.push_back(io::tensor_view<float>(prefix + specs[i].name, unsigned_shape(specs[i]), tensors.at(i)));
  }
}

std::vector<std::vector<float>> read_tensors(const std::filesystem::path& path, const io::Safetensors& file,
                                             const std::string& prefix, const Model& model) {
  try {
    std::vector<std::vector<float>> tensors;
    for (const ParameterSpec& spec : model.parameters()) {
      tensors.emplace_back(static_cast<std::size_t>(spec.count()));
      file.copy_to<float>(prefix + spec.name, unsigned_shape(spec), tensors.back());
    }
    return tensors;
  } catch (const std::bad_alloc&) {
    bad_model(path, "", "needs more memory than there is");
  }
}

std::string exact(double value) { return nlohmann::json(value).dump(); }

double number(const std::filesystem::path& path, const io::Safetensors& file, const char* key) {
  const nlohmann::json value = metadata_json(path, file, key);
  if (!value.is_number()) bad_model(path, std::string("metadata '") + key + "'", "is no number");
  return value.get<double>();
}

void require_format(const std::filesystem::path& path, const io::Safetensors& file, const char* format) {
  const auto entry = file.metadata().find("format");
  if (entry == file.metadata().end() || entry->second != format) {
    bad_model(path, "", message("is no file of format ", format));
  }
}

/// Throws Error(kNonFinite) if there is a problem, because such a file could not be read again.
void refuse_to_save(const std::filesystem::path& path, const std::optional<Problem>& problem) {
  if (!problem) return;
  throw Error(ErrorKind::kNonFinite, path.string(),
              message("is not written: ", problem->place, ": ", problem->what,
                      "; the file saved before it stays: try a lower learning rate or a clip norm"));
}

/// The allowed values of one number of the state. Both reader and writer reject others, so every saved file can be
/// read.
struct Field {
  const char* name;
  double low, high;
  bool whole = false;     ///< must be an integer
  bool measured = false;  ///< measured on a network that may have diverged: NaN and infinity are allowed
};

constexpr double kMostSteps = 0x1p53;  // integers up to this value are exact as double
constexpr double kMostEpochs = std::numeric_limits<int>::max();
// float logits differ by at most 2^129; the sum of squares of all weights is far below 1e100
constexpr double kMostCrossEntropy = 1e40, kMostSquares = 1e100;
constexpr double kRounding = -1e-3;  // lower limit for a sum that is at least 0 in exact arithmetic

// One row of the curves as numbers, in a fixed order.
constexpr std::array<Field, 16> kRecordFields{{
    {"epoch", 1, kMostEpochs, true},
    {"step", 0, kMostSteps, true},
    {"learning_rate", 0, 1e6},
    {"cross_entropy", kRounding, kMostCrossEntropy, false, true},
    {"divergence", -100, kMostCrossEntropy, false, true},  // the minimum is below 0 if labels do not sum to 1
    {"l2_term", 0, kMostSquares, false, true},
    {"loss", kRounding, kMostSquares, false, true},
    {"accuracy", 0, 65536},  // above 1 if a run was resumed within an epoch with a smaller batch
    {"grad_norm", 0, kMostSquares, false, true},
    {"skipped", 0, kMostSteps, true},
    {"validated", 0, 1, true},
    {"validation_accuracy", 0, 1, false, true},
    {"validation_uf1", 0, 1, false, true},
    {"validation_uar", 0, 1, false, true},
    {"validation_cross_entropy", kRounding, kMostCrossEntropy, false, true},
    {"reserved", 0, 0},
}};
constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

std::vector<double> numbers_of(const EpochRecord& r) {
  return {double(r.epoch),
          double(r.step),
          r.learning_rate,
          r.cross_entropy,
          r.divergence,
          r.l2_term,
          r.loss,
          r.accuracy,
          r.grad_norm.value_or(kNotMeasured),
          double(r.skipped),
          double(r.validated),
          r.validation_accuracy,
          r.validation_uf1,
          r.validation_uar,
          r.validation_cross_entropy,
          0.0};
}
EpochRecord record_of(std::span<const double> v) {
  EpochRecord r;
  r.epoch = static_cast<int>(v[0]);
  r.step = static_cast<std::uint64_t>(v[1]);
  r.learning_rate = v[2];
  r.cross_entropy = v[3];
  r.divergence = v[4];
  r.l2_term = v[5];
  r.loss = v[6];
  r.accuracy = v[7];
  if (!std::isnan(v[8])) r.grad_norm = v[8];
  r.skipped = static_cast<std::int64_t>(v[9]);
  r.validated = v[10] != 0;
  r.validation_accuracy = v[11];
  r.validation_uf1 = v[12];
  r.validation_uar = v[13];
  r.validation_cross_entropy = v[14];
  return r;
}

constexpr std::array<Field, 11> kSumFields{{
    {"steps", 0, kMostSteps, true},
    {"correct", 0, kMostSteps, true},
    {"skipped", 0, kMostSteps, true},
    {"cross_entropy", kRounding* kMostSteps, kMostCrossEntropy* kMostSteps, false, true},
    {"label_entropy", 0, kMostSteps * 100},
    {"sum_squares", 0, kMostSquares, false, true},
    {"grad_norm", 0, kMostSquares, false, true},
    {"dead_steps", 0, kMostSteps, true},
    {"dead_squares", 0, kMostSquares, false, true},
    {"best_epoch", 0, kMostEpochs, true},
    {"best_accuracy", -1, 1},
}};
std::vector<double> numbers_of(const TrainState& s) {
  return {double(s.sums.steps), double(s.sums.correct), double(s.sums.skipped), s.sums.cross_entropy,
          s.sums.label_entropy, s.sums.sum_squares,     s.sums.grad_norm,       double(s.sums.dead_steps),
          s.sums.dead_squares,  double(s.best_epoch),   s.best_accuracy};
}
void restore_sums(TrainState& s, std::span<const double> v) {
  s.sums.steps = static_cast<std::int64_t>(v[0]);
  s.sums.correct = static_cast<std::int64_t>(v[1]);
  s.sums.skipped = static_cast<std::int64_t>(v[2]);
  s.sums.cross_entropy = v[3];
  s.sums.label_entropy = v[4];
  s.sums.sum_squares = v[5];
  s.sums.grad_norm = v[6];
  s.sums.dead_steps = static_cast<std::int64_t>(v[7]);
  s.sums.dead_squares = v[8];
  s.best_epoch = static_cast<int>(v[9]);
  s.best_accuracy = v[10];
}

/// Finds the first of `values` that its field does not allow.
std::optional<Problem> find_problem(std::span<const Field> fields, std::span<const double> values,
                                    const std::string& place) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    const double v = values[i];
    const bool diverged = std::isnan(v) || v == std::numeric_limits<double>::infinity();
    if (diverged && field.measured) continue;
    if (v >= field.low && v <= field.high && (!field.whole || v == std::floor(v))) continue;
    return Problem{place, message(field.name, " is ", exact_text(v), ", which is impossible")};
  }
  return std::nullopt;
}

/// Finds the first element of `tensors` that is not finite, or is negative although `may_be_negative` is false.
std::optional<Problem> find_problem(const std::string& prefix, const Model& model,
                                    const std::vector<std::vector<float>>& tensors, bool may_be_negative) {
  const std::vector<ParameterSpec> specs = model.parameters();
  const float low = may_be_negative ? std::numeric_limits<float>::lowest() : 0.0f;
  const auto is_good = [low](float v) { return v >= low && v <= std::numeric_limits<float>::max(); };
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    bool good = true;
    for (const float v : tensors[t]) good &= is_good(v);
    if (good) continue;
    const auto bad = std::find_if_not(tensors[t].begin(), tensors[t].end(), is_good);
    return Problem{message("tensor '", prefix, specs.at(t).name, "'"),
                   message("element ", bad - tensors[t].begin(), " is ", exact_text(static_cast<double>(*bad)),
                           ", which is impossible")};
  }
  return std::nullopt;
}

std::optional<Problem> find_problem(const TrainState& state, const Model& model) {
  if (auto problem = find_problem("value/", model, state.value, true)) return problem;
  if (auto problem = find_problem("first_moment/", model, state.first_moment, true)) return problem;
  if (auto problem = find_problem("second_moment/", model, state.second_moment, false)) return problem;
  if (static_cast<double>(state.step) > kMostSteps)
    return Problem{"tensor 'step'", message("is ", state.step, ", which is impossible")};
  std::uint64_t before = 0;
  bool best_is_there = state.best_epoch == 0;
  for (const EpochRecord& record : state.curves) {
    if (record.step <= before || record.step > state.step) {
      return Problem{"tensor 'curves'", message("epoch ", record.epoch, " ends at step ", record.step, ", after step ",
                                                before, " in a run of ", state.step, " steps")};
    }
    before = record.step;
    best_is_there |= record.epoch == state.best_epoch && record.validated;
  }
  if (!best_is_there || (state.best_epoch == 0) != (state.best_accuracy < 0)) {
    return Problem{"tensor 'sums'", message("best_epoch is ", state.best_epoch, " with an accuracy of ",
                                            exact_text(state.best_accuracy), ", which the curves do not hold")};
  }
  return std::nullopt;
}

/// Throws unless `config` contains every setting of a run exactly once.
void check_config(const std::filesystem::path& path, const std::vector<std::pair<std::string, std::string>>& config) {
  std::set<std::string> names;
  for (const auto& [name, value] : config) {
    if (!names.insert(name).second) bad_model(path, "metadata 'config'", "gives '" + name + "' twice");
  }
  for (const auto& [name, value] : TrainConfig().fields()) {
    if (!names.contains(name)) bad_model(path, "metadata 'config'", "lacks '" + name + "'");
  }
}

/// Throws unless the file contains exactly the tensors of a state of `model`.
void check_state_tensors(const std::filesystem::path& path, const io::Safetensors& file, const Model& model) {
  const std::vector<ParameterSpec> specs = model.parameters();
  for (const char* prefix : {"value/", "first_moment/", "second_moment/"}) {
    for (const ParameterSpec& spec : specs) file.require(prefix + spec.name, io::DType::kF32, unsigned_shape(spec));
  }
  file.require("sums", io::DType::kF64, std::array<std::uint64_t, 1>{kSumFields.size()});
  file.require("step", io::DType::kU64, std::array<std::uint64_t, 1>{1});
  std::size_t expected = 3 * specs.size() + 2;
  if (file.find("curves")) {
    const io::TensorInfo& curves = file.require("curves", io::DType::kF64);
    if (curves.shape.size() != 2 || curves.shape[1] != kRecordFields.size())
      bad_model(path, "tensor 'curves'", message("has no rows of ", kRecordFields.size(), " numbers"));
    ++expected;
  }
  if (file.tensors().size() != expected)
    bad_model(path, "", message("has ", file.tensors().size(), " tensors, expected ", expected));
}

SavedState read_state(const std::filesystem::path& path, const Model& model) {
  io::SafetensorsOptions options;
  options.require_hash = true;
  options.check_finite = false;  // find_problem checks this: some values may be NaN
  options.accept = [&](const io::Safetensors& file) {
    require_format(path, file, kStateFormat);
    check_state_tensors(path, file, model);
  };
  const io::Safetensors file = io::Safetensors::read(path, options);
  SavedState saved;
  const nlohmann::json config = metadata_json(path, file, "config");
  if (!config.is_array()) bad_model(path, "metadata 'config'", "is no list");
  for (const auto& field : config) {
    if (!field.is_array() || field.size() != 2 || !field[0].is_string() || !field[1].is_string()) {
      bad_model(path, "metadata 'config'", "is no list of names and values");
    }
    saved.identity.config.emplace_back(field[0].get<std::string>(), field[1].get<std::string>());
  }
  check_config(path, saved.identity.config);
  saved.identity.data = file.require_metadata("data");
  saved.state.value = read_tensors(path, file, "value/", model);
  saved.state.first_moment = read_tensors(path, file, "first_moment/", model);
  saved.state.second_moment = read_tensors(path, file, "second_moment/", model);
  const auto refuse = [&](const std::optional<Problem>& problem) {
    if (problem) bad_model(path, problem->place, problem->what);
  };
  const std::vector<double> sums = file.values<double>("sums");
  refuse(find_problem(kSumFields, sums, "tensor 'sums'"));
  restore_sums(saved.state, sums);
  saved.state.step = file.values<std::uint64_t>("step")[0];
  if (file.find("curves")) {
    const std::vector<double> rows = file.values<double>("curves");
    for (std::size_t i = 0; i < rows.size(); i += kRecordFields.size()) {
      const std::span<const double> row(&rows[i], kRecordFields.size());
      refuse(find_problem(kRecordFields, row, message("tensor 'curves', row ", i / kRecordFields.size() + 1)));
      saved.state.curves.push_back(record_of(row));
    }
  }
  refuse(find_problem(saved.state, model));
  return saved;
}

}  // namespace

template <class T>
void Weights::store_to(Parameters<T>& parameters) const {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    parameters.write(i, ParameterKind::kValue, std::vector<T>(tensors[i].begin(), tensors[i].end()));
  }
}
template void Weights::store_to<float>(Parameters<float>&) const;
template void Weights::store_to<double>(Parameters<double>&) const;

void save_weights(const std::filesystem::path& path, const Weights& weights) {
  const Model model = make_model(weights.model);
  refuse_to_save(path, find_problem("", model, weights.tensors, true));
  for (const std::string& name : weights.class_names) {
    if (name.size() > kMaxClassNameBytes)
      throw Error(ErrorKind::kUsage, "class name",
                  message("'", name, "' is longer than ", kMaxClassNameBytes, " bytes"));
  }
  std::vector<io::TensorView> views;
  append_tensors(views, "", model, weights.tensors);
  const io::Metadata metadata = {
      {"format", kWeightsFormat},
      {"variant", to_string(weights.model.variant)},
      {"class_names", nlohmann::json(weights.class_names).dump()},
      {"pool", to_string(weights.model.pool)},
      {"slope", exact(weights.model.slope)},
      {"input_scale", exact(weights.input_scale)},
      {"augment", to_string(weights.augment)},
      {"recipe", weights.recipe},
      {"dataset", weights.dataset},
      {"epoch", std::to_string(weights.epoch)},
  };
  io::write_safetensors(path, views, metadata, io::Overwrite::kYes);
}

namespace {

/// Throws if a file without a hash has an unknown metadata key. Files of other programs have no hash. A file of shcnn
/// in which the name of the hash key is damaged must not be accepted as one of them; it has an unknown key.
void refuse_unknown_keys(const std::filesystem::path& path, const io::Safetensors& file) {
  constexpr std::array<std::string_view, 10> kKeys{"format", "variant",     "class_names", "pool",    "slope",
                                                   "epoch",  "input_scale", "augment",     "dataset", "recipe"};
  for (const auto& [key, value] : file.metadata()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      throw io::Error(io::ErrorKind::kBadModel, path, "metadata '" + io::printable(key, 60) + "'",
                      message("is unknown, and '", io::kHashKey, "' is missing"),
                      "the file is damaged: copy it again; if another program wrote it, leave this key out");
    }
  }
}

/// Reads the metadata of a weights file. Throws unless the file has the tensors of the network that it describes.
Weights described_by(const std::filesystem::path& path, const io::Safetensors& file) {
  require_format(path, file, kWeightsFormat);
  if (file.hash().empty()) refuse_unknown_keys(path, file);
  Weights w;
  const std::string variant = file.require_metadata("variant"), pool = file.require_metadata("pool");
  const std::string augment = file.require_metadata("augment");
  if (variant != "static" && variant != "micro") bad_model(path, "metadata 'variant'", "'" + variant + "' is unknown");
  if (pool != "max" && pool != "average") bad_model(path, "metadata 'pool'", "'" + pool + "' is unknown");
  if (augment != "none" && augment != "center" && augment != "ten")
    bad_model(path, "metadata 'augment'", "'" + augment + "' is unknown");
  const nlohmann::json names = metadata_json(path, file, "class_names");
  if (!names.is_array() || names.empty()) bad_model(path, "metadata 'class_names'", "is no list of names");
  if (names.size() > kMaxClasses)
    bad_model(path, "metadata 'class_names'", message("has ", names.size(), " names, more than ", kMaxClasses));
  for (const auto& name : names) {
    if (!name.is_string()) bad_model(path, "metadata 'class_names'", "is no list of names");
    w.class_names.push_back(name.get<std::string>());
    if (w.class_names.back().size() > kMaxClassNameBytes) {
      bad_model(path, "metadata 'class_names'",
                message("name ", w.class_names.size(), " is longer than ", kMaxClassNameBytes, " bytes"));
    }
  }
  w.model.variant = variant_from_string(variant);
  w.model.pool = pool == "max" ? PoolKind::kMax : PoolKind::kAverage;
  w.model.classes = static_cast<int>(w.class_names.size());
  w.model.slope = number(path, file, "slope");
  w.input_scale = number(path, file, "input_scale");
  w.augment = augment_from_string(augment);
  const auto optional_text = [&](const char* key) {
    const auto entry = file.metadata().find(key);
    return entry == file.metadata().end() ? std::string() : entry->second;
  };
  w.recipe = optional_text("recipe");
  w.dataset = optional_text("dataset");
  if (file.metadata().contains("epoch")) {
    const double epoch = number(path, file, "epoch");
    if (!(epoch >= 0 && epoch <= kMostEpochs && epoch == std::floor(epoch)))
      bad_model(path, "metadata 'epoch'", "is no number of epochs");
    w.epoch = static_cast<int>(epoch);
  }
  if (!(w.model.slope >= 0 && w.model.slope < 1)) bad_model(path, "metadata 'slope'", "is outside [0, 1)");
  if (!(w.input_scale > 0 && std::isfinite(w.input_scale))) bad_model(path, "metadata 'input_scale'", "is not above 0");

  const std::vector<ParameterSpec> specs = make_model(w.model).parameters();
  if (file.tensors().size() != specs.size()) {
    bad_model(path, "", message("has ", file.tensors().size(), " tensors where this network has ", specs.size()));
  }
  for (const ParameterSpec& spec : specs) file.require(spec.name, io::DType::kF32, unsigned_shape(spec));
  return w;
}

}  // namespace

Weights load_weights(const std::filesystem::path& path) {
  Weights weights;
  io::SafetensorsOptions options;
  options.accept = [&](const io::Safetensors& file) { weights = described_by(path, file); };
  const io::Safetensors file = io::Safetensors::read(path, options);
  weights.tensors = read_tensors(path, file, "", make_model(weights.model));
  return weights;
}

namespace {

std::string digest(const XXH3_state_t& state) {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace

std::string weights_hash(const Weights& weights) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  std::string model = to_string(weights.model.variant) + to_string(weights.model.pool) + exact(weights.model.slope) +
                      exact(weights.input_scale);
  for (const std::string& name : weights.class_names) model += "\n" + name;
  XXH3_128bits_update(&state, model.data(), model.size());
  for (const std::vector<float>& tensor : weights.tensors) {
    XXH3_128bits_update(&state, tensor.data(), tensor.size() * sizeof(float));
  }
  return digest(state);
}

std::string content_hash(const Samples& samples) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  const std::int64_t sizes[] = {samples.count(), samples.height, samples.width, samples.channels, samples.classes()};
  XXH3_128bits_update(&state, sizes, sizeof sizes);
  XXH3_128bits_update(&state, samples.pixels.data(), samples.pixels.size());
  XXH3_128bits_update(&state, samples.labels.data(), samples.labels.size() * sizeof(float));
  XXH3_128bits_update(&state, samples.truth.data(), samples.truth.size() * sizeof(std::int32_t));
  return digest(state);
}

void save_state(const std::filesystem::path& path, const std::filesystem::path& previous, const Model& model,
                const SavedState& saved) {
  const std::vector<double> sums = numbers_of(saved.state);
  refuse_to_save(path, find_problem(kSumFields, sums, "tensor 'sums'"));
  std::vector<double> rows;
  for (const EpochRecord& record : saved.state.curves) {
    const std::vector<double> row = numbers_of(record);
    refuse_to_save(path, find_problem(kRecordFields, row, message("tensor 'curves', epoch ", record.epoch)));
    rows.insert(rows.end(), row.begin(), row.end());
  }
  refuse_to_save(path, find_problem(saved.state, model));
  std::vector<io::TensorView> views;
  append_tensors(views, "value/", model, saved.state.value);
  append_tensors(views, "first_moment/", model, saved.state.first_moment);
  append_tensors(views, "second_moment/", model, saved.state.second_moment);
  const std::vector<std::uint64_t> step = {saved.state.step};
  views.push_back(io::tensor_view<double>("sums", {sums.size()}, sums));
  views.push_back(io::tensor_view<std::uint64_t>("step", {1}, step));
  if (!rows.empty())
    views.push_back(io::tensor_view<double>("curves", {saved.state.curves.size(), kRecordFields.size()}, rows));

  nlohmann::json config = nlohmann::json::array();
  for (const auto& [name, value] : saved.identity.config) config.push_back({name, value});
  const io::Metadata metadata = {{"format", kStateFormat}, {"config", config.dump()}, {"data", saved.identity.data}};

  // The old state is renamed only after the new one is completely written to another name, so a full disk leaves both
  // files unchanged.
  std::filesystem::path fresh = path;
  fresh += ".new";
  io::write_safetensors(fresh, views, metadata, io::Overwrite::kYes);
  if (std::filesystem::exists(path)) io::rename_file(path, previous);
  io::rename_file(fresh, path);
}

SavedState load_state(const std::filesystem::path& path, const std::filesystem::path& previous, const Model& model,
                      std::string* note) {
  std::string damage = "is missing";
  if (std::filesystem::exists(path)) {
    try {
      return read_state(path, model);
    } catch (const io::Error& error) {
      damage = error.message();
      if (!std::filesystem::exists(previous)) throw;
    }
  } else if (!std::filesystem::exists(previous)) {
    throw io::Error(io::ErrorKind::kBadModel, path, "", "does not exist",
                    "start without --resume, or name the folder of a run");
  }
  SavedState saved = read_state(previous, model);
  if (note) *note = path.filename().string() + " " + damage + "; continuing from " + previous.filename().string();
  return saved;
}

std::string difference(const RunIdentity& saved, const RunIdentity& now) {
  std::string text;
  const std::map<std::string, std::string> before(saved.config.begin(), saved.config.end());
  for (const auto& [name, value] : now.config) {
    if (name == "epochs") continue;
    const auto entry = before.find(name);
    const std::string old = entry == before.end() ? "(absent)" : entry->second;
    if (old != value) text += (text.empty() ? "" : ", ") + name + " was " + old + ", is " + value;
  }
  if (saved.data != now.data) text += std::string(text.empty() ? "" : ", ") + "the data differ";
  return text;
}

}  // namespace shcnn
