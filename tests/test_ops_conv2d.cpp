// Convolution forward, input gradient and filter gradient of the executor under test, compared with float64 loops.
#include <catch2/catch.hpp>
#include <cstring>

#include "cases.h"
#include "support/compare.h"
#include "support/executor.h"
#include "support/random.h"

namespace shcnn::test {
namespace {

constexpr int kRandomCases = 500;

/// An op's output, its float64 reference, and for each element the sum of the magnitudes of its products.
struct Outcome {
  Tensor<float> got;
  Tensor<double> want, absolute_products;
};

enum class Suite { kExact, kReal };

/// Integers whose sums of `terms` products are exact in float32 (terms * a^2 <= 2^24), or reals.
Tensor<float> values(Random& random, Suite suite, const Shape& shape, double terms) {
  if (suite == Suite::kReal) return random.reals<float>(shape);
  const double largest = std::floor(std::sqrt(16777216.0 / std::max(terms, 1.0)));
  return random.integers<float>(shape, static_cast<std::int64_t>(std::min(8.0, largest)));
}

// Each of these functions runs one op with operands a and b on the executor, and twice in float64: with a and b, and
// with their magnitudes.

Outcome forward(Backend& backend, const ConvCase& c, const Tensor<float>& x, const Tensor<float>& w, bool with_products,
                int shift) {
  const Context naive;
  const Ops<double> oracle = naive_ops<double>();
  Outcome o{{}, Tensor<double>(c.z()), Tensor<double>(c.z())};
  oracle.conv2d_forward(naive, c.pads, cast<double>(x).view(), cast<double>(w).view(), o.want.view());
  if (with_products)
    oracle.conv2d_forward(naive, c.pads, cast<double>(magnitudes(x)).view(), cast<double>(magnitudes(w)).view(),
                          o.absolute_products.view());
  const Guarded<float> dx(backend, x, shift), dw(backend, w, shift), z(backend, c.z(), shift);
  const Workspace workspace(backend, backend.ops.conv2d_workspace({c.x(), c.w(), c.pads}));
  backend.ops.conv2d_forward(workspace, c.pads, dx, dw, z);
  workspace.check();
  CHECK(unequal(dx.read(), x) == "");
  CHECK(unequal(dw.read(), w) == "");
  o.got = z.read();
  return o;
}

Outcome backward_data(Backend& backend, const ConvCase& c, const Tensor<float>& w, const Tensor<float>& dz,
                      bool with_products, int shift) {
  const Context naive;
  const Ops<double> oracle = naive_ops<double>();
  Outcome o{{}, Tensor<double>(c.x()), Tensor<double>(c.x())};
  oracle.conv2d_backward_data(naive, c.pads, cast<double>(w).view(), cast<double>(dz).view(), o.want.view());
  if (with_products)
    oracle.conv2d_backward_data(naive, c.pads, cast<double>(magnitudes(w)).view(), cast<double>(magnitudes(dz)).view(),
                                o.absolute_products.view());
  const Guarded<float> device_w(backend, w, shift), device_dz(backend, dz, shift), dx(backend, c.x(), shift);
  const Workspace workspace(backend, backend.ops.conv2d_workspace({c.x(), c.w(), c.pads}));
  backend.ops.conv2d_backward_data(workspace, c.pads, device_w, device_dz, dx);
  workspace.check();
  CHECK(unequal(device_w.read(), w) == "");
  CHECK(unequal(device_dz.read(), dz) == "");
  o.got = dx.read();
  return o;
}

Outcome backward_filter(Backend& backend, const ConvCase& c, const Tensor<float>& x, const Tensor<float>& dz,
                        bool with_products, int shift) {
  const Context naive;
  const Ops<double> oracle = naive_ops<double>();
  Outcome o{{}, Tensor<double>(c.w()), Tensor<double>(c.w())};
  oracle.conv2d_backward_filter(naive, c.pads, cast<double>(x).view(), cast<double>(dz).view(), o.want.view());
  if (with_products)
    oracle.conv2d_backward_filter(naive, c.pads, cast<double>(magnitudes(x)).view(),
                                  cast<double>(magnitudes(dz)).view(), o.absolute_products.view());
  const Guarded<float> device_x(backend, x, shift), device_dz(backend, dz, shift), dw(backend, c.w(), shift);
  const Workspace workspace(backend, backend.ops.conv2d_workspace({c.x(), c.w(), c.pads}));
  backend.ops.conv2d_backward_filter(workspace, c.pads, device_x, device_dz, dw);
  workspace.check();
  CHECK(unequal(device_x.read(), x) == "");
  CHECK(unequal(device_dz.read(), dz) == "");
  o.got = dw.read();
  return o;
}

using RunOp = Outcome (*)(Backend&, const ConvCase&, const Tensor<float>&, const Tensor<float>&, bool, int);
struct ConvOp {
  RunOp run;
  Shape (ConvCase::*a)() const;  ///< shapes of the two operands
  Shape (ConvCase::*b)() const;
  double (*terms)(const ConvCase&);  ///< K: number of products in one output
};

double forward_terms(const ConvCase& c) { return static_cast<double>(c.in_channels * c.kernel * c.kernel); }
double data_terms(const ConvCase& c) { return static_cast<double>(c.out_channels * c.kernel * c.kernel); }
double filter_terms(const ConvCase& c) { return static_cast<double>(c.z()[1] * c.z()[2] * c.samples); }

constexpr ConvOp kForward{forward, &ConvCase::x, &ConvCase::w, forward_terms};
constexpr ConvOp kBackwardData{backward_data, &ConvCase::w, &ConvCase::z, data_terms};
constexpr ConvOp kBackwardFilter{backward_filter, &ConvCase::x, &ConvCase::z, filter_terms};

void check_all_cases(const ConvOp& op) {
  const std::vector<ConvCase> cases = conv_cases(wants_small_cases(), random_cases(kRandomCases));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const ConvCase& c = cases[i];
    const double terms = op.terms(c);
    Tensor<double> products;  // sums of magnitudes of the reals; the integers are non-zero at the same positions
    for (const Suite suite : {Suite::kReal, Suite::kExact}) {
      INFO("case " << i << (suite == Suite::kExact ? ", integers: " : ", reals: ") << c.text());
      Random random(static_cast<std::uint32_t>(2 * i) + (suite == Suite::kReal));
      const Tensor<float> a = values(random, suite, (c.*op.a)(), terms), b = values(random, suite, (c.*op.b)(), terms);
      const int shift = suite == Suite::kReal ? static_cast<int>(i % 4) : 0;  // exact cases are aligned
      const Outcome o = op.run(executor(), c, a, b, suite == Suite::kReal, shift);
      if (suite == Suite::kReal) products = o.absolute_products;
      if (c.samples > 0) CHECK(too_sparse(o.want, [&](std::int64_t e) { return products[e] > 0; }) == "");
      if (suite == Suite::kExact) {
        CHECK(unequal(o.got, o.want) == "");
      } else {
        CHECK(outside_product_rule(o.got, o.want, products, terms) == "");
      }
    }
  }
}

/// Checks for the same bits with 1, 2 and 3 threads, in every ninth case.
void check_threads(const ConvOp& op) {
  Backend backends[] = {open_executor(1), open_executor(2), open_executor(3)};
  const std::vector<ConvCase> cases = conv_cases(wants_small_cases(), random_cases(kRandomCases));
  for (std::size_t i = 0; i < cases.size(); i += 9) {
    const ConvCase& c = cases[i];
    INFO("case " << i << ": " << c.text());
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<float> a = random.reals<float>((c.*op.a)()), b = random.reals<float>((c.*op.b)());
    const Outcome first = op.run(backends[0], c, a, b, false, 0);
    for (Backend& backend : {std::ref(backends[1]), std::ref(backends[2])}) {
      CHECK(unequal(op.run(backend, c, a, b, false, 0).got, first.got) == "");
    }
  }
}

}  // namespace

TEST_CASE("conv2d_forward agrees with float64 loops", "[conv2d]") { check_all_cases(kForward); }
TEST_CASE("conv2d_backward_data agrees with float64 loops", "[conv2d]") { check_all_cases(kBackwardData); }
TEST_CASE("conv2d_backward_filter agrees with float64 loops", "[conv2d]") { check_all_cases(kBackwardFilter); }

TEST_CASE("convolutions do not depend on the number of threads", "[conv2d][threads]") {
  check_threads(kForward);
  check_threads(kBackwardData);
  check_threads(kBackwardFilter);
}

}  // namespace shcnn::test
