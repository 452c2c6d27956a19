// Tests of the plain float64 loops, which are the reference for all other ops: compared with the references in
// tests/reference, which use another order and layout, and with the paper's own numbers and graph.
#include <catch2/catch.hpp>

#include "cases.h"
#include "models/shcnn.h"
#include "reference/conv2d.h"
#include "reference/pool.h"
#include "reference/scores.h"
#include "support/compare.h"
#include "support/random.h"

namespace shcnn::test {
namespace {

constexpr double kRounding = 1e-12;  // error of float64 sums of up to 1e5 terms in another order

const Ops<double>& naive() {
  static const Ops<double> ops = naive_ops<double>();
  return ops;
}
const Context kNone;

/// The cases with a cost up to `limit`, because the references of planes and scatters are slow.
template <class Case, class Cost>
std::vector<Case> cheap(const std::vector<Case>& cases, double limit, const Cost& cost) {
  std::vector<Case> kept;
  for (const Case& c : cases) {
    if (cost(c) <= limit) kept.push_back(c);
  }
  return kept;
}

}  // namespace

TEST_CASE("plain convolution loops agree with padded planes", "[oracle]") {
  const auto cases = cheap(conv_cases(true, 200), 1e6, [](const ConvCase& c) { return c.flops(); });
  REQUIRE(cases.size() > 200);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const ConvCase& c = cases[i];
    INFO("case " << i << ": " << c.text());
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<double> x = random.reals<double>(c.x()), w = random.reals<double>(c.w()),
                         dz = random.reals<double>(c.z());
    Tensor<double> z(c.z()), dx(c.x()), dw(c.w());
    naive().conv2d_forward(kNone, c.pads, x.view(), w.view(), z.view());
    naive().conv2d_backward_data(kNone, c.pads, w.view(), dz.view(), dx.view());
    naive().conv2d_backward_filter(kNone, c.pads, x.view(), dz.view(), dw.view());
    const auto near = [](std::int64_t) { return kRounding * 1e2; };
    CHECK(outside(z, reference::conv2d(c.pads, x, w, c.z()), near) == "");
    CHECK(outside(dx, reference::conv2d_input_gradient(c.pads, w, dz, c.x()), near) == "");
    CHECK(outside(dw, reference::conv2d_filter_gradient(c.pads, x, dz, c.w()), near) == "");
  }
}

TEST_CASE("plain dense loops agree with inner products", "[oracle]") {
  const auto cases = cheap(dense_cases(true, 100), 1e6, [](const DenseCase& c) {
    return 2.0 * static_cast<double>(c.inputs * c.outputs * c.samples);
  });
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const DenseCase& c = cases[i];
    INFO("case " << i << ": " << c.text());
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<double> x = random.reals<double>(Shape(c.inputs, c.samples)),
                         w = random.reals<double>(Shape(c.outputs, c.inputs)),
                         b = random.reals<double>(Shape(c.outputs)),
                         dy = random.reals<double>(Shape(c.outputs, c.samples));
    Tensor<double> y(dy.shape), dx(x.shape), dw(w.shape), db(b.shape);
    naive().dense_forward(kNone, x.view(), w.view(), b.view(), y.view());
    naive().dense_backward_data(kNone, w.view(), dy.view(), dx.view());
    naive().dense_backward_filter(kNone, x.view(), dy.view(), dw.view(), db.view());
    Tensor<double> want_y(dy.shape), want_dx(x.shape), want_dw(w.shape), want_db(b.shape);
    for (std::int64_t n = 0; n < c.samples; ++n) {
      for (std::int64_t o = 0; o < c.outputs; ++o) {
        const double gradient = dy[o * c.samples + n];
        want_y[o * c.samples + n] += b[o];
        want_db[o] += gradient;
        for (std::int64_t k = 0; k < c.inputs; ++k) {
          want_y[o * c.samples + n] += w[o * c.inputs + k] * x[k * c.samples + n];
          want_dx[k * c.samples + n] += w[o * c.inputs + k] * gradient;
          want_dw[o * c.inputs + k] += gradient * x[k * c.samples + n];
        }
      }
    }
    const auto near = [](std::int64_t) { return kRounding * 1e2; };
    CHECK(outside(y, want_y, near) == "");
    CHECK(outside(dx, want_dx, near) == "");
    CHECK(outside(dw, want_dw, near) == "");
    CHECK(outside(db, want_db, near) == "");
  }
}

TEST_CASE("plain pools give the bits of whole padded planes in float64", "[oracle]") {
  const std::vector<PoolCase> cases = pool_cases(true, 100);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const PoolCase& c = cases[i];
    INFO("case " << i << ": " << c.text());
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<double> z = random.reals<double>(c.z()), b = random.reals<double>(Shape(c.channels)),
                         dy = random.reals<double>(c.max_y()), dy_average = random.reals<double>(c.average_y());
    Tensor<double> y(c.max_y()), dz(c.z()), db(b.shape), mean(c.average_y());
    Tensor<std::uint8_t> winner(c.max_y());
    naive().max_pool_forward(kNone, c.pool, c.slope, z.view(), b.view(), y.view(), winner.view());
    naive().max_pool_backward(kNone, c.pool, c.slope, y.view(), winner.view(), dy.view(), dz.view(), db.view());
    const auto want = reference::max_pool(c.pool, c.slope, z, b, c.max_y());
    const auto gradient = reference::max_pool_gradient(c.pool, c.slope, want.y, want.winner, dy, c.z());
    CHECK(unequal(y, want.y) == "");
    CHECK(unequal(winner, want.winner) == "");
    CHECK(unequal(dz, gradient.dz) == "");
    CHECK(outside(db, gradient.db, [&](std::int64_t e) { return kRounding * gradient.db_magnitude[e]; }) == "");

    naive().avg_pool_forward(kNone, c.slope, z.view(), b.view(), mean.view());
    naive().avg_pool_backward(kNone, c.slope, mean.view(), dy_average.view(), dz.view(), db.view());
    CHECK(outside(mean, reference::avg_pool(c.slope, z, b).first, [](std::int64_t) { return kRounding; }) == "");
    const auto spread = reference::avg_pool_gradient(c.slope, mean, dy_average, c.z());
    CHECK(unequal(dz, spread.dz) == "");
    CHECK(outside(db, spread.db, [&](std::int64_t e) { return kRounding * spread.db_magnitude[e]; }) == "");
  }
}

TEST_CASE("Table 2: scores and their gradients in float64", "[oracle]") {
  const auto run = [](const std::vector<double>& logits, Temperature temperature, std::int32_t target) {
    const Tensor<double> o(Shape(static_cast<std::int64_t>(logits.size()), 1), logits);
    Tensor<double> score(o.shape), grad(o.shape);
    const Tensor<std::int32_t> classes(Shape(1), target);
    naive().softmax_forward(kNone, temperature, o.view(), score.view());
    naive().softmax_score_gradient(kNone, temperature, o.view(), classes.view(), grad.view());
    return std::pair(score, grad);
  };
  const auto [s, s_grad] = run({1, 3, 10}, Temperature::kOne, 2);
  CHECK(s[2] == Approx(9.98965779e-1).epsilon(1e-8));  // printed in the paper
  CHECK(s_grad[0] < 0);
  CHECK(s_grad[2] == Approx(9.98965779e-1 * (1 - 9.98965779e-1)).epsilon(1e-5));

  // The second example: S_1 = e^-99 / (1 + e^-93 + e^-99); its gradient for class 2 is about e^-192.
  const auto [t, t_grad] = run({1, 7, 100}, Temperature::kOne, 0);
  CHECK(t[0] == Approx(std::exp(-99.0)).epsilon(1e-12));
  CHECK(t_grad[1] == Approx(-std::exp(-99.0) * std::exp(-93.0)).epsilon(1e-12));
  const auto [u, u_grad] = run({1, 7, 100}, Temperature::kOne, 2);
  CHECK(u[2] == 1);
  CHECK(u_grad[2] == Approx(std::exp(-93.0) + std::exp(-99.0)).epsilon(1e-12));  // computing 1 - S would give 0
  const auto [v, v_grad] = run({1, 7, 100}, Temperature::kLargest, 2);
  const double sum = std::exp(0.01) + std::exp(0.07) + std::exp(1.0);
  CHECK(v[2] == Approx(std::exp(1.0) / sum).epsilon(1e-12));
  CHECK(v_grad[2] == Approx(v[2] * (1 - v[2]) / 100).epsilon(1e-12));
  CHECK(v_grad[0] == Approx(-v[2] * v[0] / 100).epsilon(1e-12));

  const auto [a, a_grad] = run({1, 2}, Temperature::kOne, 1);
  CHECK(a[1] == Approx(1 / (1 + std::exp(-1.0))).epsilon(1e-12));
  CHECK(a_grad[0] == Approx(-a[0] * a[1]).epsilon(1e-12));
  const auto [b, b_grad] = run({1, 2}, Temperature::kLargest, 1);
  CHECK(b[1] == Approx(1 / (1 + std::exp(-0.5))).epsilon(1e-12));
  CHECK(b_grad[1] == Approx(b[0] * b[1] / 2).epsilon(1e-12));
}

TEST_CASE("live cells compute what the paper's graph computes", "[oracle]") {
  // Compares each stage of the paper on whole maps, including dead cells and zero-pads, with the model table's live
  // stages.
  for (const Variant variant : {Variant::kStatic, Variant::kMicro}) {
    ModelOptions options;
    options.variant = variant;
    const Model model = make_model(options);
    Random random(5);
    Tensor<double> whole = random.reals<double>(Shape(model.input_channels, model.input_size, model.input_size, 1));
    Tensor<double> live = whole;
    for (const ConvStage& stage : model.conv) {
      const std::int64_t in = 3, out = 4;  // fewer channels than the paper: only the map sizes matter here
      const std::int64_t channels = &stage == &model.conv[0] ? stage.in_channels : in;
      const std::int64_t made = &stage == &model.conv[2] ? out : in;
      const Tensor<double> w = random.reals<double>(Shape(made, channels, stage.kernel, stage.kernel)),
                           b = random.reals<double>(Shape(made));
      const bool is_static = variant == Variant::kStatic;
      const int same = is_static ? 0 : stage.kernel / 2, ring = is_static ? stage.kernel / 2 : 0;
      INFO(to_string(variant) << ", input of " << whole.shape.str() << ", live " << live.shape.str());

      const std::int64_t mapped = whole.shape[1] + 2 * same - stage.kernel + 1;
      const Tensor<double> map = reference::conv2d({same, same}, whole, w, Shape(made, mapped, mapped, 1));
      whole = reference::max_pool({ring, 0}, options.slope, map, b, Shape(made, stage.pooled, stage.pooled, 1)).y;

      REQUIRE(live.shape[1] == stage.input);
      Tensor<double> z(Shape(made, stage.conv, stage.conv, 1));
      naive().conv2d_forward(kNone, {stage.pad_begin, stage.pad_end}, live.view(), w.view(), z.view());
      Tensor<double> y(Shape(made, stage.live, stage.live, 1));
      Tensor<std::uint8_t> winner(y.shape);
      naive().max_pool_forward(kNone, {stage.ring, stage.first}, options.slope, z.view(), b.view(), y.view(),
                               winner.view());
      live = y;

      Tensor<double> put_back(whole.shape);  // zero outside the live cells: there every image is zero
      for (std::int64_t c = 0; c < made; ++c) {
        for (std::int64_t i = 0; i < stage.live; ++i) {
          for (std::int64_t j = 0; j < stage.live; ++j) {
            put_back[(c * stage.pooled + stage.first + i) * stage.pooled + stage.first + j] =
                y[(c * stage.live + i) * stage.live + j];
          }
        }
      }
      CHECK(outside(put_back, whole, [](std::int64_t) { return 1e-9; }) == "");
    }
  }
}

}  // namespace shcnn::test
