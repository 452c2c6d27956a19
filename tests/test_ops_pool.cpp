// Bias, LeakyReLU and pooling of the executor under test, forward and backward, compared with their definitions.
#include <catch2/catch.hpp>

#include "cases.h"
#include "reference/pool.h"
#include "support/compare.h"
#include "support/executor.h"
#include "support/random.h"
#include "support/same_bits.h"

namespace shcnn::test {
namespace {

constexpr int kRandomCases = 300;
// Exact suite: with this slope and gradients that are multiples of 4, all products and sums are integers.
constexpr float kExactSlope = 0.25f;

struct Inputs {
  Tensor<float> z, b, dy;
  float slope;
};

Inputs make_inputs(const PoolCase& c, const Shape& y_shape, std::uint32_t stream, bool exact) {
  Random random(stream);
  if (!exact) {
    return {random.reals<float>(c.z()), random.reals<float>(Shape(c.channels)), random.reals<float>(y_shape),
            static_cast<float>(c.slope)};
  }
  Inputs in{random.integers<float>(c.z(), 8), random.integers<float>(Shape(c.channels), 8),
            random.integers<float>(y_shape, 8), c.slope == 0 ? 0 : kExactSlope};
  for (float& value : in.z.data) value *= 4;
  for (float& value : in.b.data) value += 0.5f;  // so that no activation is 0; z has many ties
  for (float& value : in.dy.data) value *= 16;   // stays an integer after the slope and a mean of four
  return in;
}

struct Results {
  Tensor<float> y, dz, db;
  Tensor<std::uint8_t> winner;
};

Results run_max_pool(Backend& backend, const PoolCase& c, const Inputs& in, int shift) {
  const Guarded<float> z(backend, in.z, shift), b(backend, in.b, shift), y(backend, c.max_y(), shift),
      dy(backend, in.dy, shift), dz(backend, c.z(), shift), db(backend, Shape(c.channels), shift);
  const Guarded<std::uint8_t> winner(backend, c.max_y(), shift);
  const Workspace none(backend, 0);
  backend.ops.max_pool_forward(none, c.pool, in.slope, z, b, y, winner);
  backend.ops.max_pool_backward(none, c.pool, in.slope, y, winner, dy, dz, db);
  CHECK(unequal(z.read(), in.z) == "");
  CHECK(unequal(dy.read(), in.dy) == "");
  CHECK(unequal(b.read(), in.b) == "");
  return {y.read(), dz.read(), db.read(), winner.read()};
}

Results run_avg_pool(Backend& backend, const PoolCase& c, const Inputs& in, int shift) {
  const Guarded<float> z(backend, in.z, shift), b(backend, in.b, shift), y(backend, c.average_y(), shift),
      dy(backend, in.dy, shift), dz(backend, c.z(), shift), db(backend, Shape(c.channels), shift);
  const Workspace none(backend, 0);
  backend.ops.avg_pool_forward(none, in.slope, z, b, y);
  backend.ops.avg_pool_backward(none, in.slope, y, dy, dz, db);
  CHECK(unequal(z.read(), in.z) == "");
  CHECK(unequal(dy.read(), in.dy) == "");
  return {y.read(), dz.read(), db.read(), {}};
}

/// db is a sum of float32 gradients: exact if they are integers, otherwise within the tolerance of sums.
void check_bias_gradient(const Tensor<float>& got, const reference::PoolGradient<float>& want, bool exact) {
  if (exact) {
    CHECK(unequal(got, want.db) == "");
  } else {
    const double terms = static_cast<double>(want.dz.count()) / static_cast<double>(want.db.count());
    CHECK(outside_sum_rule(got, want.db, want.db_magnitude, terms) == "");
  }
}

std::vector<unsigned char> bytes(const Results& results) {
  std::vector<unsigned char> all;
  append_bytes(all, results.y);
  append_bytes(all, results.dz);
  append_bytes(all, results.db);
  append_bytes(all, results.winner);
  return all;
}

}  // namespace

TEST_CASE("max_pool gives the bits of its definition, forward and back", "[max_pool]") {
  const std::vector<PoolCase> cases = pool_cases(wants_small_cases(), random_cases(kRandomCases));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const PoolCase& c = cases[i];
    for (const bool exact : {true, false}) {
      INFO("case " << i << (exact ? ", integers: " : ", reals: ") << c.text());
      const Inputs in = make_inputs(c, c.max_y(), static_cast<std::uint32_t>(2 * i) + exact, exact);
      const Results got = run_max_pool(executor(), c, in, static_cast<int>(i % 4));
      const auto want = reference::max_pool(c.pool, in.slope, in.z, in.b, c.max_y());
      // in a small map the ring of padding may win every window
      if (want.y.count() >= kFewestForStatistics && c.slope > 0) {
        CHECK(too_sparse(want.y, [&](std::int64_t e) { return want.winner[e] != kWinnerIsPad; }) == "");
      }
      CHECK(unequal(got.y, want.y) == "");
      CHECK(unequal(got.winner, want.winner) == "");
      const auto gradient = reference::max_pool_gradient(c.pool, in.slope, want.y, want.winner, in.dy, c.z());
      CHECK(unequal(got.dz, gradient.dz) == "");
      check_bias_gradient(got.db, gradient, exact);
    }
  }
}

TEST_CASE("avg_pool agrees with its definition, forward and back", "[avg_pool]") {
  const std::vector<PoolCase> cases = pool_cases(wants_small_cases(), random_cases(kRandomCases));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const PoolCase& c = cases[i];
    for (const bool exact : {true, false}) {
      INFO("case " << i << (exact ? ", integers: " : ", reals: ") << c.text());
      const Inputs in = make_inputs(c, c.average_y(), static_cast<std::uint32_t>(2 * i) + exact, exact);
      const Results got = run_avg_pool(executor(), c, in, static_cast<int>(i % 4));
      const auto [want, magnitude] =
          reference::avg_pool(static_cast<double>(in.slope), cast<double>(in.z), cast<double>(in.b));
      if (c.samples > 0 && c.slope > 0) CHECK(too_sparse(want, [](std::int64_t) { return true; }) == "");
      if (exact) {
        CHECK(unequal(got.y, want) == "");
      } else {
        // Three additions, the bias and the slope: five roundings, each at most u times the mean of the magnitudes.
        const Tensor<double>& scale = magnitude;
        CHECK(outside(got.y, want, [&](std::int64_t e) { return 5 * kUnitRoundoff * scale[e]; }) == "");
      }
      // Computed from the executor's own y, because its sign decides; one ulp.
      const auto gradient = reference::avg_pool_gradient(in.slope, got.y, in.dy, c.z());
      CHECK(relative_outside(got.dz, gradient.dz, exact ? 0 : 2 * kUnitRoundoff) == "");
      check_bias_gradient(got.db, gradient, exact);
    }
  }
}

TEST_CASE("pools do not depend on the number of threads", "[max_pool][threads]") {
  const std::vector<PoolCase> cases = pool_cases(wants_small_cases(), random_cases(kRandomCases));
  for (std::size_t i = 0; i < cases.size(); i += 9) {
    const PoolCase& c = cases[i];
    INFO("case " << i << ": " << c.text());
    const Inputs to_max = make_inputs(c, c.max_y(), static_cast<std::uint32_t>(i), false);
    check_same_bits([&](Backend& backend) { return bytes(run_max_pool(backend, c, to_max, 0)); });
    const Inputs to_average = make_inputs(c, c.average_y(), static_cast<std::uint32_t>(i), false);
    check_same_bits([&](Backend& backend) { return bytes(run_avg_pool(backend, c, to_average, 0)); });
  }
}

}  // namespace shcnn::test
