// Training on the executor under test compared with training on the cpu executor, for both variants and both recipes,
// without synchronising the two between steps.
//
// Both compute in float and sum in different orders, so they drift apart as two correct executors do. If a pool or an
// activation chooses between values that differ by less than rounding, a gradient changes by a whole term
// (docs/numerics.md); this is rare in runs with one sample per step.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <memory>

#include "engine/net/initialise.h"
#include "engine/train/trainer.h"
#include "engine_support.h"
#include "support/executor.h"
#include "support/options.h"

using namespace shcnn;
using namespace shcnn::test;

namespace {

/// A training with one sample per step at learning rate 1e-4, on inputs between 0 and 1, otherwise as in the recipe.
TrainConfig free_training(const char* name, Variant variant, std::uint64_t seed) {
  TrainConfig config = recipe(name, variant, variant == Variant::kStatic ? 7 : 5, "");
  config.batch = 1;
  config.learning_rate = 1e-4;
  config.input_scale = 1.0f / 255;
  config.seed = seed;
  // No recipe of the micro variant clips gradients: here its paper recipe does, to test L2 and a clip together.
  if (variant == Variant::kMicro && config.l2 > 0) config.clip_norm = 4;
  return config;
}

/// Final difference between a free run on the executor and on the cpu: the largest loss error of a step, relative to
/// the larger of the loss and the largest logit (the loss is a difference of logits and has their rounding), and the
/// largest relative L2 error of a tensor.
struct Drift {
  double loss = 0, tensor = 0;
  /// The bound that holds if all pools and activations made the same choices.
  bool strict(double loss_bound) const { return loss <= loss_bound && tensor <= 1e-4; }
};

/// A run stops as soon as its loss error exceeds `end_beyond`, because steps are slow on simt.
Drift drift_from_cpu(const TrainConfig& config, std::uint64_t steps, double end_beyond) {
  const bool is_static = config.model.variant == Variant::kStatic;
  const Samples samples = banded_samples(static_cast<int>(steps), config.model.classes, is_static ? 48 : 112,
                                         is_static ? 1 : 3, config.seed, true);  // soft labels: the loss is never 0
  const Model model = make_model(config.model);
  BackendOptions cpu_options;
  cpu_options.threads = options().threads;
  Backend cpu = make_backend("cpu", cpu_options);
  Backend& tested = executor();
  Learner<float> want(*cpu.device, cpu.context, cpu.ops, model, config, samples);
  Learner<float> got(*tested.device, tested.context, tested.ops, model, config, samples);
  Drift drift;
  std::uint64_t t = 1;
  for (; t <= steps && drift.loss <= end_beyond; ++t) {
    want.step.run();
    got.step.run();
    const StepReport expected = want.step.wait(t), report = got.step.wait(t);
    REQUIRE(report.step == t);
    REQUIRE(report.non_finite == 0);
    REQUIRE(expected.cross_entropy > 0);
    const double scale = std::max(expected.cross_entropy, largest_logit(want.network, config.batch));
    drift.loss = std::max(drift.loss, std::abs(report.cross_entropy - expected.cross_entropy) / scale);
  }
  want.step.settle();
  got.step.settle();
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    const std::vector<float> a = want.network.parameters().read(i, ParameterKind::kValue);
    const std::vector<float> b = got.network.parameters().read(i, ParameterKind::kValue);
    double error = 0, norm = 0;
    for (std::size_t e = 0; e < a.size(); ++e) {
      error += (double{a[e]} - b[e]) * (double{a[e]} - b[e]);
      norm += double{a[e]} * a[e];
    }
    REQUIRE(norm > 0);
    drift.tensor = std::max(drift.tensor, std::sqrt(error / norm));
  }
  std::printf("%s, recipe %s, seed %llu: after %llu steps loss differs by %.2g, the worst tensor by %.2g\n",
              to_string(config.model.variant).c_str(), config.recipe.c_str(),
              static_cast<unsigned long long>(config.seed), static_cast<unsigned long long>(t - 1), drift.loss,
              drift.tensor);
  // bounds of a run in which a pool or an activation may choose differently: see "Ten free steps" in test_network.cpp
  CHECK(drift.loss <= 1e-3);
  CHECK(drift.tensor <= 2e-3);
  return drift;
}

/// Ten free steps with both recipes. An error in an executor shows in every run, different choices are rare: one of up
/// to three runs must meet the strict bound, and usually the first does.
void check_free_runs(Variant variant, double loss_bound) {
  const char* name = GENERATE("paper", "code");
  CAPTURE(name);
  bool strict = false;
  for (std::uint64_t run = 0; run < 3 && !strict; ++run) {
    strict = drift_from_cpu(free_training(name, variant, options().seed + run), 10, loss_bound).strict(loss_bound);
  }
  CHECK(strict);
}

}  // namespace

// All hidden: the cpu would be compared with itself.
TEST_CASE("Ten free steps at 1e-4 stay with the cpu's", "[.][free_run]") { check_free_runs(Variant::kStatic, 1e-5); }

// With 37 million parameters, every second run has a gradient whose sign depends on rounding: 1e-7 to 4e-5 were seen.
TEST_CASE("Ten free steps of the micro variant at 1e-4 stay with the cpu's", "[.][free_run][micro]") {
  check_free_runs(Variant::kMicro, 1e-4);
}

// For an interpreter, where a run takes minutes: more steps, one recipe.
TEST_CASE("Twenty training steps follow the cpu's", "[.][follows_cpu]") {
  const Variant variant = GENERATE(Variant::kStatic, Variant::kMicro);
  drift_from_cpu(free_training("paper", variant, options().seed), 20, 1e-3);
}
