#include "engine/checkpoint.h"

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "io/json.h"
#include "io/safetensors.h"

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

std::vector<std::uint64_t> unsigned_shape(const ParameterSpec& spec) { return {spec.shape.begin(), spec.shape.end()}; }

void append_tensors(std::vector<io::TensorView>& views, const std::string& prefix, const Model& model,
                    const std::vector<std::vector<float>>& tensors) {
  const std::vector<ParameterSpec> specs = model.parameters();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    views.push_back(io::tensor_view<float>(prefix + specs[i].name, unsigned_shape(specs[i]), tensors.at(i)));
  }
}

std::vector<std::vector<float>> read_tensors(const io::Safetensors& file, const std::string& prefix,
                                             const Model& model) {
  std::vector<std::vector<float>> tensors;
  for (const ParameterSpec& spec : model.parameters()) {
    tensors.emplace_back(static_cast<std::size_t>(spec.count()));
    file.copy_to<float>(prefix + spec.name, unsigned_shape(spec), tensors.back());
  }
  return tensors;
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
    bad_model(path, "", std::string("is no file of format ") + format);
  }
}

// One row of the curves as numbers, in a fixed order.
constexpr std::size_t kRecordFields = 16;
std::vector<double> numbers_of(const EpochRecord& r) {
  return {double(r.epoch),
          double(r.step),
          r.learning_rate,
          r.cross_entropy,
          r.divergence,
          r.l2_term,
          r.loss,
          r.accuracy,
          r.grad_norm,
          double(r.skipped),
          double(r.validated),
          r.validation_accuracy,
          r.validation_uf1,
          r.validation_uar,
          r.validation_cross_entropy,
          0.0};
}
EpochRecord record_of(const double* v) {
  EpochRecord r;
  r.epoch = static_cast<int>(v[0]);
  r.step = static_cast<std::uint64_t>(v[1]);
  r.learning_rate = v[2];
  r.cross_entropy = v[3];
  r.divergence = v[4];
  r.l2_term = v[5];
  r.loss = v[6];
  r.accuracy = v[7];
  r.grad_norm = v[8];
  r.skipped = static_cast<std::int64_t>(v[9]);
  r.validated = v[10] != 0;
  r.validation_accuracy = v[11];
  r.validation_uf1 = v[12];
  r.validation_uar = v[13];
  r.validation_cross_entropy = v[14];
  return r;
}

constexpr std::size_t kSumFields = 11;
std::vector<double> numbers_of(const TrainState& s) {
  return {double(s.sums.steps), double(s.sums.correct), double(s.sums.skipped), s.sums.cross_entropy,
          s.sums.label_entropy, s.sums.sum_squares,     s.sums.grad_norm,       double(s.sums.dead_steps),
          s.sums.dead_squares,  double(s.best_epoch),   s.best_accuracy};
}
void restore_sums(TrainState& s, const std::vector<double>& v) {
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

SavedState read_state(const std::filesystem::path& path, const Model& model) {
  io::SafetensorsOptions options;
  options.require_hash = true;
  const io::Safetensors file = io::Safetensors::read(path, options);
  require_format(path, file, kStateFormat);
  SavedState saved;
  const nlohmann::json config = metadata_json(path, file, "config");
  if (!config.is_array()) bad_model(path, "metadata 'config'", "is no list");
  for (const auto& field : config) {
    if (!field.is_array() || field.size() != 2 || !field[0].is_string() || !field[1].is_string()) {
      bad_model(path, "metadata 'config'", "is no list of names and values");
    }
    saved.identity.config.emplace_back(field[0].get<std::string>(), field[1].get<std::string>());
  }
  saved.identity.data = file.require_metadata("data");
  saved.state.value = read_tensors(file, "value/", model);
  saved.state.first_moment = read_tensors(file, "first_moment/", model);
  saved.state.second_moment = read_tensors(file, "second_moment/", model);
  const std::vector<double> sums = file.values<double>("sums");
  const std::vector<std::uint64_t> step = file.values<std::uint64_t>("step");
  if (sums.size() != kSumFields)
    bad_model(path, "tensor 'sums'", message("has ", sums.size(), " numbers, expected ", kSumFields));
  if (step.size() != 1) bad_model(path, "tensor 'step'", message("has ", step.size(), " numbers, expected 1"));
  restore_sums(saved.state, sums);
  saved.state.step = step[0];
  if (file.find("curves")) {
    const std::vector<double> rows = file.values<double>("curves");
    if (rows.size() % kRecordFields != 0) bad_model(path, "tensor 'curves'", "has no whole rows");
    for (std::size_t i = 0; i < rows.size(); i += kRecordFields) saved.state.curves.push_back(record_of(&rows[i]));
  }
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
  std::vector<io::TensorView> views;
  append_tensors(views, "", make_model(weights.model), weights.tensors);
  const io::Metadata metadata = {
      {"format", kWeightsFormat},
      {"variant", to_string(weights.model.variant)},
      {"class_names", nlohmann::json(weights.class_names).dump()},
      {"pool", weights.model.pool == PoolKind::kMax ? "max" : "average"},
      {"slope", exact(weights.model.slope)},
      {"input_scale", exact(weights.input_scale)},
      {"augment", to_string(weights.augment)},
      {"recipe", weights.recipe},
      {"dataset", weights.dataset},
      {"epoch", std::to_string(weights.epoch)},
  };
  io::write_safetensors(path, views, metadata, io::Overwrite::kYes);
}

Weights load_weights(const std::filesystem::path& path) {
  const io::Safetensors file = io::Safetensors::read(path);
  require_format(path, file, kWeightsFormat);
  Weights w;
  const std::string variant = file.require_metadata("variant"), pool = file.require_metadata("pool");
  const std::string augment = file.require_metadata("augment");
  if (variant != "static" && variant != "micro") bad_model(path, "metadata 'variant'", "'" + variant + "' is unknown");
  if (pool != "max" && pool != "average") bad_model(path, "metadata 'pool'", "'" + pool + "' is unknown");
  if (augment != "none" && augment != "center" && augment != "ten")
    bad_model(path, "metadata 'augment'", "'" + augment + "' is unknown");
  const nlohmann::json names = metadata_json(path, file, "class_names");
  if (!names.is_array() || names.empty()) bad_model(path, "metadata 'class_names'", "is no list of names");
  for (const auto& name : names) {
    if (!name.is_string()) bad_model(path, "metadata 'class_names'", "is no list of names");
    w.class_names.push_back(name.get<std::string>());
  }
  w.model.variant = variant_from_string(variant);
  w.model.pool = pool == "max" ? PoolKind::kMax : PoolKind::kAverage;
  w.model.classes = static_cast<int>(w.class_names.size());
  w.model.slope = number(path, file, "slope");
  w.input_scale = number(path, file, "input_scale");
  w.epoch = static_cast<int>(number(path, file, "epoch"));
  w.augment = augment_from_string(augment);
  w.recipe = file.require_metadata("recipe");
  w.dataset = file.require_metadata("dataset");
  if (!(w.model.slope >= 0 && w.model.slope < 1)) bad_model(path, "metadata 'slope'", "is outside [0, 1)");
  if (!(w.input_scale > 0)) bad_model(path, "metadata 'input_scale'", "is not above 0");
  const Model model = make_model(w.model);
  if (file.tensors().size() != model.parameters().size()) {
    bad_model(path, "",
              message("has ", file.tensors().size(), " tensors where this network has ", model.parameters().size()));
  }
  w.tensors = read_tensors(file, "", model);
  return w;
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
  std::string model = to_string(weights.model.variant) + exact(weights.model.slope) + exact(weights.input_scale);
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
  std::vector<io::TensorView> views;
  append_tensors(views, "value/", model, saved.state.value);
  append_tensors(views, "first_moment/", model, saved.state.first_moment);
  append_tensors(views, "second_moment/", model, saved.state.second_moment);
  const std::vector<double> sums = numbers_of(saved.state);
  const std::vector<std::uint64_t> step = {saved.state.step};
  views.push_back(io::tensor_view<double>("sums", {sums.size()}, sums));
  views.push_back(io::tensor_view<std::uint64_t>("step", {1}, step));
  std::vector<double> rows;
  for (const EpochRecord& record : saved.state.curves) {
    const std::vector<double> row = numbers_of(record);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  if (!rows.empty())
    views.push_back(io::tensor_view<double>("curves", {saved.state.curves.size(), kRecordFields}, rows));

  nlohmann::json config = nlohmann::json::array();
  for (const auto& [name, value] : saved.identity.config) config.push_back({name, value});
  const io::Metadata metadata = {{"format", kStateFormat}, {"config", config.dump()}, {"data", saved.identity.data}};

  // The old state moves aside only once the new one lies complete beside it: a full disk leaves both names as they
  // were.
  std::filesystem::path fresh = path;
  fresh += ".new";
  io::write_safetensors(fresh, views, metadata, io::Overwrite::kYes);
  std::error_code error;
  if (std::filesystem::exists(path)) std::filesystem::rename(path, previous, error);
  if (!error) std::filesystem::rename(fresh, path, error);
  if (error)
    throw io::Error(io::ErrorKind::kDisk, path, "", "cannot be replaced: " + error.message(),
                    "check the folder's permissions");
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
