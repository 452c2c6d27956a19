// The TV-L1 solver: compared with plain float64 loops, on a known movement, and for what must not change its bits.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "flow/pyramid_plan.h"
#include "flow/stages.h"
#include "flow_support.h"
#include "kernels/error.h"

namespace shcnn::test {

std::vector<std::string> isas_here() {
  std::vector<std::string> names;
  for (const char* isa : {"generic", "avx2", "avx512"}) {
    try {
      flow::select_stages(isa);
      names.push_back(isa);
    } catch (const Error&) {  // not supported by this machine
    }
  }
  return names;
}

namespace {

using flow::Tvl1Params;

Tvl1Params fixed_iterations(int iterations) {
  Tvl1Params p;
  p.early_stop = false;
  p.scales = 1;
  p.warps = 1;
  p.outer_iterations = 1;
  p.inner_iterations = iterations;
  p.median_filter = 1;
  return p;
}

/// The published iteration in float64, for one level and one warp from u = 0: sums of grad and div by their
/// definitions, the threshold step with its three branches.
std::vector<double> reference(const Tvl1Params& p, const Gray& I0, const Gray& I1) {
  const int w = I0.width, h = I0.height;
  const auto at = [&](const std::vector<double>& plane, int y, int x) {
    return y < 0 || x < 0 || y >= h || x >= w ? 0.0 : plane[static_cast<std::size_t>(y) * w + x];
  };
  const std::size_t n = static_cast<std::size_t>(w) * h;
  std::vector<double> ix(n), iy(n), u[3], px[3], py[3];
  for (int k = 0; k < 3; ++k) u[k].resize(n), px[k].resize(n), py[k].resize(n);
  const auto clamped = [&](int y, int x) { return double{I1.at(std::clamp(y, 0, h - 1), std::clamp(x, 0, w - 1))}; };
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      ix[static_cast<std::size_t>(y) * w + x] = (clamped(y, x + 1) - clamped(y, x - 1)) / 2;
      iy[static_cast<std::size_t>(y) * w + x] = (clamped(y + 1, x) - clamped(y - 1, x)) / 2;
    }
  }
  const double l_t = p.lambda * p.theta;
  for (int iteration = 0; iteration < p.inner_iterations; ++iteration) {
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const std::size_t i = static_cast<std::size_t>(y) * w + x;
        const double rho = I1.pixels[i] - I0.pixels[i] + ix[i] * u[0][i] + iy[i] * u[1][i] + p.gamma * u[2][i];
        const double grad = ix[i] * ix[i] + iy[i] * iy[i];
        double step = 0;
        if (rho < -l_t * grad) {
          step = l_t;
        } else if (rho > l_t * grad) {
          step = -l_t;
        } else if (grad > 1e-7) {
          step = -rho / grad;
        }
        const double direction[3] = {ix[i], iy[i], p.gamma};
        for (int k = 0; k < 3; ++k) {
          const double div = at(px[k], y, x) - at(px[k], y, x - 1) + at(py[k], y, x) - at(py[k], y - 1, x);
          u[k][i] += step * direction[k] + p.theta * div;
        }
      }
    }
    for (int k = 0; k < 3; ++k) {
      for (int y = 0; y < h; ++y) {
        for (int x = 0; x < w; ++x) {
          const std::size_t i = static_cast<std::size_t>(y) * w + x;
          const double dx = x + 1 < w ? at(u[k], y, x + 1) - u[k][i] : 0;
          const double dy = y + 1 < h ? at(u[k], y + 1, x) - u[k][i] : 0;
          const double scale = 1 + p.tau / p.theta * std::sqrt(dx * dx + dy * dy);
          px[k][i] = (px[k][i] + p.tau / p.theta * dx) / scale;
          py[k][i] = (py[k][i] + p.tau / p.theta * dy) / scale;
        }
      }
    }
  }
  std::vector<double> flow(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    flow[2 * i] = u[0][i];
    flow[2 * i + 1] = u[1][i];
  }
  return flow;
}

TEST_CASE("one level is the published iteration", "[flow]") {
  for (const std::string& isa : isas_here()) {
    for (const double gamma : {0.0, 0.3}) {
      for (const auto& [w, h] : {std::pair{37, 23}, {16, 16}, {8, 5}, {1, 9}, {33, 1}, {1, 1}, {2, 2}, {17, 64}}) {
        Tvl1Params p = fixed_iterations(40);
        p.gamma = gamma;
        const Gray I0 = waves(w, h, 1), I1 = waves(w, h, 1, 0.4, -0.3);
        const Flow ours = solve(p, I0, I1, 1, isa);
        const std::vector<double> expected = reference(p, I0, I1);
        double worst = 0;
        for (std::size_t i = 0; i < expected.size(); ++i)
          worst = std::max(worst, std::abs(expected[i] - ours.values[i]));
        INFO(isa << " gamma " << gamma << " " << w << "x" << h);
        CHECK(worst < 2e-5);
      }
    }
  }
}

TEST_CASE("a known movement is found", "[flow]") {
  const double dx = 2.25, dy = -1.5;
  const Flow found = solve(Tvl1Params{}, waves(96, 80, 2), waves(96, 80, 2, dx, dy), 2);
  double sum = 0;
  int count = 0;
  for (int y = 8; y < 72; ++y) {
    for (int x = 8; x < 88; ++x, ++count) sum += std::hypot(found.u1(y, x) - dx, found.u2(y, x) - dy);
  }
  CHECK(sum / count < 0.05);
}

TEST_CASE("instruction sets, thread counts and neighbours in a batch leave every bit as it is", "[flow]") {
  const int w = 61, h = 47;
  Tvl1Params p;
  p.gamma = GENERATE(0.0, 0.1);
  p.warps = 2;  // few warps: on a busy machine seven threads wait long at each barrier
  p.outer_iterations = 2;
  const Gray first = waves(w, h, 3);
  std::vector<Gray> later;
  for (int i = 0; i < 5; ++i) later.push_back(waves(w, h, 3, 0.3 * i, 0.2 * i - 0.5));
  std::vector<Flow> expected;
  for (const Gray& image : later) expected.push_back(solve(p, first, image, 1, "generic"));
  for (const std::string& isa : isas_here()) {
    for (const int threads : {1, 2, 3, 7}) {  // 7 > 5 pairs: the threads share each pair's rows
      ThreadPool pool(threads);
      flow::Tvl1 solver(p, w, h, pool, isa);
      solver.set_first(first.view());
      std::vector<flow::GrayImage> images;
      std::vector<flow::FlowField> fields;
      std::vector<Flow> flows(later.size(), Flow(w, h));
      for (std::size_t i = 0; i < later.size(); ++i) {
        images.push_back(later[i].view());
        fields.push_back(flows[i].view());
      }
      solver.solve(images, fields);
      INFO(isa << ", " << threads << " threads");
      for (std::size_t i = 0; i < later.size(); ++i) CHECK(flows[i].values == expected[i].values);
    }
  }
}

TEST_CASE("byte and float images, strides and scales mean the same", "[flow]") {
  const int w = 40, h = 30, pad = 7;
  const Gray a = waves(w, h, 4), b = waves(w, h, 4, 1.0, 0.5);
  const Flow expected = solve(Tvl1Params{}, a, b, 1);
  std::vector<std::uint8_t> bytes_a(static_cast<std::size_t>(w + pad) * h), bytes_b(bytes_a.size());
  std::vector<float> floats(static_cast<std::size_t>(w + pad) * h, std::numeric_limits<float>::quiet_NaN());
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const std::size_t i = static_cast<std::size_t>(y) * (w + pad) + x;
      bytes_a[i] = static_cast<std::uint8_t>(a.at(y, x));
      bytes_b[i] = static_cast<std::uint8_t>(b.at(y, x));
      floats[i] = b.at(y, x) / 2;
    }
  }
  ThreadPool pool(1);
  flow::Tvl1 solver(Tvl1Params{}, w, h, pool);
  solver.set_first(flow::GrayImage::bytes(bytes_a.data(), w, h, w + pad));
  const flow::GrayImage later[] = {flow::GrayImage::bytes(bytes_b.data(), w, h, w + pad),
                                   flow::GrayImage::floats(floats.data(), w, h, 2.0f, w + pad)};
  std::vector<float> out(2 * 2 * static_cast<std::size_t>(w + pad) * h, -77.0f);
  flow::FlowField fields[2];
  for (int i = 0; i < 2; ++i) fields[i] = {out.data() + i * 2 * (w + pad) * h, w, h, 2 * (w + pad)};
  solver.solve(later, fields);
  for (int i = 0; i < 2; ++i) {
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < 2 * (w + pad); ++x) {
        const float value = fields[i].data[y * fields[i].stride + x];
        if (value != (x < 2 * w ? expected.values[static_cast<std::size_t>(y) * 2 * w + x] : -77.0f)) {
          FAIL("image " << i << " row " << y << " float " << x << ": " << value);
        }
      }
    }
  }
}

TEST_CASE("identical and constant frames give zero flow", "[flow]") {
  const Gray image = waves(50, 40, 5);
  Gray dark(50, 40), bright(50, 40);
  std::fill(bright.pixels.begin(), bright.pixels.end(), 255.0f);
  const auto zero = [](const Flow& flow) {
    return std::all_of(flow.values.begin(), flow.values.end(), [](float v) { return v == 0; });
  };
  for (const double gamma : {0.0, 1.0}) {
    Tvl1Params p;
    p.gamma = gamma;
    CHECK(zero(solve(p, image, image, 2)));
    CHECK(zero(solve(p, dark, bright, 2)));
  }
}

TEST_CASE("any size from one pixel up gives a finite flow", "[flow]") {
  for (const int w : {1, 2, 3, 5, 15, 16, 17, 31, 64}) {
    for (const int h : {1, 2, 3, 16, 33}) {
      for (const int median : {1, 3, 5}) {
        Tvl1Params p;
        p.median_filter = median;
        p.outer_iterations = 2;
        INFO(w << "x" << h << " median " << median);
        CHECK(solve(p, waves(w, h, 6), waves(w, h, 7), 2).finite());
      }
    }
  }
}

TEST_CASE("the early stop stops, and without it every iteration runs", "[flow]") {
  const Gray a = waves(64, 64, 8), b = waves(64, 64, 8, 0.5, 0.5);
  const auto counts = [&](const Tvl1Params& p) {
    ThreadPool pool(1);
    flow::Tvl1 solver(p, 64, 64, pool);
    Flow out(64, 64);
    solver.set_first(a.view());
    const flow::GrayImage image = b.view();
    const flow::FlowField field = out.view();
    return solver.solve({&image, 1}, {&field, 1});
  };
  Tvl1Params p;
  const std::int64_t levels = 5;  // sizes 64, 51, 41, 33, 26
  p.early_stop = false;
  CHECK(counts(p).iterations == levels * 5 * 10 * 30);
  CHECK(counts(p).medians == levels * 5 * 10);
  p.early_stop = true;
  const std::int64_t loose = counts(p).iterations;
  CHECK(loose < levels * 5 * 10 * 30);
  CHECK(loose >= levels * 5);
  p.epsilon = 0.001;
  CHECK(counts(p).iterations > loose);
}

TEST_CASE("an initial flow is where the solver starts", "[flow]") {
  // The movement is too large to be found from zero flow on one level, but is found from a nearby flow.
  const Gray a = waves(72, 72, 9), b = waves(72, 72, 9, 14, 0);
  Tvl1Params p;
  p.scales = 2;
  p.use_initial_flow = true;
  ThreadPool pool(2);
  flow::Tvl1 solver(p, 72, 72, pool);
  solver.set_first(a.view());
  Flow out(72, 72);
  for (std::size_t i = 0; i < out.values.size(); i += 2) out.values[i] = 13.5f;
  const flow::GrayImage image = b.view();
  const flow::FlowField field = out.view();
  solver.solve({&image, 1}, {&field, 1});
  CHECK(out.u1(36, 36) == Approx(14).margin(0.1));
  CHECK(out.u2(36, 36) == Approx(0).margin(0.1));
}

TEST_CASE("what cannot be solved is refused by name", "[flow]") {
  ThreadPool pool(2);
  const Gray image = waves(20, 20, 10);
  const auto kind = [](auto&& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  flow::Tvl1 solver(Tvl1Params{}, 20, 20, pool);
  Flow out(20, 20);
  const flow::FlowField field = out.view();
  const auto solve_one = [&](const flow::GrayImage& later) { solver.solve({&later, 1}, {&field, 1}); };
  CHECK(kind([&] { solve_one(image.view()); }) == ErrorKind::kUsage);  // no first image yet
  solver.set_first(image.view());
  CHECK(kind([&] { solve_one(waves(20, 21, 10).view()); }) == ErrorKind::kBadData);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Gray spoilt = image;
    spoilt.at(7, 3) = bad;
    CHECK(kind([&] { solver.set_first(spoilt.view()); }) == ErrorKind::kBadData);
    CHECK(kind([&] { solve_one(spoilt.view()); }) == ErrorKind::kBadData);
  }
  CHECK_NOTHROW(solve_one(image.view()));
  CHECK(kind([&] { flow::Tvl1 none(Tvl1Params{}, 0, 20, pool); }) == ErrorKind::kBadData);
  CHECK(kind([&] { flow::Tvl1 none(Tvl1Params{}, 20, 20, pool, "sse9"); }) == ErrorKind::kUsage);
  const auto refuses = [&](auto change) {
    Tvl1Params p;
    change(p);
    return kind([&] { flow::Tvl1 none(p, 20, 20, pool); }) == ErrorKind::kUsage;
  };
  CHECK(refuses([](Tvl1Params& p) { p.tau = 0; }));
  CHECK(refuses([](Tvl1Params& p) { p.theta = std::numeric_limits<double>::quiet_NaN(); }));
  CHECK(refuses([](Tvl1Params& p) { p.median_filter = 4; }));
  CHECK(refuses([](Tvl1Params& p) { p.scale_step = 1; }));
  CHECK(refuses([](Tvl1Params& p) { p.scales = 0; }));
}

TEST_CASE("parameters without meaning are refused with their field and its bounds", "[flow]") {
  const auto said = [](double Tvl1Params::*field, double value) -> std::string {
    Tvl1Params p;
    p.*field = value;
    try {
      check(p);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  struct Range {
    const char* name;
    double Tvl1Params::*field;
    double least, most;
  };
  constexpr Range kRanges[] = {
      {"tau", &Tvl1Params::tau, 1e-6, 10},       {"lambda", &Tvl1Params::lambda, 1e-6, 1e4},
      {"theta", &Tvl1Params::theta, 1e-6, 1e4},  {"gamma", &Tvl1Params::gamma, 0, 1e3},
      {"epsilon", &Tvl1Params::epsilon, 0, 1e3}, {"scale_step", &Tvl1Params::scale_step, 0.01, 0.99},
  };
  for (const Range& r : kRanges) {
    CHECK(said(r.field, r.least) == "accepted");
    CHECK(said(r.field, r.most) == "accepted");
    for (const double bad : {-1.0, -1e-300, r.most * 1.01, 1e30, 1e300, std::nan("")}) {
      CAPTURE(r.name, bad);
      CHECK(said(r.field, bad).find(r.name + std::string(" = ")) != std::string::npos);
      CHECK(said(r.field, bad).find(message(", must be ", r.least, " to ", r.most)) != std::string::npos);
    }
  }
}

TEST_CASE("the extremes of every parameter give a flow of finite numbers", "[flow]") {
  ThreadPool pool(2);
  const Gray first = waves(40, 32, 4), later = waves(40, 32, 4, 2.5, -1.5);
  const auto solve_with = [&](auto change) {
    Tvl1Params p;
    p.warps = 2;
    change(p);
    flow::Tvl1 solver(p, 40, 32, pool);
    solver.set_first(first.view());
    Flow out(40, 32);
    const flow::GrayImage to = later.view();
    const flow::FlowField field = out.view();
    solver.solve({&to, 1}, {&field, 1});  // throws if a value is not finite
  };
  for (const double tau : {1e-6, 10.0}) {
    for (const double lambda : {1e-6, 1e4}) {
      for (const double theta : {1e-6, 1e4}) {
        for (const double gamma : {0.0, 1e3}) {
          CAPTURE(tau, lambda, theta, gamma);
          CHECK_NOTHROW(
              solve_with([&](Tvl1Params& p) { p.tau = tau, p.lambda = lambda, p.theta = theta, p.gamma = gamma; }));
        }
      }
    }
  }
}

TEST_CASE("a flow that is no number is an error of its own kind", "[flow]") {
  Flow flow(5, 4);
  CHECK_NOTHROW(flow::check_solved(flow.view(), 0));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const flow::FlowField field = flow.view();
    field.data[2 * field.stride + 2 * 3 + 1] = bad;
    try {
      flow::check_solved(field, 7);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kNonFinite);
      CHECK(std::string(error.what()).find("later image 7 became NaN or infinite at row 2, column 3") !=
            std::string::npos);
    }
  }
}

TEST_CASE("an initial flow with unknown vectors is refused", "[flow]") {
  ThreadPool pool(1);
  Tvl1Params p;
  p.use_initial_flow = true;
  const Gray image = waves(20, 20, 1);
  for (const float bad : {1e10f, -40000.0f, std::numeric_limits<float>::quiet_NaN()}) {
    flow::Tvl1 solver(p, 20, 20, pool);
    solver.set_first(image.view());
    Flow start(20, 20);
    const flow::FlowField field = start.view();
    field.data[3 * field.stride + 2 * 4] = bad;
    const flow::GrayImage to = image.view();
    try {
      solver.solve({&to, 1}, {&field, 1});
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kBadData);
      CHECK(std::string(error.what()).find("row 3, column 4") != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace shcnn::test
