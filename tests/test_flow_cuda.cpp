// The batch solver of flow/cuda on the executor that --device names, compared with the CPU's solver. Both do the same
// operations in the same order, so flows must be equal on simt. On a GPU, whose approximate reciprocal root may leave
// an error of one ulp, they must agree within 1e-3 px for 99.9 % of pixels and 0.05 px for all.
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "flow/clip_flow.h"
#include "flow/flow_image.h"
#include "flow/tvl1_batch.h"
#include "flow_support.h"
#include "support/executor.h"

namespace shcnn::test {
namespace {

using flow::BatchFlows;
using flow::Tvl1Batch;
using flow::Tvl1Counts;
using flow::Tvl1Params;

Tvl1Params fixed_iterations() {
  Tvl1Params p;
  p.early_stop = false;
  p.warps = 2;
  p.outer_iterations = 2;
  p.inner_iterations = 7;  // two launches: 4 and 3
  return p;
}

/// One clip, solved on the executor under test and on the CPU.
struct Solved {
  std::vector<Flow> flows, expected;
  Tvl1Counts counts, expected_counts;
};

template <class Solver>
Tvl1Counts solve_clip(Solver& solver, const Gray& first, const std::vector<Gray>& later, std::vector<Flow>& flows) {
  std::vector<flow::GrayImage> images;
  std::vector<flow::FlowField> fields;
  for (std::size_t i = 0; i < later.size(); ++i) {
    images.push_back(later[i].view());
    fields.push_back(flows[i].view());
  }
  solver.set_first(first.view());
  return solver.solve(images, fields);
}

Solved solve_both(const Tvl1Params& params, const Gray& first, const std::vector<Gray>& later, int max_pairs,
                  const std::vector<Flow>* initial = nullptr, Backend& backend = executor()) {
  Solved s;
  s.flows = initial ? *initial : std::vector<Flow>(later.size(), Flow(first.width, first.height));
  s.expected = s.flows;
  Tvl1Batch batch(params, first.width, first.height, max_pairs, backend.context,
                  flow::select_batch_stages(options().device));
  s.counts = solve_clip(batch, first, later, s.flows);
  ThreadPool pool(1);
  flow::Tvl1 solver(params, first.width, first.height, pool);
  s.expected_counts = solve_clip(solver, first, later, s.expected);
  return s;
}

void require_close(const std::vector<float>& ours, const std::vector<float>& expected) {
  std::size_t far = 0;
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(ours[i]) - expected[i]);
    if (!(difference <= 1e-3)) ++far;
    if (!(difference <= worst)) worst = difference;
  }
  INFO(far << " of " << expected.size() << " components differ by more than 1e-3 px, the worst by " << worst);
  if (options().device == "simt") {
    CHECK(worst == 0);
  } else {
    CHECK(static_cast<double>(far) <= 1e-3 * static_cast<double>(expected.size()));
    CHECK(worst <= 0.05);
  }
}

void require_close(const Solved& s) {
  for (std::size_t i = 0; i < s.flows.size(); ++i) {
    INFO("pair " << i);
    require_close(s.flows[i].values, s.expected[i].values);
  }
}

std::vector<Gray> moved(int w, int h, std::uint32_t stream, int count) {
  std::vector<Gray> later;
  for (int i = 0; i < count; ++i) later.push_back(waves(w, h, stream, 0.4 * i - 0.3, 0.6 - 0.3 * i));
  return later;
}

TEST_CASE("fixed iterations follow the CPU at every size", "[flow]") {
  for (const double gamma : {0.0, 0.2}) {
    for (const auto& [w, h] : {std::pair{2, 2},
                               {1, 1},
                               {1, 9},
                               {33, 1},
                               {3, 5},
                               {16, 16},
                               {31, 17},
                               {64, 32},
                               {65, 33},
                               {61, 47},
                               {130, 29},
                               {20, 90}}) {
      Tvl1Params p = fixed_iterations();
      p.gamma = gamma;
      INFO(w << " x " << h << ", gamma " << gamma);
      const Solved s = solve_both(p, waves(w, h, 1), moved(w, h, 1, 2), 2);
      require_close(s);
      CHECK(s.counts.iterations == s.expected_counts.iterations);
      CHECK(s.counts.pixel_iterations == s.expected_counts.pixel_iterations);
      CHECK(s.counts.medians == s.expected_counts.medians);
    }
  }
}

TEST_CASE("every parameter means what it means on the CPU", "[flow]") {
  const int w = 45, h = 38;
  const Gray first = waves(w, h, 2);
  const std::vector<Gray> later = moved(w, h, 2, 2);
  const auto check_with = [&](auto change) {
    Tvl1Params p = fixed_iterations();
    change(p);
    require_close(solve_both(p, first, later, 2));
  };
  check_with([](Tvl1Params& p) { p.tau = 0.125; });
  check_with([](Tvl1Params& p) { p.lambda = 0.05; });
  check_with([](Tvl1Params& p) { p.theta = 0.5; });
  check_with([](Tvl1Params& p) { p.scales = 1; });
  check_with([](Tvl1Params& p) { p.scale_step = 0.5; });
  check_with([](Tvl1Params& p) { p.median_filter = 1; });
  check_with([](Tvl1Params& p) { p.median_filter = 3; });
  check_with([](Tvl1Params& p) { p.inner_iterations = 1; });
  check_with([](Tvl1Params& p) { p.inner_iterations = 12; });
}

TEST_CASE("pairs stop where the CPU's stop", "[flow]") {
  const int w = 57, h = 41;
  for (const double gamma : {0.0, 0.1}) {
    // With a large epsilon, pairs stop after a few iterations, anywhere within a launch; with a small one, never.
    for (const double epsilon : {0.3, 0.05, 0.01, 1e-6}) {
      Tvl1Params p;
      p.gamma = gamma;
      p.epsilon = epsilon;
      p.warps = 2;
      p.scales = 3;
      if (epsilon < 1e-3) p.outer_iterations = 2, p.inner_iterations = 6;
      const Gray first = waves(w, h, 3);
      const std::vector<Gray> later = moved(w, h, 3, 4);
      INFO("epsilon " << epsilon << ", gamma " << gamma);
      const Solved s = solve_both(p, first, later, 4);
      CHECK(s.counts.iterations == s.expected_counts.iterations);
      CHECK(s.counts.medians == s.expected_counts.medians);
      CHECK(s.counts.pixel_iterations == s.expected_counts.pixel_iterations);
      require_close(s);
    }
  }
}

TEST_CASE("identical frames have no flow", "[flow]") {
  const int w = 35, h = 50;
  const Gray image = waves(w, h, 4);
  Gray flat(w, h);
  std::fill(flat.pixels.begin(), flat.pixels.end(), 77.0f);
  for (const Gray* first : {&image, static_cast<const Gray*>(&flat)}) {
    const Solved s = solve_both(Tvl1Params{}, *first, {*first}, 1);
    for (const float v : s.flows[0].values) REQUIRE(v == 0.0f);
    CHECK(s.counts.iterations == s.expected_counts.iterations);
  }
}

TEST_CASE("a batch's size and neighbours leave a pair's bits as they are", "[flow]") {
  const int w = 40, h = 33;
  Tvl1Params p;
  p.scales = 2;
  p.epsilon = 0.05;
  const Gray first = waves(w, h, 5);
  const std::vector<Gray> later = moved(w, h, 5, 5);
  const Solved all = solve_both(p, first, later, 5), by_two = solve_both(p, first, later, 2);
  for (std::size_t i = 0; i < later.size(); ++i) CHECK(all.flows[i].values == by_two.flows[i].values);
  require_close(all);
}

TEST_CASE("an initial flow is taken up", "[flow]") {
  const int w = 44, h = 36;
  Tvl1Params p = fixed_iterations();
  p.use_initial_flow = true;
  // Step 0.99: levels of equal size; 0.5: sizes with columns left over when four at a time are halved.
  for (const auto& [scales, step] : {std::pair{1, 0.8}, {3, 0.8}, {3, 0.99}, {2, 0.5}}) {
    INFO(scales << " scales, step " << step);
    p.scales = scales;
    p.scale_step = step;
    std::vector<Flow> initial(2, Flow(w, h));
    Random random(6);
    for (Flow& flow : initial) {
      for (float& v : flow.values) v = static_cast<float>(random.uniform(-2, 2));
    }
    require_close(solve_both(p, waves(w, h, 6), moved(w, h, 6, 2), 2, &initial));
  }
}

TEST_CASE("byte and float images, strides and scales", "[flow]") {
  const int w = 37, h = 22, pad = 5;
  const Gray a = waves(w, h, 7), b = waves(w, h, 7, 1.0, 0.5);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(w + pad) * h);
  std::vector<float> halves(bytes.size(), std::numeric_limits<float>::quiet_NaN());
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      bytes[static_cast<std::size_t>(y) * (w + pad) + x] = static_cast<std::uint8_t>(a.at(y, x));
      halves[static_cast<std::size_t>(y) * (w + pad) + x] = b.at(y, x) / 2;
    }
  }
  Tvl1Batch batch(fixed_iterations(), w, h, 2, executor().context, flow::select_batch_stages(options().device));
  batch.set_first(flow::GrayImage::bytes(bytes.data(), w, h, w + pad));
  const flow::GrayImage later[] = {flow::GrayImage::floats(halves.data(), w, h, 2.0f, w + pad),
                                   flow::GrayImage::bytes(bytes.data(), w, h, w + pad)};
  Flow dense(w, h);
  std::vector<float> padded(2 * static_cast<std::size_t>(w + pad) * h, -7.0f);
  const flow::FlowField fields[] = {{padded.data(), w, h, 2 * (w + pad)}, dense.view()};
  batch.solve(later, fields);
  const Flow expected = solve(fixed_iterations(), a, b, 1);
  std::vector<float> got;
  for (int y = 0; y < h; ++y) {
    const float* row = padded.data() + 2 * static_cast<std::ptrdiff_t>(y) * (w + pad);
    got.insert(got.end(), row, row + 2 * w);
    for (int x = 2 * w; x < 2 * (w + pad); ++x) REQUIRE(row[x] == -7.0f);
  }
  require_close(got, expected.values);
  for (const float v : dense.values) REQUIRE(v == 0.0f);
}

TEST_CASE("flow images are made on the device", "[flow]") {
  Device& device = *executor().device;
  const flow::BatchStages& stages = flow::select_batch_stages(options().device);
  const int pairs = 3;
  for (const auto& [w, h] : {std::pair{70, 45}, {9, 11}}) {
    Tvl1Params p = fixed_iterations();
    p.warps = 1;
    Tvl1Batch batch(p, w, h, pairs, executor().context, stages);
    const Gray first = waves(w, h, 8);
    std::vector<Gray> later = moved(w, h, 8, pairs - 1);
    later.push_back(first);  // no motion: a black image
    std::vector<flow::GrayImage> views;
    for (const Gray& image : later) views.push_back(image.view());
    batch.set_first(first.view());
    const BatchFlows flows = batch.solve_on_device(views);
    std::vector<Flow> on_host(pairs, Flow(w, h));
    for (int i = 0; i < pairs; ++i) {
      device.copy_out(on_host[static_cast<std::size_t>(i)].values.data(), flows.data + std::ptrdiff_t{i} * 2 * w * h,
                      2 * sizeof(float) * static_cast<std::size_t>(w * h));
    }
    Guarded<std::uint8_t> parts(executor(),
                                Shape(pairs * flow::kRangeParts * static_cast<int>(sizeof(flow::FlowRange))));
    auto* ranges = reinterpret_cast<flow::FlowRange*>(parts.data());
    for (const flow::FlowColors colors : {flow::FlowColors::kHsv, flow::FlowColors::kHsi}) {
      for (const double full_scale : {0.0, 1.5}) {
        for (const int border : {0, 3}) {
          const flow::FlowImageOptions image_options{colors, full_scale, border};
          const int iw = w - 2 * border, ih = h - 2 * border;
          Guarded<std::uint8_t> images(executor(), Shape(pairs, ih, iw, 3));
          if (full_scale == 0) stages.flow_range(executor().context, flows, ranges);
          stages.flow_image(executor().context, flows, image_options, ranges, images.data());
          const Tensor<std::uint8_t> got = images.read();
          for (int i = 0; i < pairs; ++i) {
            std::vector<std::uint8_t> expected(3 * static_cast<std::size_t>(iw) * ih);
            flow::flow_image(on_host[static_cast<std::size_t>(i)].view(), image_options,
                             flow::RgbImage::dense(expected.data(), iw, ih));
            int worst = 0;
            for (std::size_t k = 0; k < expected.size(); ++k) {
              worst = std::max(worst, std::abs(got[static_cast<std::int64_t>(i * expected.size() + k)] - expected[k]));
            }
            INFO(w << " x " << h << ", scale " << full_scale << ", border " << border << ", pair " << i);
            CHECK(worst == 0);
            if (i == pairs - 1) CHECK(std::all_of(expected.begin(), expected.end(), [](int v) { return v == 0; }));
          }
        }
      }
    }
  }
}

TEST_CASE("clips give the CPU's flows and images", "[flow]") {
  const int w = 50, h = 34, pairs = 3;
  std::vector<std::vector<std::uint8_t>> frames;
  std::vector<flow::GrayImage> views;
  for (const Gray& image : moved(w, h, 11, pairs + 1)) {
    frames.emplace_back(image.pixels.begin(), image.pixels.end());
    views.push_back(flow::GrayImage::bytes(frames.back().data(), w, h));
  }
  for (const flow::FlowOrder order :
       {flow::FlowOrder::kResizeThenFlow, flow::FlowOrder::kFlowThenResize, flow::FlowOrder::kAsIs}) {
    for (const bool initial : {false, true}) {
      flow::ClipFlowOptions clip;
      clip.tvl1 = fixed_iterations();
      clip.tvl1.warps = 1;
      clip.order = order;
      clip.side = 32;
      clip.border = 3;
      clip.tvl1.use_initial_flow = initial;
      if (initial && order != flow::FlowOrder::kAsIs) continue;
      const flow::ClipSize size = flow::output_size(clip, {w, h});
      const std::size_t area = static_cast<std::size_t>(size.width) * size.height;
      const auto run = [&](const std::string& device, std::vector<float>& flows, std::vector<std::uint8_t>& images) {
        flows.assign(2 * pairs * area, 0.5f);
        images.assign(3 * pairs * area, 0);
        BackendOptions backend;
        backend.threads = options().threads;
        const auto solver = flow::make_clip_flow(device, backend, clip, {w, h});
        solver->set_first(views[0]);
        solver->solve(std::span(views).subspan(1), {flows.data(), images.data()});
      };
      std::vector<float> flows, expected_flows;
      std::vector<std::uint8_t> images, expected_images;
      run(options().device, flows, images);
      run("cpu", expected_flows, expected_images);
      INFO("order " << static_cast<int>(order) << ", initial flow " << initial);
      require_close(flows, expected_flows);
      std::size_t different = 0;
      for (std::size_t i = 0; i < images.size(); ++i) {
        different += std::abs(images[i] - expected_images[i]) > (options().device == "simt" ? 0 : 2);
      }
      CHECK(different <= images.size() / 100);
      if (options().device == "simt") CHECK(different == 0);
    }
  }
}

TEST_CASE("bad input is refused", "[flow]") {
  const auto stages = []() -> const flow::BatchStages& { return flow::select_batch_stages(options().device); };
  const Context& context = executor().context;
  const auto kind_of = [](auto action) {
    try {
      action();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  CHECK(kind_of([&] { Tvl1Batch(Tvl1Params{}, 8, 8, 0, context, stages()); }) == ErrorKind::kUsage);
  CHECK(kind_of([&] { Tvl1Batch(Tvl1Params{}, 0, 8, 1, context, stages()); }) == ErrorKind::kBadData);
  CHECK(kind_of([&] { flow::select_batch_stages("gpu"); }) == ErrorKind::kUsage);
  Gray image = waves(8, 8, 9);
  const Gray wide = waves(9, 8, 9);
  Tvl1Batch batch(Tvl1Params{}, 8, 8, 1, context, stages());
  const flow::GrayImage good = image.view(), wrong = wide.view();
  CHECK(kind_of([&] { batch.solve_on_device({&good, 1}); }) == ErrorKind::kUsage);  // before set_first
  CHECK(kind_of([&] { batch.set_first(wrong); }) == ErrorKind::kBadData);
  batch.set_first(good);
  CHECK(kind_of([&] { batch.solve_on_device({&wrong, 1}); }) == ErrorKind::kBadData);
  const flow::GrayImage two[] = {good, good};
  CHECK(kind_of([&] { batch.solve_on_device(two); }) == ErrorKind::kUsage);
  image.at(3, 3) = std::numeric_limits<float>::quiet_NaN();
  CHECK(kind_of([&] { batch.solve_on_device({&good, 1}); }) == ErrorKind::kBadData);
}

TEST_CASE("orders of threads and numbers of host threads leave every bit as it is", "[flow][simt]") {
  if (options().device != "simt") return;
  const int w = 67, h = 35;
  for (const double gamma : {0.0, 0.2}) {
    Tvl1Params p;
    p.gamma = gamma;
    p.scales = 2;
    p.warps = 1;
    p.epsilon = 0.05;
    for (const std::uint64_t order : {0, 1, 7}) {
      for (const int threads : {1, 2}) {
        BackendOptions simt;
        simt.threads = threads;
        simt.fiber_order = order;
        Backend backend = make_backend("simt", simt);
        INFO("order " << order << ", " << threads << " threads");
        require_close(solve_both(p, waves(w, h, 10), moved(w, h, 10, 2), 2, nullptr, backend));
      }
    }
  }
}

}  // namespace
}  // namespace shcnn::test
