// Every backward op of the plain float64 loops compared with central differences of its forward op.
#include <catch2/catch.hpp>

#include "cases.h"
#include "support/gradient_check.h"

namespace shcnn::test {
namespace {

const Ops<double>& naive() {
  static const Ops<double> ops = naive_ops<double>();
  return ops;
}
const Context kNone;

}  // namespace

TEST_CASE("convolution gradients are differences of the forward op", "[gradients]") {
  const ConvCase cases[] = {{3, 4, 7, 6, 5, 3, {1, 1}},  {2, 3, 9, 8, 4, 5, {2, 2}}, {2, 3, 8, 9, 4, 5, {1, 3}},
                            {3, 4, 6, 6, 3, 3, {0, 0}},  {5, 6, 4, 5, 3, 1, {0, 0}}, {4, 5, 3, 3, 7, 5, {4, 2}},
                            {1, 8, 10, 10, 3, 5, {0, 0}}};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const ConvCase& c = cases[i];
    INFO(c.text());
    Random random(static_cast<std::uint32_t>(i));
    Tensor<double> x = random.reals<double>(c.x()), w = random.reals<double>(c.w());
    const Tensor<double> dz = random.reals<double>(c.z());
    Tensor<double> z(c.z()), dx(c.x()), dw(c.w());
    const auto evaluate = [&] {
      naive().conv2d_forward(kNone, c.pads, x.view(), w.view(), z.view());
      return Evaluation{weighted_sum(dz, z), 0};
    };
    naive().conv2d_backward_data(kNone, c.pads, w.view(), dz.view(), dx.view());
    naive().conv2d_backward_filter(kNone, c.pads, x.view(), dz.view(), dw.view());
    CHECK(gradient_differs(x, dx, evaluate, random) == "");
    CHECK(gradient_differs(w, dw, evaluate, random) == "");
  }
}

TEST_CASE("pool gradients are differences of the forward ops", "[gradients]") {
  const PoolCase cases[] = {{4, 6, 7, 5, {2, 1}, 4, 4, 0.02},
                            {4, 9, 9, 3, {1, 0}, 6, 6, 0.02},
                            {3, 8, 5, 6, {0, 0}, 4, 3, 0.15},
                            {3, 7, 7, 4, {2, 0}, 6, 6, 0.0}};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const PoolCase& c = cases[i];
    INFO(c.text());
    Random random(static_cast<std::uint32_t>(i));
    Tensor<double> z = random.reals<double>(c.z()), b = random.reals<double>(Shape(c.channels)), dz(c.z()), db(b.shape);
    {
      const Tensor<double> dy = random.reals<double>(c.max_y());
      Tensor<double> y(c.max_y());
      Tensor<std::uint8_t> winner(c.max_y());
      const auto evaluate = [&] {
        naive().max_pool_forward(kNone, c.pool, c.slope, z.view(), b.view(), y.view(), winner.view());
        Evaluation e{weighted_sum(dy, y), 0};
        for (std::int64_t k = 0; k < y.count(); ++k) note_choice(e.choices, winner[k] * 2 + (y[k] > 0));
        return e;
      };
      evaluate();
      naive().max_pool_backward(kNone, c.pool, c.slope, y.view(), winner.view(), dy.view(), dz.view(), db.view());
      CHECK(gradient_differs(z, dz, evaluate, random) == "");
      CHECK(gradient_differs(b, db, evaluate, random) == "");
    }
    {
      const Tensor<double> dy = random.reals<double>(c.average_y());
      Tensor<double> y(c.average_y());
      const auto evaluate = [&] {
        naive().avg_pool_forward(kNone, c.slope, z.view(), b.view(), y.view());
        Evaluation e{weighted_sum(dy, y), 0};
        for (std::int64_t k = 0; k < y.count(); ++k) note_choice(e.choices, y[k] > 0);
        return e;
      };
      evaluate();
      naive().avg_pool_backward(kNone, c.slope, y.view(), dy.view(), dz.view(), db.view());
      CHECK(gradient_differs(z, dz, evaluate, random) == "");
      CHECK(gradient_differs(b, db, evaluate, random) == "");
    }
  }
}

TEST_CASE("dense gradients are differences of the forward op", "[gradients]") {
  for (const DenseCase& c : {DenseCase{23, 17, 9}, DenseCase{64, 5, 7}, DenseCase{1, 40, 11}}) {
    INFO(c.text());
    Random random(static_cast<std::uint32_t>(c.inputs));
    Tensor<double> x = random.reals<double>(Shape(c.inputs, c.samples)),
                   w = random.reals<double>(Shape(c.outputs, c.inputs)), b = random.reals<double>(Shape(c.outputs)),
                   y(Shape(c.outputs, c.samples));
    const Tensor<double> dy = random.reals<double>(y.shape);
    Tensor<double> dx(x.shape), dw(w.shape), db(b.shape);
    const auto evaluate = [&] {
      naive().dense_forward(kNone, x.view(), w.view(), b.view(), y.view());
      return Evaluation{weighted_sum(dy, y), 0};
    };
    naive().dense_backward_data(kNone, w.view(), dy.view(), dx.view());
    naive().dense_backward_filter(kNone, x.view(), dy.view(), dw.view(), db.view());
    CHECK(gradient_differs(x, dx, evaluate, random) == "");
    CHECK(gradient_differs(w, dw, evaluate, random) == "");
    CHECK(gradient_differs(b, db, evaluate, random) == "");
  }
}

TEST_CASE("LeakyReLU with dropout: its gradient is a difference of the forward op", "[gradients]") {
  StepState state;
  state.seed = options().seed;
  state.step = 3;
  for (const double rate : {0.0, 0.4}) {
    for (const StepState* step : {static_cast<const StepState*>(nullptr), static_cast<const StepState*>(&state)}) {
      const LeakyDropout layer{0.02, rate, Purpose::kDropout2};
      Random random(11);
      Tensor<double> z = random.reals<double>(Shape(40, 11)), y = z;
      const Tensor<double> dy = random.reals<double>(z.shape);
      Tensor<double> dz = dy;
      const auto evaluate = [&] {
        y = z;
        naive().leaky_dropout_forward(kNone, layer, step, y.view());
        Evaluation e{weighted_sum(dy, y), 0};
        for (const double value : z.data) note_choice(e.choices, value > 0);
        return e;
      };
      evaluate();
      naive().leaky_dropout_backward(kNone, layer, step, y.view(), dz.view());
      CHECK(gradient_differs(z, dz, evaluate, random) == "");
    }
  }
}

TEST_CASE("score gradients are differences of the scores, M held constant", "[gradients]") {
  for (const std::int64_t classes : {3, 5, 7, 8}) {
    const std::int64_t samples = 30;
    Random random(static_cast<std::uint32_t>(classes));
    Tensor<double> o = random.reals<double>(Shape(classes, samples)), p(o.shape), grad(o.shape);
    for (double& value : o.data) value *= 5;
    Tensor<std::int32_t> targets{Shape(samples)};
    for (std::int32_t& j : targets.data) j = static_cast<std::int32_t>(random.integer(0, classes - 1));
    for (const Temperature temperature : {Temperature::kOne, Temperature::kLargest}) {
      // with M held constant, the improved score of o is the plain softmax of o / M
      Tensor<double> m(Shape(samples), 1.0);
      if (temperature == Temperature::kLargest) {
        m = Tensor<double>(Shape(samples), 0.0);
        for (std::int64_t i = 0; i < o.count(); ++i) m[i % samples] = std::max(m[i % samples], std::abs(o[i]));
      }
      const auto evaluate = [&] {
        Tensor<double> shrunk = o;
        for (std::int64_t i = 0; i < o.count(); ++i) shrunk[i] /= m[i % samples];
        naive().softmax_forward(kNone, Temperature::kOne, shrunk.view(), p.view());
        Evaluation e;
        for (std::int64_t n = 0; n < samples; ++n) e.loss += p[targets[n] * samples + n];
        return e;
      };
      naive().softmax_score_gradient(kNone, temperature, o.view(), targets.view(), grad.view());
      CHECK(gradient_differs(o, grad, evaluate, random) == "");
    }
  }
}

TEST_CASE("the true cross-entropy gradient is a difference of the loss", "[gradients]") {
  for (const std::int64_t classes : {3, 5, 7, 8}) {
    Random random(static_cast<std::uint32_t>(classes));
    const Shape shape(classes, 30);
    Tensor<double> o = random.reals<double>(shape), labels = random.reals<double>(shape), grad(shape);
    for (double& value : o.data) value *= 4;
    for (double& value : labels.data)
      value = std::abs(value);  // sums other than 1 as well, because some votes are outside these classes
    StepReport report;
    const auto evaluate = [&] {
      Tensor<double> unused(shape);
      naive().soft_cross_entropy(kNone, CrossEntropyGradient::kTrue, o.view(), labels.view(), unused.view(), &report);
      return Evaluation{report.cross_entropy, 0};
    };
    naive().soft_cross_entropy(kNone, CrossEntropyGradient::kTrue, o.view(), labels.view(), grad.view(), &report);
    CHECK(gradient_differs(o, grad, evaluate, random) == "");
  }
}

}  // namespace shcnn::test
