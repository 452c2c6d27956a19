// Training on the executor under test beside training on the cpu executor: twenty steps of both variants, running free.
//
// Both compute in float and order their sums differently, so they drift apart as two correct executors do. A pool or an
// activation that chooses between values closer than rounding moves a gradient by a whole term (docs/numerics.md); a
// run of one sample a step meets few of those.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <memory>

#include "engine/initialise.h"
#include "engine/trainer.h"
#include "engine_support.h"
#include "support/executor.h"
#include "support/options.h"

using namespace shcnn;
using namespace shcnn::test;

// Hidden: on the cpu itself it would compare equal things, on simt the micro variant takes minutes.
TEST_CASE("Twenty training steps follow the cpu's", "[.][follows_cpu]") {
  const Variant variant = GENERATE(Variant::kStatic, Variant::kMicro);
  const bool is_static = variant == Variant::kStatic;
  TrainConfig config = recipe("paper", variant, is_static ? 7 : 5, "");
  config.batch = 1;
  config.learning_rate = 1e-4;
  config.seed = options().seed;
  config.clip_norm = is_static ? 0 : 4;  // the paper has no clip: the other variant takes one, to have it run
  const Samples samples =
      is_static ? banded_samples(20, 7, 48, 1, config.seed) : banded_samples(20, 5, 112, 3, config.seed);
  const Model model = make_model(config.model);
  BackendOptions cpu_options;
  cpu_options.threads = options().threads;
  Backend cpu = make_backend("cpu", cpu_options);
  Backend& tested = executor();
  Learner<float> want(*cpu.device, cpu.context, cpu.ops, model, config, samples);
  Learner<float> got(*tested.device, tested.context, tested.ops, model, config, samples);

  CAPTURE(is_static);
  double worst_loss = 0;
  for (std::uint64_t t = 1; t <= 20; ++t) {
    want.step.run();
    got.step.run();
    const StepReport expected = want.step.wait(t), report = got.step.wait(t);
    REQUIRE(report.step == t);
    REQUIRE(report.non_finite == 0);
    worst_loss = std::max(
        worst_loss, std::abs(report.cross_entropy - expected.cross_entropy) / std::max(expected.cross_entropy, 0.1));
  }
  want.step.settle();
  got.step.settle();
  double worst_tensor = 0, moved = 0;
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    const std::vector<float> a = want.network.parameters().read(i, ParameterKind::kValue);
    const std::vector<float> b = got.network.parameters().read(i, ParameterKind::kValue);
    double error = 0, norm = 0;
    for (std::size_t e = 0; e < a.size(); ++e) {
      error += (double{a[e]} - b[e]) * (double{a[e]} - b[e]);
      norm += double{a[e]} * a[e];
    }
    worst_tensor = std::max(worst_tensor, std::sqrt(error / norm));
    moved = std::max(moved, std::sqrt(norm));
  }
  std::printf("%s: after 20 steps loss differs by %.2g, the worst tensor by %.2g\n", is_static ? "static" : "micro",
              worst_loss, worst_tensor);
  CHECK(moved > 0);
  // the bounds of a run in which a pool or an activation may choose otherwise: see "Ten free steps" in test_network.cpp
  CHECK(worst_loss <= 1e-3);
  CHECK(worst_tensor <= 2e-3);
}
