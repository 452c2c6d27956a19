// Training as a whole: resumption, determinism, NaN, memory, and successful learning.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <set>

#include "engine/train/run_folder.h"
#include "engine/train/trainer.h"
#include "engine_support.h"
#include "io/files/error.h"
#include "support/executor.h"
#include "support/options.h"
#include "support/random.h"

using namespace shcnn;
using namespace shcnn::test;
namespace fs = std::filesystem;

namespace {
std::atomic<std::int64_t> allocations{0};
}
// Counts all allocations of this program, to find those of a step. All forms are replaced together: a sanitizer
// replaces the others with its own, and then reports memory allocated by one and freed by the other.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes ? bytes : 1);
}
void* operator new(std::size_t bytes) {
  if (void* memory = operator new(bytes, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

TrainConfig small_config(const char* recipe_name) {
  TrainConfig config = recipe(recipe_name, Variant::kStatic, 3, "faces");
  config.batch = 6;
  config.steps = 23;  // 12 images in ten crops are 120 samples, so an epoch is 20 steps
  config.seed = options().seed;
  return config;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / ("shcnn-test-" + std::to_string(::getpid()));
  TemporaryFolder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~TemporaryFolder() { fs::remove_all(path); }
};

/// Trains in `folder` and stops after `stop_after` steps of this call (0: at the end of the training).
TrainOutcome train_here(const fs::path& folder, const TrainConfig& config, const Samples& samples,
                        std::int64_t stop_after, std::string* note = nullptr, int threads = 0) {
  Backend backend = open_executor(threads);
  const bool resume = fs::exists(folder / "state.safetensors") || fs::exists(folder / "state-prev.safetensors");
  RunFolder run(folder, resume ? RunFolder::Open::kResume : RunFolder::Open::kNew);
  Trainer trainer(backend, config, samples, &samples);
  TrainHooks hooks;
  hooks.save_every = 7;
  std::int64_t taken = 0;
  hooks.should_stop = [&] { return stop_after > 0 && ++taken >= stop_after; };
  Weights weights;
  weights.model = config.model;
  weights.class_names = samples.class_names;
  weights.recipe = config.recipe;
  weights.dataset = "faces";
  return train_in(run, trainer, config, samples, &samples, weights, hooks, {}, note);
}

const char* const kResultFiles[] = {"weights.safetensors", "weights-last.safetensors",
                                    "state.safetensors",   "curves.csv",
                                    "results.json",        "confusion.csv"};

}  // namespace

TEST_CASE("A run that was stopped anywhere and resumed equals one that never stopped, bit for bit",
          "[trainer][executor][repeats]") {
  const char* name = GENERATE("paper", "code");
  const TrainConfig config = small_config(name);
  const Samples samples = banded_samples(12, 3, 48, 1, options().seed, true);
  TemporaryFolder temporary;
  const fs::path whole = temporary.path / "whole", parts = temporary.path / "parts";
  REQUIRE(train_here(whole, config, samples, 0) == TrainOutcome::kFinished);

  Random random(11);
  int stops = 0;
  while (train_here(parts, config, samples, random.integer(1, 6)) == TrainOutcome::kStopped) ++stops;
  CHECK(stops >= 3);
  for (const char* file : kResultFiles) {
    CAPTURE(name, file);
    const std::string expected = bytes_of(whole / file);
    CHECK(!expected.empty());
    CHECK(bytes_of(parts / file) == expected);
  }
}

TEST_CASE("The number of threads changes no bit", "[trainer][executor][threads]") {
  const TrainConfig config = small_config("paper");
  const Samples samples = banded_samples(12, 3, 48, 1, options().seed, true);
  TemporaryFolder temporary;
  train_here(temporary.path / "1", config, samples, 0, nullptr, 1);
  train_here(temporary.path / "3", config, samples, 0, nullptr, 3);
  for (const char* file : kResultFiles) {
    CAPTURE(file);
    CHECK(bytes_of(temporary.path / "1" / file) == bytes_of(temporary.path / "3" / file));
  }
}

TEST_CASE("A damaged state falls back to the one before, and says so", "[trainer][executor]") {
  const TrainConfig config = small_config("paper");
  const Samples samples = banded_samples(12, 3, 48, 1, options().seed, true);
  TemporaryFolder temporary;
  const fs::path whole = temporary.path / "whole", broken = temporary.path / "broken";
  train_here(whole, config, samples, 0);
  train_here(broken, config, samples, 15);
  REQUIRE(fs::exists(broken / "state-prev.safetensors"));
  fs::resize_file(broken / "state.safetensors", fs::file_size(broken / "state.safetensors") / 2);
  std::string note;
  train_here(broken, config, samples, 0, &note);
  CHECK(note.find("state-prev.safetensors") != std::string::npos);
  CHECK(bytes_of(broken / "weights-last.safetensors") == bytes_of(whole / "weights-last.safetensors"));
}

TEST_CASE("A run goes on only with its own configuration and data", "[trainer][executor]") {
  TrainConfig config = small_config("paper");
  const Samples samples = banded_samples(12, 3, 48, 1, options().seed, true);
  TemporaryFolder temporary;
  train_here(temporary.path / "run", config, samples, 3);
  SECTION("another learning rate") {
    config.learning_rate = 0.5;
    CHECK_THROWS_WITH(train_here(temporary.path / "run", config, samples, 0), Catch::Contains("lr was 0.001, is 0.5"));
  }
  SECTION("other data") {
    Samples other = samples;
    other.pixels[100] ^= 1;
    CHECK_THROWS_WITH(train_here(temporary.path / "run", config, other, 0), Catch::Contains("the data differ"));
  }
  SECTION("fewer steps than it has finished") {
    config.steps = 2;
    Trainer trainer(executor(), config, samples, nullptr);
    TrainState state;
    state.step = 3;
    CHECK_THROWS_WITH(trainer.restore(state),
                      Catch::Contains("has finished 3 steps") && Catch::Contains("more than the 2"));
  }
  SECTION("a folder with a run is not overwritten") {
    CHECK_THROWS_WITH(RunFolder(temporary.path / "run", RunFolder::Open::kNew), Catch::Contains("holds a run already"));
  }
  SECTION("two processes do not train in one folder") {
    RunFolder first(temporary.path / "run", RunFolder::Open::kResume);
    CHECK_THROWS_WITH(RunFolder(temporary.path / "run", RunFolder::Open::kResume), Catch::Contains("another process"));
  }
}

TEST_CASE("A step allocates nothing once the first two have run", "[trainer][executor]") {
  Backend& backend = executor();
  if (options().device != "cpu") return;  // simt's fibers and CUDA's driver also allocate
  const TrainConfig config = small_config("code");
  const Samples samples = banded_samples(12, 3, 48, 1, options().seed);
  Network<float> network(*backend.device, backend.context, backend.ops, make_model(config.model), NetworkUse::kTraining,
                         10);
  const DeviceSamples<float> on_device(*backend.device, samples);
  TrainingStep<float> step(*backend.device, network, on_device, config);
  initialise(network.parameters(), network.model(), config.initial, 1);
  step.set_order(shuffled_order(12, training_crops(config.augment, true), 1, 0));
  step.run();
  step.run();
  const std::int64_t before = allocations;
  for (int i = 0; i < 3; ++i) step.run();
  CHECK(allocations - before == 0);
}

TEST_CASE("A step that meets NaN stops, skips or rolls back as asked, and loses nothing",
          "[trainer][executor][repeats]") {
  TrainConfig config = small_config("paper");
  config.learning_rate = 1e5;  // the second step's logits overflow
  config.steps = 8;
  Samples samples = banded_samples(12, 3, 48, 1, options().seed);
  TemporaryFolder temporary;
  SECTION("stop") {
    try {
      config.learning_rate = 9e5;
      config.input_scale = 1e5;
      train_here(temporary.path / "run", config, samples, 0);
      FAIL("training at a learning rate of 9e5 found no NaN");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kNonFinite);
      CHECK_THAT(error.what(), Catch::Contains("step ") && Catch::Contains("first in ") && Catch::Contains("--lr"));
    }
    // The kept state is finite, otherwise the reader would refuse it.
    const Model model = make_model(config.model);
    CHECK_NOTHROW(load_state(temporary.path / "run" / "state.safetensors",
                             temporary.path / "run" / "state-prev.safetensors", model, nullptr));
  }
  SECTION("what a diverging run saves can be read, and the run can go on") {
    config.on_nan = GENERATE(OnNan::kStop, OnNan::kSkip);
    config.learning_rate = GENERATE(100.0, 1e5);
    CAPTURE(config.learning_rate, to_string(config.on_nan));
    const auto train = [&] {
      try {
        train_here(temporary.path / "run", config, samples, 0);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::kNonFinite);
      }
    };
    train();
    const Model model = make_model(config.model);
    for (const char* name : {"state.safetensors", "state-prev.safetensors"}) {
      const fs::path path = temporary.path / "run" / name;
      if (fs::exists(path)) CHECK_NOTHROW(load_state(path, temporary.path / "none", model, nullptr));
    }
    train();  // again, like --resume
    for (const char* name : {"weights.safetensors", "weights-last.safetensors"}) {
      const fs::path path = temporary.path / "run" / name;
      if (fs::exists(path)) CHECK_NOTHROW(load_weights(path));
    }
  }
  SECTION("skip and rollback go on to the end") {
    config.on_nan = GENERATE(OnNan::kSkip, OnNan::kRollback);
    config.learning_rate = 9e5;
    config.input_scale = 1e5;
    CHECK(train_here(temporary.path / "run", config, samples, 0) == TrainOutcome::kFinished);
    const std::string curves = bytes_of(temporary.path / "run" / "curves.csv");
    CHECK(curves.find("nan") == std::string::npos);
  }
}

TEST_CASE("Training on separable images learns them", "[trainer][executor][learns]") {
  TrainConfig config = small_config("paper");
  config.batch = 20;
  config.steps = 0;
  config.epochs = options().device == "simt" ? 4 : 8;
  const Samples samples = banded_samples(60, 3, 48, 1, options().seed);
  const Samples unseen = banded_samples(30, 3, 48, 1, options().seed + 1);
  Backend& backend = executor();
  Trainer trainer(backend, config, samples, &unseen);
  trainer.run({});
  REQUIRE(trainer.evaluation());
  CHECK(trainer.evaluation()->confusion.accuracy() > 0.9);
  const auto& curves = trainer.curves();
  CHECK(curves.back().cross_entropy < curves.front().cross_entropy);
  CHECK(curves.back().loss == Approx(curves.back().cross_entropy + curves.back().l2_term));
}

TEST_CASE("The reported L2 term is lambda times the squares of the initial weights", "[trainer][executor]") {
  TrainConfig config = small_config("paper");
  config.batch = 20;
  config.steps = 1;
  config.learning_rate = 1e-6;
  const Samples samples = banded_samples(20, 3, 48, 1, options().seed);
  Trainer trainer(executor(), config, samples, nullptr);
  trainer.run({});
  // Dense weights have variance 2 / live inputs, times 0.774 for the truncation at two deviations; fc1 has 3,168
  // inputs, 1,408 of them live. Convolution weights are Glorot uniform: variance 2 / (K K (Ci + Co)).
  const double dense = 0.774 * (3168.0 * 2048 * 2 / 1408 + 2048.0 * 1024 * 2 / 2048 + 1024.0 * 3 * 2 / 1024);
  const double conv = 2 * (44.0 / 45 + 44.0 * 44 / 88 + 88.0 * 44 / 132);
  CHECK(trainer.curves().back().l2_term == Approx(3e-4 * (dense + conv)).epsilon(0.01));
}

TEST_CASE("An epoch's order is a permutation of all crops, another one each epoch", "[trainer]") {
  const auto crops = training_crops(Augment::kTen, true);
  const auto order = shuffled_order(37, crops, 5, 0);
  CHECK(order.size() == 370);
  CHECK(std::set<std::int32_t>(order.begin(), order.end()).size() == 370);
  CHECK(*std::max_element(order.begin(), order.end()) == 36 * 16 + 9);
  CHECK(order != shuffled_order(37, crops, 5, 1));
  CHECK(order != shuffled_order(37, crops, 6, 0));
  CHECK(order == shuffled_order(37, crops, 5, 0));
  CHECK(training_crops(Augment::kCenter, true) == std::vector<int>{4});
  CHECK(evaluation_crops(Augment::kCenter, true).size() == 10);
  CHECK(evaluation_crops(Augment::kNone, true).size() == 1);
  CHECK(evaluation_crops(Augment::kTen, false).size() == 1);
}

TEST_CASE("Recipes hold the figures of the paper and of the authors' program", "[trainer]") {
  const TrainConfig paper = recipe("paper", Variant::kStatic, 8, "ferplus");
  CHECK((paper.batch == 100 && paper.epochs == 31 && paper.l2 == 3e-4 && paper.dropout == 0.4 &&
         paper.model.slope == 0.02));
  CHECK(recipe("paper", Variant::kStatic, 7, "fer2013").epochs == 80);
  CHECK(recipe("paper", Variant::kMicro, 5, "casme2").epochs == 10);
  const TrainConfig code = recipe("code", Variant::kStatic, 8, "ferplus");
  CHECK(
      (code.l2 == 0 && code.clip_norm == 4 && code.decay_rate == 0.995 && code.decay_steps == 800 && !code.staircase));
  CHECK((code.initial.dense_stddev == 0.1 && code.model.slope == 0.01 && code.input_scale == 1 &&
         code.gradient == CrossEntropyGradient::kTensorFlow));
  const TrainConfig micro = recipe("code", Variant::kMicro, 5, "casme2");
  CHECK((micro.batch == 32 && micro.learning_rate == 1e-4 && micro.decay_rate == 0.997 && micro.decay_steps == 200 &&
         micro.staircase));
  CHECK((micro.model.slope == 0.15 && micro.model.pool == PoolKind::kAverage && micro.clip_norm == 0 &&
         micro.initial.conv_bias == 1));
  CHECK_THROWS_WITH(recipe("best", Variant::kStatic, 7, ""), Catch::Contains("neither 'paper' nor 'code'"));
}
