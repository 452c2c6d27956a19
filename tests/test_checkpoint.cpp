// Weights files: what goes in comes out, and what is wrong is refused by name.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "engine/checkpoint.h"
#include "engine_support.h"
#include "io/error.h"
#include "io/safetensors.h"
#include "shcnn/shcnn.h"
#include "support/executor.h"
#include "support/options.h"

using namespace shcnn;
using namespace shcnn::test;
namespace fs = std::filesystem;

namespace {

/// A file name of this process, removed at the end.
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
  // dead columns interleaved: a network that loads them gives them back
  PlainMachine<float> machine;
  const Model model = make_model(in.model);
  Network<float> network(machine.device(), machine.context(), machine.ops, model, NetworkUse::kInference, 1);
  in.store_to(network.parameters());
  CHECK(network.parameters().read(6, ParameterKind::kValue) == out.tensors[6]);
  // and the live part is the columns that the model names
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
  // twice the size, every pixel doubled, and rows further apart: the mean of each 2x2 block is the small image
  std::vector<std::uint8_t> large(96 * 128, 77);
  for (int y = 0; y < 96; ++y)
    for (int x = 0; x < 96; ++x)
      large[static_cast<std::size_t>(y * 128 + x)] = samples.pixels[static_cast<std::size_t>((y / 2) * 48 + x / 2)];
  // (an executor may order its sums otherwise for one image than for five)
  const std::vector<float> halved = recognizer.predict({large.data(), 96, 96, 128}).scores;
  REQUIRE(halved.size() == 7);
  for (std::size_t c = 0; c < 7; ++c) CHECK(halved[c] == Approx(predictions[0].scores[c]).margin(1e-6));
  CHECK_THROWS_WITH(recognizer.predict(Image{large.data(), 96, 96, 40}), Catch::Contains("stride"));
}
