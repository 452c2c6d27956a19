// Weights and state files: the content read equals the content written, and errors in a file are named.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "engine/explain/saliency.h"
#include "engine/net/finite_scores.h"
#include "engine/net/image_scorer.h"
#include "engine/train/checkpoint.h"
#include "engine_support.h"
#include "io/files/error.h"
#include "io/formats/safetensors.h"
#include "io_support.h"
#include "shcnn/shcnn.h"
#include "support/executor.h"
#include "support/options.h"
#include "support/random.h"

using namespace shcnn;
using namespace shcnn::test;
namespace fs = std::filesystem;

namespace {

/// A file name that is unique to this process; the file is removed at the end.
struct TemporaryFile {
  fs::path path;
  explicit TemporaryFile(const char* name) : path(fs::temp_directory_path() / (std::to_string(::getpid()) + name)) {}
  ~TemporaryFile() { fs::remove(path); }
};

Weights random_weights(int classes) {
  Weights w;
  w.model.classes = classes;
  for (int c = 0; c < classes; ++c) w.class_names.push_back("face \"" + std::to_string(c) + "\"");
  w.recipe = "paper";
  w.dataset = "faces";
  w.epoch = 3;
  const Model model = make_model(w.model);
  PlainMachine<float> machine;
  Network<float> network(machine.device(), machine.context(), machine.ops, model, NetworkUse::kInference, 1);
  initialise(network.parameters(), model, {}, 4);
  w.tensors = network.parameters().read_all(ParameterKind::kValue);
  return w;
}

}  // namespace

TEST_CASE("Weights come back as they were written, in the paper's order", "[checkpoint]") {
  const TemporaryFile file("weights.safetensors");
  const Weights out = random_weights(7);
  save_weights(file.path, out);
  const Weights in = load_weights(file.path);
  CHECK(in.class_names == out.class_names);
  CHECK(in.model.slope == out.model.slope);
  CHECK(in.input_scale == out.input_scale);
  CHECK(in.epoch == 3);
  CHECK(in.tensors == out.tensors);
  // dead columns are interleaved: a network that loads the weights returns the same ones
  PlainMachine<float> machine;
  const Model model = make_model(in.model);
  Network<float> network(machine.device(), machine.context(), machine.ops, model, NetworkUse::kInference, 1);
  in.store_to(network.parameters());
  CHECK(network.parameters().read(6, ParameterKind::kValue) == out.tensors[6]);
  // the live part holds the columns that the model lists
  const auto columns = model.live_columns();
  const View<float> live = network.parameters().weight(3);
  for (const std::int64_t row : {0, 1, 2047}) {
    for (const std::size_t column : {std::size_t{0}, std::size_t{5}, columns.size() - 1}) {
      CHECK(live.data[row * live[1] + static_cast<std::int64_t>(column)] ==
            out.tensors[6][static_cast<std::size_t>(row) * 3168 + static_cast<std::size_t>(columns[column])]);
    }
  }
}

TEST_CASE("A weights file that cannot serve is refused with its name and what is wrong", "[checkpoint]") {
  const TemporaryFile file("broken.safetensors");
  save_weights(file.path, random_weights(7));
  SECTION("truncated") {
    fs::resize_file(file.path, fs::file_size(file.path) - 1000);
    CHECK_THROWS_AS(load_weights(file.path), io::Error);
  }
  SECTION("a bit turned") {
    std::fstream stream(file.path, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(5'000'000);
    const char byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(5'000'000);
    stream.put(byte);
    stream.close();
    CHECK_THROWS_AS(load_weights(file.path), io::Error);
  }
  SECTION("foreign") {
    const std::vector<float> values(4, 1.0f);
    const io::TensorView views[] = {io::tensor_view<float>("other", {4}, values)};
    io::write_safetensors(file.path, views, {}, io::Overwrite::kYes);
    CHECK_THROWS_WITH(load_weights(file.path),
                      Catch::Contains(file.path.filename().string()) && Catch::Contains("shcnn-weights-1"));
  }
  SECTION("missing") {
    fs::remove(file.path);
    CHECK_THROWS_WITH(load_weights(file.path), Catch::Contains(file.path.filename().string()));
  }
}

namespace {

/// A file in memory if possible, because these files are large and written often.
struct LargeFile {
  fs::path path;
  explicit LargeFile(const char* suffix = "")
      : path(io::test::small_file_folder() / ("shcnn-test-" + std::to_string(::getpid()) + suffix)) {}
  ~LargeFile() { fs::remove(path); }
};

/// The parts of a safetensors file, to be changed and written again with the correct hash.
struct OpenedFile {
  io::Metadata metadata;
  std::map<std::string, std::pair<io::TensorInfo, std::vector<std::byte>>> tensors;

  explicit OpenedFile(const fs::path& path) {
    const io::Safetensors file = io::Safetensors::read(path, {.check_finite = false});
    metadata = file.metadata();
    for (const io::TensorInfo& tensor : file.tensors()) {
      const auto bytes = file.bytes(tensor);
      tensors[tensor.name] = {tensor, {bytes.begin(), bytes.end()}};
    }
  }
  template <class T>
  void set(const std::string& name, std::size_t element, T value) {
    std::memcpy(tensors.at(name).second.data() + element * sizeof value, &value, sizeof value);
  }
  void write(const fs::path& path) const {
    std::vector<io::TensorView> views;
    for (const auto& [name, tensor] : tensors)
      views.push_back({name, tensor.first.dtype, tensor.first.shape, tensor.second});
    io::write_safetensors(path, views, metadata, io::Overwrite::kYes);
  }
};

/// Replaces the only occurrence of `from` in a file's header by `to`, which has the same length.
void replace_in_header(const fs::path& path, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string header(4096, '\0');
  stream.read(header.data(), static_cast<std::streamsize>(header.size()));
  const std::size_t at = header.find(from);
  REQUIRE(at != std::string::npos);
  stream.clear();
  stream.seekp(static_cast<std::streamoff>(at));
  stream << to;
}

std::string load_error(const fs::path& path) {
  try {
    load_weights(path);
  } catch (const io::Error& error) {
    return error.kind() == io::ErrorKind::kBadModel ? error.what() : "an error of another kind";
  }
  return "no error";
}

}  // namespace

TEST_CASE("The hash of weights depends on everything that changes their scores", "[checkpoint]") {
  const Weights weights = random_weights(3);
  std::set<std::string> hashes = {weights_hash(weights)};
  const auto differs = [&](const auto& change) {
    Weights other = weights;
    change(other);
    return hashes.insert(weights_hash(other)).second;
  };
  CHECK(differs([](Weights& w) { w.model.pool = PoolKind::kAverage; }));
  CHECK(differs([](Weights& w) { w.model.slope = 0.25; }));
  CHECK(differs([](Weights& w) { w.input_scale = 1; }));
  CHECK(differs([](Weights& w) { w.class_names[1] = "other"; }));
  CHECK(differs([](Weights& w) { w.tensors[3][7] += 1; }));
  CHECK(!differs([](Weights& w) { w.epoch = 9; }));
}

TEST_CASE("Weights of other programs: half precision, no epoch, no hash", "[checkpoint]") {
  const LargeFile file;
  const Weights weights = random_weights(3);
  save_weights(file.path, weights);
  OpenedFile parts(file.path);
  for (const char* key : {"epoch", "recipe", "dataset"}) parts.metadata.erase(key);
  SECTION("what only describes the training may be missing") {
    parts.write(file.path);
    const Weights in = load_weights(file.path);
    CHECK(in.epoch == 0);
    CHECK(in.tensors == weights.tensors);
  }
  SECTION("an epoch that is there is a number of epochs") {
    for (const char* epoch : {"-1", "2.5", "1e300", "\"3\"", "[]"}) {
      parts.metadata["epoch"] = epoch;
      parts.write(file.path);
      CHECK_THAT(load_error(file.path), Catch::Contains("metadata 'epoch'"));
    }
  }
  SECTION("bfloat16 and float16 become float") {
    for (const io::DType dtype : {io::DType::kBF16, io::DType::kF16}) {
      Weights want = weights;
      std::size_t index = 0;
      for (const ParameterSpec& spec : make_model(weights.model).parameters()) {
        auto& [info, bytes] = parts.tensors.at(spec.name);
        info.dtype = dtype;
        std::vector<std::uint16_t> halves;
        for (float& value : want.tensors[index]) {
          // powers of two between 2^-6 and 2^6, which both types represent exactly
          const int exponent = static_cast<int>(halves.size() % 13) - 6;
          const bool negative = value < 0;
          value = std::ldexp(negative ? -1.0f : 1.0f, exponent);
          const int biased = dtype == io::DType::kF16 ? (exponent + 15) << 10 : (exponent + 127) << 7;
          halves.push_back(static_cast<std::uint16_t>(biased | (negative ? 0x8000 : 0)));
        }
        const auto raw = std::as_bytes(std::span(halves));
        bytes.assign(raw.begin(), raw.end());
        ++index;
      }
      parts.write(file.path);
      CHECK(load_weights(file.path).tensors == want.tensors);
    }
  }
  SECTION("no hash") {
    const std::string key(io::kHashKey);
    parts.write(file.path);
    replace_in_header(file.path, key, "other." + key.substr(6));
    CHECK_THAT(load_error(file.path), Catch::Contains("metadata 'other.") && Catch::Contains("is unknown"));
    // the hash becomes the text of an optional key
    replace_in_header(file.path, "other." + key.substr(6) + "\"", "recipe\"" + std::string(key.size() - 6, ' '));
    CHECK(load_weights(file.path).tensors == weights.tensors);
  }
}

TEST_CASE("No turned bit in the header of a weights file goes unnoticed", "[checkpoint][repeats]") {
  const LargeFile file;
  save_weights(file.path, random_weights(3));
  std::uint64_t length = 0;
  std::fstream stream(file.path, std::ios::in | std::ios::out | std::ios::binary);
  stream.read(reinterpret_cast<char*>(&length), sizeof length);
  std::string header(length, '\0');
  stream.read(header.data(), static_cast<std::streamsize>(length));
  REQUIRE(stream);
  // All bits of the two keys that decide whether the hash is checked, and one bit of every eighth byte of the rest,
  // because each header that is accepted costs a hash of the whole file. (test_io_safetensors flips every bit of a
  // small file.)
  std::vector<std::pair<std::size_t, int>> flips;
  for (const std::string& part :
       {std::string("\"format\":\"shcnn-weights-1\""), "\"" + std::string(io::kHashKey) + "\""}) {
    const std::size_t at = header.find(part);
    REQUIRE(at != std::string::npos);
    for (std::size_t i = at; i < at + part.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) flips.emplace_back(8 + i, bit);
  }
  Random random(17);
  for (std::size_t i = 0; i < 8 + header.size(); i += 8)
    flips.emplace_back(i + static_cast<std::size_t>(random.integer(0, 7)), static_cast<int>(random.integer(0, 7)));
  for (const auto& [at, bit] : flips) {
    stream.seekg(static_cast<std::streamoff>(at));
    const int byte = stream.get();
    const auto put = [&](int value) {
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(static_cast<char>(value)).flush();
    };
    put(byte ^ 1 << bit);
    const std::string error = load_error(file.path);
    if (error == "no error" || error == "an error of another kind")
      FAIL_CHECK("byte " << at << " bit " << bit << ": " << error);
    put(byte);
  }
  CHECK(load_error(file.path) == "no error");
}

TEST_CASE("A small weights file cannot ask for much", "[checkpoint]") {
  const LargeFile file;
  const auto written = [&](const std::string& names) {
    const std::vector<float> values(4, 1.0f);
    const io::TensorView views[] = {io::tensor_view<float>("fc3.bias", {4}, values)};
    io::write_safetensors(file.path, views,
                          {{"format", "shcnn-weights-1"},
                           {"variant", "static"},
                           {"pool", "max"},
                           {"augment", "ten"},
                           {"slope", "0.02"},
                           {"input_scale", "1"},
                           {"class_names", names}},
                          io::Overwrite::kYes);
    return load_error(file.path);
  };
  std::string many = "[\"\"";
  for (int i = 1; i < 3'000'000; ++i) many += ",\"\"";
  CHECK_THAT(written(many + "]"), Catch::Contains("class_names"));
  many = "[\"\"";
  for (int i = 1; i <= kMaxClasses; ++i) many += ",\"\"";
  CHECK_THAT(written(many + "]"), Catch::Contains("class_names") && Catch::Contains("1001"));
  CHECK_THAT(written("[\"" + std::string(256, 'x') + "\"]"), Catch::Contains("name 1 is longer than 255 bytes"));
  CHECK_THAT(written("[\"a\", \"b\"]"), Catch::Contains("has 1 tensors where this network has 12"));

  Weights weights = random_weights(2);
  weights.class_names[0] = std::string(256, 'x');
  CHECK_THROWS_WITH(save_weights(file.path, weights), Catch::Contains("longer than 255 bytes"));
  weights.class_names[0] = "a";
  weights.tensors[5][0] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(save_weights(file.path, weights), Catch::Contains("conv3.bias") && Catch::Contains("element 0"));
}

namespace {

SavedState some_state(const Model& model) {
  SavedState saved;
  saved.identity = {TrainConfig().fields(), "data"};
  saved.state.step = 20;
  for (const ParameterSpec& spec : model.parameters()) {
    const auto count = static_cast<std::size_t>(spec.count());
    saved.state.value.emplace_back(count, -0.5f);
    saved.state.first_moment.emplace_back(count, -0.25f);
    saved.state.second_moment.emplace_back(count, 0.125f);
  }
  EpochRecord record;
  record.epoch = 1;
  record.step = 10;
  record.learning_rate = 1e-3;
  record.accuracy = 0.5;
  record.validated = true;
  record.validation_accuracy = 0.75;
  record.cross_entropy = std::numeric_limits<double>::quiet_NaN();
  record.validation_cross_entropy = std::numeric_limits<double>::infinity();
  saved.state.curves = {record, record};
  saved.state.curves[1].epoch = 2;
  saved.state.curves[1].step = 20;
  saved.state.curves[1].grad_norm = 3;
  saved.state.best_epoch = 1;
  saved.state.best_accuracy = 0.75;
  return saved;
}

}  // namespace

TEST_CASE("Curves of a network that diverged are kept with the state", "[checkpoint]") {
  const LargeFile file, previous("-prev");
  const Model model = make_model({});
  save_state(file.path, previous.path, model, some_state(model));
  const std::vector<EpochRecord> curves = load_state(file.path, previous.path, model, nullptr).state.curves;
  REQUIRE(curves.size() == 2);
  CHECK(std::isnan(curves[0].cross_entropy));
  CHECK(std::isinf(curves[0].validation_cross_entropy));
  CHECK(!curves[0].grad_norm);
  CHECK(curves[1].grad_norm == 3.0);
}

TEST_CASE("A state of impossible values is refused by tensor and value, and not saved", "[checkpoint]") {
  const LargeFile file, previous("-prev");
  const Model model = make_model({});
  const SavedState good = some_state(model);
  save_state(file.path, previous.path, model, good);
  const OpenedFile parts(file.path);
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kHuge = 1e300;
  using Change = std::function<void(OpenedFile&)>;
  const auto number = [](const char* tensor, std::size_t element, double value) -> Change {
    return [=](OpenedFile& f) { f.set(tensor, element, value); };
  };
  const auto single = [](const char* tensor, float value) -> Change {
    return [=](OpenedFile& f) { f.set(tensor, 2, value); };
  };
  struct Case {
    Change change;
    std::vector<std::string> expected;
  };
  const std::vector<Case> cases = {
      {number("curves", 3, kHuge), {"curves", "row 1", "cross_entropy is 1e+300"}},
      {number("curves", 16 + 3, -1), {"curves", "row 2", "cross_entropy is -1"}},
      {number("curves", 0, 1.5), {"curves", "epoch is 1.5"}},
      {number("curves", 1, 30), {"curves", "step 30"}},
      {number("curves", 7, kNaN), {"curves", "accuracy is nan"}},
      {number("curves", 11, 2), {"curves", "validation_accuracy is 2"}},
      {number("sums", 9, -2147483648.0), {"sums", "best_epoch is -2147483648"}},
      {number("sums", 9, 7), {"sums", "best_epoch is 7"}},
      {number("sums", 0, -1), {"sums", "steps is -1"}},
      {single("second_moment/fc2.weight", -1), {"second_moment/fc2.weight", "element 2 is -1"}},
      {single("first_moment/fc2.bias", std::numeric_limits<float>::infinity()),
       {"first_moment/fc2.bias", "element 2 is inf"}},
      {single("value/conv1.bias", std::numeric_limits<float>::quiet_NaN()), {"value/conv1.bias", "element 2 is nan"}},
      {[](OpenedFile& f) { f.metadata["config"] = "[]"; }, {"config", "lacks 'recipe'"}},
      {[](OpenedFile& f) { f.metadata["config"] = "[[\"lr\",\"1\"],[\"lr\",\"1\"]]"; }, {"config", "'lr' twice"}},
      {[](OpenedFile& f) { f.set("step", 0, std::uint64_t{1} << 60); }, {"tensor 'step'", "1152921504606846976"}},
  };
  for (const Case& bad : cases) {
    OpenedFile changed = parts;
    bad.change(changed);
    changed.write(file.path);
    INFO(bad.expected.back());
    try {
      load_state(file.path, previous.path, model, nullptr);
      FAIL_CHECK("is believed");
    } catch (const io::Error& error) {
      CHECK(error.kind() == io::ErrorKind::kBadModel);
      for (const std::string& part : bad.expected) CHECK_THAT(error.what(), Catch::Contains(part));
    }
  }

  // The writer refuses the same values and keeps the existing file.
  save_state(file.path, previous.path, model, good);
  SavedState diverged = good;
  diverged.state.second_moment[2][4] = std::numeric_limits<float>::infinity();
  try {
    save_state(file.path, previous.path, model, diverged);
    FAIL_CHECK("is saved");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kNonFinite);
    CHECK_THAT(error.what(), Catch::Contains("second_moment/conv2.weight") && Catch::Contains("element 4 is inf"));
  }
  CHECK(load_state(file.path, previous.path, model, nullptr).state.step == 20);
}

TEST_CASE("Outputs that are no numbers are an error that names the image", "[checkpoint][executor]") {
  // Filters of 3e38: black images give finite logits, a bright one gives infinities and NaN (their differences).
  const TemporaryFile file("overflow.safetensors");
  Weights weights = random_weights(3);
  std::fill(weights.tensors[0].begin(), weights.tensors[0].end(), 3e38f);
  save_weights(file.path, weights);
  constexpr int kImages = 15, kBright = 13;
  Samples samples = banded_samples(kImages, 3, 48, 1, 3);
  std::fill(samples.pixels.begin(), samples.pixels.end(), std::uint8_t{0});
  const std::vector<std::uint8_t> black = samples.pixels;
  std::fill_n(samples.pixels.begin() + kBright * 48 * 48, 48 * 48, std::uint8_t{200});

  RecognizerOptions recogniser_options;
  recogniser_options.device = options().device == "naive" ? "cpu" : options().device;
  Recognizer recognizer = Recognizer::load(file.path, recogniser_options);
  std::vector<Image> images;
  for (int i = 0; i < kImages; ++i) {
    images.push_back({&samples.pixels[static_cast<std::size_t>(i) * 48 * 48], 48, 48, 48});
  }
  const auto image_of = [](const auto& call) -> std::int64_t {
    try {
      call();
    } catch (const NonFiniteScores& e) {
      CHECK(e.kind() == ErrorKind::kNonFinite);
      return e.image();
    }
    return -1;
  };
  CHECK(image_of([&] { recognizer.predict(images); }) == kBright);
  images.erase(images.begin() + kBright);
  CHECK(image_of([&] { recognizer.predict(images); }) == -1);

  Backend backend = make_backend(recogniser_options.device, {});
  const Model model = make_model(weights.model);
  const std::vector<int> crops = evaluation_crops(Augment::kCenter, true);
  Network<float> network(*backend.device, backend.context, backend.ops, model, NetworkUse::kSaliency, 20);
  weights.store_to(network.parameters());
  const DeviceSamples<float> on_device(*backend.device, samples);
  Evaluator<float> evaluator(*backend.device, network, on_device, crops, 1.0 / 255);
  const Evaluation evaluation = evaluator.run();
  CHECK(evaluation.non_finite_image == kBright);
  CHECK(image_of([&] { evaluation.require_finite(); }) == kBright);
  ImageScorer scorer(*backend.device, network, 48, 48, 1, crops, 1.0 / 255);
  CHECK(image_of([&] { scorer.run(samples.pixels); }) == kBright);
  CHECK(image_of([&] { scorer.run(black); }) == -1);
  SaliencyMapper<float> mapper(*backend.device, network, crops, 1.0 / 255, 48, 48);
  CHECK(image_of([&] { mapper.run(samples.pixels.data(), kImages); }) == kBright);
  CHECK(image_of([&] { mapper.run(black.data(), kImages); }) == -1);
  CHECK_THROWS_WITH(ImageScorer(*backend.device, network, 48, 48, 1, crops, 1e308),
                    Catch::Contains("input scale: 1e+308 is beyond float32"));
}

TEST_CASE("The recogniser gives what the evaluator gives", "[checkpoint][executor]") {
  const TemporaryFile file("recogniser.safetensors");
  const Weights weights = random_weights(7);
  save_weights(file.path, weights);
  const Samples samples = banded_samples(5, 7, 48, 1, 3);

  PlainMachine<double> machine;
  const Model model = make_model(weights.model);
  Network<double> network(machine.device(), machine.context(), machine.ops, model, NetworkUse::kInference, 10);
  weights.store_to(network.parameters());
  const DeviceSamples<double> on_device(machine.device(), samples);
  Evaluator<double> evaluator(machine.device(), network, on_device, evaluation_crops(Augment::kTen, true), 1.0 / 255);
  const Evaluation expected = evaluator.run();

  RecognizerOptions recogniser_options;
  recogniser_options.device = options().device == "naive" ? "cpu" : options().device;
  Recognizer recognizer = Recognizer::load(file.path, recogniser_options);
  CHECK(recognizer.class_names() == weights.class_names);
  CHECK(recognizer.variant() == "static");
  std::vector<Image> images;
  for (int i = 0; i < 5; ++i) images.push_back({&samples.pixels[static_cast<std::size_t>(i) * 48 * 48], 48, 48, 48});
  const std::vector<Prediction> predictions = recognizer.predict(images);
  REQUIRE(predictions.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(predictions[i].label == expected.predicted[i]);
    for (std::size_t c = 0; c < 7; ++c)
      CHECK(predictions[i].scores[c] == Approx(expected.scores[i * 7 + c]).margin(1e-5));
  }
  // Twice the size with every pixel doubled and a larger row stride: the mean of each 2x2 block gives the small image.
  std::vector<std::uint8_t> large(96 * 128, 77);
  for (int y = 0; y < 96; ++y)
    for (int x = 0; x < 96; ++x)
      large[static_cast<std::size_t>(y * 128 + x)] = samples.pixels[static_cast<std::size_t>((y / 2) * 48 + x / 2)];
  // An executor may sum in another order for one image than for five.
  const std::vector<float> halved = recognizer.predict({large.data(), 96, 96, 128}).scores;
  REQUIRE(halved.size() == 7);
  for (std::size_t c = 0; c < 7; ++c) CHECK(halved[c] == Approx(predictions[0].scores[c]).margin(1e-6));
  CHECK_THROWS_WITH(recognizer.predict(Image{large.data(), 96, 96, 40}), Catch::Contains("stride"));
}
