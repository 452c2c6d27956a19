// Dense layers and their LeakyReLU + dropout, of the executor under test, compared with float64 loops.
#include <catch2/catch.hpp>

#include "cases.h"
#include "reference/scores.h"
#include "support/compare.h"
#include "support/executor.h"
#include "support/random.h"
#include "support/same_bits.h"

namespace shcnn::test {
namespace {

constexpr int kRandomCases = 300;

struct Inputs {
  Tensor<float> x, w, b, dy;
};

Inputs make_inputs(const DenseCase& c, std::uint32_t stream, bool exact) {
  Random random(stream);
  const auto values = [&](const Shape& shape) {
    return exact ? random.integers<float>(shape, 8) : random.reals<float>(shape);
  };
  return {values(Shape(c.inputs, c.samples)), values(Shape(c.outputs, c.inputs)), values(Shape(c.outputs)),
          values(Shape(c.outputs, c.samples))};
}

template <class T>
struct Results {
  Tensor<T> y, dx, dw, db;
};

Results<float> run(Backend& backend, const DenseCase& c, const Inputs& in, int shift) {
  const Guarded<float> x(backend, in.x, shift), w(backend, in.w, shift), b(backend, in.b, shift),
      dy(backend, in.dy, shift);
  const Guarded<float> y(backend, in.dy.shape, shift), dx(backend, in.x.shape, shift), dw(backend, in.w.shape, shift),
      db(backend, in.b.shape, shift);
  const Workspace workspace(backend, backend.ops.dense_workspace(c.inputs, c.outputs, c.samples));
  backend.ops.dense_forward(workspace, x, w, b, y);
  backend.ops.dense_backward_data(workspace, w, dy, dx);
  backend.ops.dense_backward_filter(workspace, x, dy, dw, db);
  workspace.check();
  CHECK(unequal(x.read(), in.x) == "");
  CHECK(unequal(w.read(), in.w) == "");
  CHECK(unequal(b.read(), in.b) == "");
  CHECK(unequal(dy.read(), in.dy) == "");
  return {y.read(), dx.read(), dw.read(), db.read()};
}

/// In float64, on the values or on their magnitudes.
Results<double> oracle(const Inputs& in, bool of_magnitudes) {
  const Ops<double> ops = naive_ops<double>();
  const Context none;
  const auto widen = [&](const Tensor<float>& t) { return cast<double>(of_magnitudes ? magnitudes(t) : t); };
  const Tensor<double> x = widen(in.x), w = widen(in.w), b = widen(in.b), dy = widen(in.dy);
  Results<double> out{Tensor<double>(dy.shape), Tensor<double>(x.shape), Tensor<double>(w.shape),
                      Tensor<double>(b.shape)};
  ops.dense_forward(none, x.view(), w.view(), b.view(), out.y.view());
  ops.dense_backward_data(none, w.view(), dy.view(), out.dx.view());
  ops.dense_backward_filter(none, x.view(), dy.view(), out.dw.view(), out.db.view());
  return out;
}

void check(const Tensor<float>& got, const Tensor<double>& want, const Tensor<double>& products, std::int64_t terms,
           bool exact) {
  if (terms > 0) CHECK(too_sparse(want, [&](std::int64_t e) { return products[e] > 0; }) == "");
  CHECK((exact ? unequal(got, want) : outside_product_rule(got, want, products, static_cast<double>(terms))) == "");
}

std::vector<unsigned char> bytes(const Results<float>& results) {
  std::vector<unsigned char> all;
  for (const Tensor<float>* t : {&results.y, &results.dx, &results.dw, &results.db}) append_bytes(all, *t);
  return all;
}

StepState some_step(Random& random) {
  StepState state;
  state.seed = (std::uint64_t{random.word()} << 32) | random.word();
  state.step = static_cast<std::uint64_t>(random.integer(1, 100'000));
  return state;
}

}  // namespace

TEST_CASE("dense layers agree with float64 loops", "[dense]") {
  const std::vector<DenseCase> cases = dense_cases(wants_small_cases(), random_cases(kRandomCases));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const DenseCase& c = cases[i];
    Results<double> products;  // sums of magnitudes of the reals; the integers are non-zero at the same positions
    for (const bool exact : {false, true}) {
      INFO("case " << i << (exact ? ", integers: " : ", reals: ") << c.text());
      const Inputs in = make_inputs(c, static_cast<std::uint32_t>(2 * i) + exact, exact);
      const Results<float> got =
          run(executor(), c, in, exact ? 0 : static_cast<int>(i % 4));  // exact cases are aligned
      const Results<double> want = oracle(in, false);
      if (!exact) products = oracle(in, true);
      check(got.y, want.y, products.y, c.inputs + 1, exact);
      check(got.dx, want.dx, products.dx, c.outputs, exact);
      check(got.dw, want.dw, products.dw, c.samples, exact);
      check(got.db, want.db, products.db, c.samples, exact);
    }
  }
}

TEST_CASE("dense layers do not depend on the number of threads", "[dense][threads]") {
  const std::vector<DenseCase> cases = dense_cases(wants_small_cases(), random_cases(kRandomCases));
  for (std::size_t i = 0; i < cases.size(); i += 9) {
    const DenseCase& c = cases[i];
    INFO("case " << i << ": " << c.text());
    const Inputs in = make_inputs(c, static_cast<std::uint32_t>(i), false);
    check_same_bits([&](Backend& backend) { return bytes(run(backend, c, in, 0)); });
  }
}

TEST_CASE("leaky_dropout: the mask of the definition, the bits of LeakyReLU", "[leaky_dropout]") {
  const std::vector<DenseCase> cases = dense_cases(true, kRandomCases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Shape shape(cases[i].outputs, cases[i].samples);
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<float> z = random.reals<float>(shape), gradient = random.reals<float>(shape);
    const StepState state = some_step(random);
    const LeakyDropout layer{0.02, i % 5 == 0 ? 0.0 : random.uniform(0, 0.9),
                             i % 2 ? Purpose::kDropout1 : Purpose::kDropout2};
    for (const bool training : {true, false}) {
      INFO("case " << i << ": " << shape.str() << " rate " << layer.rate << (training ? "" : ", evaluation"));
      const int shift = static_cast<int>(i % 4);
      const Guarded<float> y(executor(), z, shift), dy(executor(), gradient, shift);
      const Guarded<StepState> step = guarded_struct(executor(), state);
      const Workspace none(executor(), 0);
      executor().ops.leaky_dropout_forward(none, layer, training ? step.data() : nullptr, y);
      executor().ops.leaky_dropout_backward(none, layer, training ? step.data() : nullptr, y, dy);
      Tensor<float> want_y(shape), want_dy(shape);
      const float slope = static_cast<float>(layer.slope);
      const bool drops = training && layer.rate > 0;
      for (std::int64_t e = 0; e < shape.count(); ++e) {
        const bool kept = !drops || reference::dropout_keeps(state.seed, layer.layer, state.step, e / shape[1],
                                                             e % shape[1], layer.rate);
        const float share = drops ? static_cast<float>(1 - layer.rate) : 1.0f;
        want_y[e] = kept ? std::max(slope * z[e], z[e]) / share : 0;
        want_dy[e] = kept ? (z[e] > 0 ? gradient[e] : slope * gradient[e]) / share : 0;
      }
      // Dropping is exact; dividing by the kept fraction may be a multiplication by its inverse: two ulps.
      const double allowed = drops ? 4 * kUnitRoundoff : 0;
      CHECK(relative_outside(y.read(), want_y, allowed) == "");
      CHECK(relative_outside(dy.read(), want_dy, allowed) == "");
    }
  }
}

TEST_CASE("leaky_dropout keeps its rate within four sigma over ten million draws", "[leaky_dropout]") {
  const std::int64_t units = wants_small_cases() ? 500 : 5000, samples = 2000;
  const double count = static_cast<double>(units * samples);
  for (const double rate : {0.2, 0.4}) {
    const Guarded<float> y(executor(), Tensor<float>(Shape(units, samples), 1.0f));
    StepState state;
    state.seed = options().seed;
    state.step = 17;
    const Guarded<StepState> step = guarded_struct(executor(), state);
    executor().ops.leaky_dropout_forward(Workspace(executor(), 0), {0.02, rate, Purpose::kDropout1}, step.data(), y);
    double kept = 0;
    for (const float value : y.read().data) kept += value != 0;
    CHECK(std::abs(kept - count * (1 - rate)) <= 4 * std::sqrt(count * rate * (1 - rate)));
  }
}

TEST_CASE("leaky_dropout does not depend on the number of threads", "[leaky_dropout][threads]") {
  for (const std::int64_t samples : {1, 33, 100}) {
    INFO(samples << " samples");
    Random random(static_cast<std::uint32_t>(samples));
    const Shape shape(257, samples);
    const Tensor<float> z = random.reals<float>(shape), gradient = random.reals<float>(shape);
    const StepState state = some_step(random);
    check_same_bits([&](Backend& backend) {
      const Guarded<float> y(backend, z), dy(backend, gradient);
      const Guarded<StepState> step = guarded_struct(backend, state);
      const Workspace none(backend, 0);
      backend.ops.leaky_dropout_forward(none, {0.02, 0.4, Purpose::kDropout2}, step.data(), y);
      backend.ops.leaky_dropout_backward(none, {0.02, 0.4, Purpose::kDropout2}, step.data(), y, dy);
      std::vector<unsigned char> all;
      append_bytes(all, y.read());
      append_bytes(all, dy.read());
      return all;
    });
  }
}

}  // namespace shcnn::test
