// The optimiser of the executor under test: schedule, clip, Adam with L2, its replay, and the reports.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "reference/adam.h"
#include "support/compare.h"
#include "support/executor.h"
#include "support/random.h"
#include "support/same_bits.h"

namespace shcnn::test {
namespace {

constexpr std::int64_t kSizes[] = {0, 1, 2, 3, 7, 8, 9, 31, 32, 33, 255, 256, 257, 1000, 65'537, 200'003};

/// Parameters, moments and gradients in the middle of a training, on the device.
struct Parameters {
  Tensor<float> w, m, v, g;
  Guarded<float> device_w, device_m, device_v, device_g;

  Parameters(Backend& backend, Random& random, std::int64_t count, int shift)
      : w(random.reals<float>(Shape(count))),
        m(random.reals<float>(Shape(count))),
        v(random.reals<float>(Shape(count))),
        g(random.reals<float>(Shape(count))),
        device_w(backend, Shape(count), shift),
        device_m(backend, Shape(count), shift),
        device_v(backend, Shape(count), shift),
        device_g(backend, Shape(count), shift) {
    for (std::int64_t i = 0; i < count; ++i) {
      m[i] *= 0.01f;
      v[i] = 0.001f * v[i] * v[i];
    }
    device_w.write(w);
    device_m.write(m);
    device_v.write(v);
    device_g.write(g);
  }
};

AdamParams<float> some_params() { return {}; }

reference::Adam reference_of(const AdamParams<float>& p, bool decayed) {
  // The constants as the executor gets them: 1 - 0.999f has a relative error of 1e-5.
  reference::Adam adam;
  adam.beta1 = static_cast<double>(p.beta1);
  adam.beta2 = static_cast<double>(p.beta2);
  adam.epsilon = static_cast<double>(p.epsilon);
  adam.lambda = decayed ? static_cast<double>(p.lambda) : 0;
  return adam;
}

StepState state_at(std::uint64_t step, double rate, float clip_scale) {
  StepState state;
  state.step = step;
  const double t = static_cast<double>(step);
  state.lr = rate;
  state.lr_t = static_cast<float>(rate * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)));
  state.clip_scale = clip_scale;
  return state;
}

/// Within `relative` of the reference, relative to `scale`: the magnitude of the terms summed, which may cancel.
bool near(double got, double want, double scale, double relative) { return std::abs(got - want) <= relative * scale; }

}  // namespace

TEST_CASE("advance_step follows TensorFlow's schedules and Adam's bias correction", "[adam]") {
  for (const bool staircase : {false, true}) {
    for (const double decay : {1.0, 0.995, 0.997}) {
      StepSchedule schedule;
      schedule.seed = 0x123456789abcdefULL;
      schedule.learning_rate = 1e-3;
      schedule.decay_rate = decay;
      schedule.decay_steps = staircase ? 20 : 80;
      schedule.staircase = staircase;
      schedule.batch = 32;
      schedule.steps_per_epoch = 7;
      const Guarded<StepState> state = guarded_struct(executor(), StepState{});
      for (std::int64_t t = 1; t <= 100; ++t) {
        executor().ops.advance_step(Workspace(executor(), 0), schedule, state.data());
        const StepState got = state.read()[0];
        double power = 1;  // decay^(finished / decay_steps): the first step uses the full rate
        if (staircase) {
          for (std::int64_t period = 0; period < (t - 1) / schedule.decay_steps; ++period) power *= decay;
        } else {
          power = std::exp(std::log(decay) * static_cast<double>(t - 1) / static_cast<double>(schedule.decay_steps));
        }
        double beta1 = 1, beta2 = 1;
        for (std::int64_t i = 0; i < t; ++i) {
          beta1 *= 0.9;
          beta2 *= 0.999;
        }
        const double rate = 1e-3 * power;
        INFO("step " << t << " decay " << decay << (staircase ? " staircase" : " continuous"));
        CHECK(got.seed == schedule.seed);
        CHECK(got.step == static_cast<std::uint64_t>(t));
        CHECK(got.cursor == (t - 1) % 7 * 32);
        CHECK(near(got.lr, rate, rate, 1e-12));
        CHECK(near(got.lr_t, rate * std::sqrt(1 - beta2) / (1 - beta1), got.lr_t, 2e-7));
        CHECK(got.clip_scale == 1);
      }
    }
  }
}

TEST_CASE("adam_step: one step within 2e-6 of float64", "[adam]") {
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    const std::int64_t count = kSizes[i];
    for (const std::int64_t decayed : {std::int64_t{0}, count / 3, count}) {
      INFO(count << " parameters, " << decayed << " of them decayed");
      Random random(static_cast<std::uint32_t>(i));
      Parameters p(executor(), random, count, static_cast<int>(i % 4));
      AdamParams<float> params = some_params();
      params.lambda = 3e-2f;  // large enough to have a visible effect
      const StepState state = state_at(5, 1e-3, 0.5f);
      StepReport before;
      before.sum_squares = 2;
      before.cross_entropy = 3;
      const Guarded<StepState> step = guarded_struct(executor(), state);
      const Guarded<StepReport> report = guarded_struct(executor(), before);
      const Workspace workspace(executor(), executor().ops.adam_workspace(count));
      executor().ops.adam_step(workspace, params, decayed, step.data(), p.device_g, p.device_w, p.device_m, p.device_v,
                               report.data());
      workspace.check();
      const Tensor<float> w = p.device_w.read(), m = p.device_m.read(), v = p.device_v.read();
      CHECK(unequal(p.device_g.read(), p.g) == "");
      double sum_squares = 2;
      std::string wrong;
      for (std::int64_t e = 0; e < count; ++e) {
        reference::Adam adam = reference_of(params, e < decayed);
        adam.w = static_cast<double>(p.w[e]);
        adam.m = static_cast<double>(p.m[e]);
        adam.v = static_cast<double>(p.v[e]);
        if (e < decayed) sum_squares += adam.w * adam.w;
        adam.step(static_cast<double>(p.g[e]), 5, 1e-3, 0.5);
        // The terms may cancel, in g + 2 lambda w and in m, so errors are relative to the terms' magnitudes.
        const double gradient =
            0.5 * (std::abs(static_cast<double>(p.g[e])) + 2 * adam.lambda * std::abs(static_cast<double>(p.w[e])));
        const double m_scale = std::abs(static_cast<double>(p.m[e])) + gradient;
        const double v_scale = static_cast<double>(p.v[e]) + 1e-3 * gradient * gradient;
        const double move =
            static_cast<double>(state.lr_t) * m_scale / (std::sqrt(adam.v) + 1e-8) * (1 + v_scale / adam.v);
        if (!near(m[e], adam.m, m_scale, 2e-6) || !near(v[e], adam.v, v_scale, 2e-6) ||
            !near(w[e], adam.w, std::abs(adam.w) + move, 2e-6)) {
          wrong = message("element ", e, ": w ", w[e], " m ", m[e], " v ", v[e], ", expected ", adam.w, " ", adam.m,
                          " ", adam.v, "; before w ", p.w[e], " m ", p.m[e], " v ", p.v[e], " g ", p.g[e]);
        }
      }
      CHECK(wrong == "");
      const StepReport got = report.read()[0];
      CHECK(near(got.sum_squares, sum_squares, sum_squares, 1e-6));
      CHECK(got.cross_entropy == 3);
      CHECK(got.non_finite == 0);
    }
  }
}

TEST_CASE("adam_step: a thousand steps within 1e-4 of float64", "[adam]") {
  constexpr std::int64_t kCount = 257, kDecayed = 100, kSteps = 1000;
  Random random(3);
  Parameters p(executor(), random, kCount, 0);
  const AdamParams<float> params = some_params();
  std::vector<reference::Adam> want;
  for (std::int64_t e = 0; e < kCount; ++e) {
    want.push_back(reference_of(params, e < kDecayed));
    want.back().w = static_cast<double>(p.w[e]);
  }
  p.device_m.write(Tensor<float>(Shape(kCount)));
  p.device_v.write(Tensor<float>(Shape(kCount)));
  StepSchedule schedule;
  const Guarded<StepState> state = guarded_struct(executor(), StepState{});
  const Guarded<StepReport> report = guarded_struct(executor(), StepReport{});
  const Workspace workspace(executor(), executor().ops.adam_workspace(kCount));
  for (std::int64_t t = 1; t <= kSteps; ++t) {
    Tensor<float> g = random.reals<float>(Shape(kCount));
    for (std::int64_t e = 0; e < kCount; ++e) {
      g[e] = 0.01f * g[e] + 0.005f;
      want[static_cast<std::size_t>(e)].step(static_cast<double>(g[e]), t, 1e-3);
    }
    p.device_g.write(g);
    executor().ops.advance_step(workspace, schedule, state.data());
    executor().ops.adam_step(workspace, params, kDecayed, state.data(), p.device_g, p.device_w, p.device_m, p.device_v,
                             report.data());
  }
  const Tensor<float> w = p.device_w.read();
  Tensor<double> want_w(w.shape);
  for (std::int64_t e = 0; e < kCount; ++e) want_w[e] = want[static_cast<std::size_t>(e)].w;
  CHECK(std::sqrt(nmse(w, want_w)) <= 1e-4);
  CHECK(outside(w, want_w, [&](std::int64_t e) {
          return 1e-4 * (std::abs(want_w[e]) + std::abs(want_w[e] - static_cast<double>(p.w[e])));
        }) == "");
}

TEST_CASE("adam_step leaves elements with a non-finite gradient alone and counts them", "[adam]") {
  constexpr std::int64_t kCount = 100;
  Random random(4);
  Parameters p(executor(), random, kCount, 0);
  p.g[0] = std::numeric_limits<float>::quiet_NaN();
  p.g[50] = std::numeric_limits<float>::infinity();
  p.g[99] = -std::numeric_limits<float>::infinity();
  p.device_g.write(p.g);
  const Guarded<StepState> state = guarded_struct(executor(), state_at(1, 1e-3, 1));
  const Guarded<StepReport> report = guarded_struct(executor(), StepReport{});
  const Workspace workspace(executor(), executor().ops.adam_workspace(kCount));
  const auto step = [&] {
    executor().ops.adam_step(workspace, some_params(), kCount, state.data(), p.device_g, p.device_w, p.device_m,
                             p.device_v, report.data());
  };
  step();
  const Tensor<float> w = p.device_w.read(), m = p.device_m.read(), v = p.device_v.read();
  for (std::int64_t e = 0; e < kCount; ++e) {
    INFO("element " << e);
    const bool finite = std::isfinite(p.g[e]);
    CHECK((w[e] != p.w[e]) == finite);
    CHECK((m[e] != p.m[e]) == finite);
    CHECK((v[e] != p.v[e]) == finite);
  }
  CHECK(report.read()[0].non_finite == 3);
  // A report that already counts a non-finite value prevents any further change.
  step();
  CHECK(unequal(p.device_w.read(), w) == "");
  CHECK(unequal(p.device_m.read(), m) == "");
  CHECK(unequal(p.device_v.read(), v) == "");
}

TEST_CASE("adam_step leaves elements that would overflow alone and counts them", "[adam]") {
  constexpr std::int64_t kCount = 37, kDecayed = 30;
  Random random(5);
  Parameters p(executor(), random, kCount, 0);
  AdamParams<float> params = some_params();
  params.lambda = 0.25f;
  const std::set<std::int64_t> overflow = {1, 10, 33};
  p.g[1] = 1e30f;                              // second moment, by the square of g
  p.w[10] = 3e38f, p.g[10] = 0;                // second moment, by the L2 term
  p.g[33] = 0, p.m[33] = -1e38f, p.v[33] = 0;  // weight: both moments stay finite
  p.device_w.write(p.w);
  p.device_m.write(p.m);
  p.device_v.write(p.v);
  p.device_g.write(p.g);
  const Guarded<StepState> state = guarded_struct(executor(), state_at(1, 1e-3, 1));
  const Guarded<StepReport> report = guarded_struct(executor(), StepReport{});
  const Workspace workspace(executor(), executor().ops.adam_workspace(kCount));
  executor().ops.adam_step(workspace, params, kDecayed, state.data(), p.device_g, p.device_w, p.device_m, p.device_v,
                           report.data());
  const Tensor<float> w = p.device_w.read(), m = p.device_m.read(), v = p.device_v.read();
  for (std::int64_t e = 0; e < kCount; ++e) {
    INFO("element " << e);
    const bool moved = overflow.count(e) == 0;
    CHECK((std::isfinite(w[e]) && std::isfinite(m[e]) && std::isfinite(v[e])));
    CHECK((w[e] != p.w[e] && m[e] != p.m[e] && v[e] != p.v[e]) == moved);
  }
  CHECK(report.read()[0].non_finite == static_cast<std::int64_t>(overflow.size()));
}

TEST_CASE("clip_by_global_norm: norm and factor within 1e-6 of float64", "[adam]") {
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    const std::int64_t count = kSizes[i], decayed = count / 2;
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<float> w = random.reals<float>(Shape(count)), g = random.reals<float>(Shape(count));
    const Guarded<float> device_w(executor(), w, static_cast<int>(i % 4)),
        device_g(executor(), g, static_cast<int>(i % 4));
    const float lambda = 0.3f;
    double sum = 0;
    for (std::int64_t e = 0; e < count; ++e) {
      const double gradient =
          static_cast<double>(g[e]) + (e < decayed ? 2 * static_cast<double>(lambda) * static_cast<double>(w[e]) : 0);
      sum += gradient * gradient;
    }
    const double norm = std::sqrt(sum);
    for (const double share : {0.25, 4.0}) {
      INFO(count << " parameters, limit " << share << " of the norm");
      const float limit = count > 0 ? static_cast<float>(share * norm) : 1.0f;
      const Guarded<StepState> state = guarded_struct(executor(), state_at(1, 1e-3, 9));
      const Guarded<StepReport> report = guarded_struct(executor(), StepReport{});
      const Workspace workspace(executor(), executor().ops.adam_workspace(count));
      executor().ops.clip_by_global_norm(workspace, limit, lambda, decayed, device_w, device_g, state.data(),
                                         report.data());
      workspace.check();
      CHECK(near(report.read()[0].grad_norm, norm, norm, 1e-6));
      const double want = count > 0 ? std::min(1.0, static_cast<double>(limit) / norm) : 1;
      CHECK(near(state.read()[0].clip_scale, want, want, 1e-6));
    }
  }
}

TEST_CASE("adam_replay gives the bits of as many adam_steps", "[adam]") {
  StepSchedule schedule;
  schedule.decay_rate = 0.995;
  schedule.decay_steps = 3;
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    const std::int64_t count = kSizes[i], steps = count > 1000 ? 3 : count < 9 ? 130 : 12;
    const std::uint64_t first = 1 + 5 * (i % 3);
    const int shift = i % 2 ? 2 : 0;  // not aligned and aligned to 16 bytes: two kernels
    INFO(count << " parameters from step " << first);
    Random random(static_cast<std::uint32_t>(i));
    Random again(static_cast<std::uint32_t>(i));
    Parameters stepped(executor(), random, count, 1), replayed(executor(), again, count, shift);
    stepped.device_g.write(Tensor<float>(Shape(count)));
    AdamParams<float> params = some_params();
    params.lambda = 3e-3f;
    StepState state;
    state.step = first - 1;
    const Guarded<StepState> device_state = guarded_struct(executor(), state);
    const Workspace workspace(executor(), executor().ops.adam_workspace(count));
    Tensor<double> sums{Shape(steps)};
    for (double& sum : sums.data) {
      const Guarded<StepReport> report = guarded_struct(executor(), StepReport{});
      executor().ops.advance_step(workspace, schedule, device_state.data());
      executor().ops.adam_step(workspace, params, count, device_state.data(), stepped.device_g, stepped.device_w,
                               stepped.device_m, stepped.device_v, report.data());
      sum = report.read()[0].sum_squares;
    }
    const Guarded<double> device_sums(executor(), Shape(steps));
    executor().ops.adam_replay(workspace, params, schedule, first, replayed.device_w, replayed.device_m,
                               replayed.device_v, device_sums);
    workspace.check();
    CHECK(unequal(replayed.device_w.read(), stepped.device_w.read()) == "");
    CHECK(unequal(replayed.device_m.read(), stepped.device_m.read()) == "");
    CHECK(unequal(replayed.device_v.read(), stepped.device_v.read()) == "");
    CHECK(relative_outside(device_sums.read(), sums, 1e-12) == "");
    if (count > 0) CHECK(nmse(stepped.device_w.read(), stepped.w) > 0);
  }
}

TEST_CASE("publish_report fills the ring in turn", "[adam]") {
  constexpr std::int64_t kSlots = 5;
  Device& device = *executor().device;
  StepReport* ring = static_cast<StepReport*>(device.allocate_host(kSlots * sizeof(StepReport)));
  for (std::int64_t slot = 0; slot < kSlots; ++slot) ring[slot] = StepReport{};
  for (std::uint64_t t = 1; t <= 12; ++t) {
    StepReport report;
    report.cross_entropy = static_cast<double>(t) / 2;
    report.correct = static_cast<std::int64_t>(10 * t);
    const Guarded<StepReport> from = guarded_struct(executor(), report);
    const Guarded<StepState> state = guarded_struct(executor(), state_at(t, 1e-3, 1));
    executor().ops.publish_report(Workspace(executor(), 0), state.data(), from.data(),
                                  View<StepReport>(ring, Shape(kSlots)));
    device.wait(device.mark());
    for (std::uint64_t past = t < kSlots ? 1 : t - kSlots + 1; past <= t; ++past) {
      CHECK(ring[past % kSlots].step == past);
      CHECK(ring[past % kSlots].cross_entropy == static_cast<double>(past) / 2);
      CHECK(ring[past % kSlots].correct == static_cast<std::int64_t>(10 * past));
    }
  }
  device.release_host(ring);
}

TEST_CASE("the optimiser does not depend on the number of threads", "[adam][threads]") {
  check_same_bits([](Backend& backend) {
    std::vector<unsigned char> all;
    for (const std::int64_t count : {1000, 200'003}) {
      Random random(9);
      Parameters p(backend, random, count, 0);
      const Guarded<StepState> state = guarded_struct(backend, state_at(3, 1e-3, 1));
      const Guarded<StepReport> report = guarded_struct(backend, StepReport{});
      const Workspace workspace(backend, backend.ops.adam_workspace(count));
      backend.ops.clip_by_global_norm(workspace, 1.0f, 3e-4f, count / 2, p.device_w, p.device_g, state.data(),
                                      report.data());
      backend.ops.adam_step(workspace, some_params(), count / 2, state.data(), p.device_g, p.device_w, p.device_m,
                            p.device_v, report.data());
      const Guarded<double> sums(backend, Shape(4));
      backend.ops.adam_replay(workspace, some_params(), StepSchedule{}, 4, p.device_w, p.device_m, p.device_v, sums);
      for (const Guarded<float>* t : {&p.device_w, &p.device_m, &p.device_v}) append_bytes(all, t->read());
      append_bytes(all, sums.read());
      const StepReport r = report.read()[0];
      append_bytes(all, Tensor<double>(Shape(2), {r.grad_norm, r.sum_squares}));
    }
    return all;
  });
}

}  // namespace shcnn::test
