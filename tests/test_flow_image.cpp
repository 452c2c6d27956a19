// Flow images compared with plain double arithmetic, and ClipFlow compared with its parts, on every instruction set of
// this machine.
#include <array>
#include <catch2/catch.hpp>
#include <limits>
#include <numeric>

#include "flow/clip_flow.h"
#include "flow/frame_resize.h"
#include "flow/stages.h"
#include "flow_support.h"
#include "kernels/backend.h"
#include "kernels/error.h"

namespace shcnn::test {
namespace {

using flow::ClipFlowOptions;
using flow::FlowColors;
using flow::FlowImageOptions;
using flow::FlowOrder;

using Bytes = std::vector<std::uint8_t>;

Bytes image_of(Flow& flow, const FlowImageOptions& options) {
  const int w = flow.width - 2 * options.border, h = flow.height - 2 * options.border;
  Bytes image(3 * static_cast<std::size_t>(w) * h);
  flow_image(flow.view(), options, flow::RgbImage::dense(image.data(), w, h));
  return image;
}

Flow random_flow(int w, int h, std::uint32_t stream) {
  Random random(stream);
  Flow flow(w, h);
  for (float& v : flow.values) v = static_cast<float>(random.uniform(-3, 3));
  return flow;
}

ErrorKind kind(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kInternal;
}

TEST_CASE("the angle is atan2's within 0.02 degrees, in every direction", "[flow]") {
  double worst = 0;
  for (int i = 0; i < 100000; ++i) {
    const double angle = i * 6.283185307179586 / 100000, length = std::exp(std::sin(0.37 * i) * 5);
    const auto x = static_cast<float>(length * std::cos(angle)), y = static_cast<float>(length * std::sin(angle));
    double expected = std::atan2(static_cast<double>(y), static_cast<double>(x)) * 57.29577951308232;
    if (expected < 0) expected += 360;
    const double difference = std::abs(flow::flow_angle(x, y) - expected);
    worst = std::max(worst, std::min(difference, 360 - difference));
  }
  CHECK(worst < 0.02);
  CHECK(flow::flow_angle(0, 0) == 0);
}

TEST_CASE("directions have their colours: right red, down chartreuse, left cyan, up violet", "[flow]") {
  // hue 0, 90, 180, 270 degrees at full intensity
  Flow flow(4, 1);
  flow.values = {2, 0, 0, 2, -2, 0, 0, -2};
  const Bytes image = image_of(flow, {FlowColors::kHsv, 2.0, 0});
  CHECK(image == Bytes{255, 0, 0, 127, 255, 0, 0, 255, 255, 128, 0, 255});
}

TEST_CASE("HSI: hue and intensity come back from R, G, B", "[flow]") {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const double angle = random.uniform(0, 360), intensity = random.uniform(0, 255);
    const auto x = static_cast<float>(std::cos(angle / 57.29577951308232)),
               y = static_cast<float>(std::sin(angle / 57.29577951308232));
    const flow::Rgb rgb = flow::flow_color(x, y, FlowColors::kHsi, {static_cast<float>(intensity), 0}, 0, 1);
    // the textbook formula for each sector, in double
    const int sector = static_cast<int>(angle / 120);
    const double h = (angle - 120 * sector) / 57.29577951308232;
    const double own = intensity * (1 + std::cos(h) / std::cos(1.0471975511965976 - h)), next = 3 * intensity - own;
    const std::array<double, 3> expected = {sector == 0   ? own
                                            : sector == 2 ? next
                                                          : 0,
                                            sector == 1   ? own
                                            : sector == 0 ? next
                                                          : 0,
                                            sector == 2   ? own
                                            : sector == 1 ? next
                                                          : 0};
    const std::array<int, 3> found = {rgb.r, rgb.g, rgb.b};
    for (std::size_t c = 0; c < 3; ++c) {
      INFO("angle " << angle << " intensity " << intensity << " channel " << c);
      CHECK(std::abs(found[c] - std::min(expected[c], 255.0)) <= 0.501);
    }
  }
}

TEST_CASE("the stretch runs from the shortest vector to the longest, the fixed scale from zero", "[flow]") {
  Flow flow(5, 1);
  flow.values = {1, 0, 2, 0, 3, 0, 4, 0, 5, 0};
  const auto reds = [&](double full_scale) {
    const Bytes image = image_of(flow, {FlowColors::kHsv, full_scale, 0});
    return std::vector<int>{image[0], image[3], image[6], image[9], image[12]};
  };
  CHECK(reds(0) == std::vector<int>{0, 63, 127, 191, 255});
  CHECK(reds(4) == std::vector<int>{63, 127, 191, 255, 255});
  CHECK(reds(10) == std::vector<int>{25, 51, 76, 102, 127});
}

TEST_CASE("zero flow is black, and so is a stretched image whose vectors are all equally long", "[flow]") {
  Flow still(7, 5), even(7, 5);
  for (std::size_t i = 0; i < even.values.size(); i += 2) even.values[i] = 1.5f;
  for (const FlowColors colors : {FlowColors::kHsv, FlowColors::kHsi}) {
    for (const double full_scale : {0.0, 3.0}) CHECK(image_of(still, {colors, full_scale, 0}) == Bytes(3 * 35, 0));
    CHECK(image_of(even, {colors, 0.0, 0}) == Bytes(3 * 35, 0));
  }
  CHECK(image_of(even, {FlowColors::kHsv, 3.0, 0}) != Bytes(3 * 35, 0));
}

TEST_CASE("the border is cut after the stretch has seen it", "[flow]") {
  const int w = 40, h = 31, border = 4;
  Flow flow = random_flow(w, h, 4);
  flow.values[0] = 50;  // in the border: determines the range of the contrast stretch
  const Bytes whole = image_of(flow, {FlowColors::kHsv, 0.0, 0}), cut = image_of(flow, {FlowColors::kHsv, 0.0, border});
  const int cut_w = w - 2 * border;
  for (int y = 0; y < h - 2 * border; ++y) {
    for (int i = 0; i < 3 * cut_w; ++i) {
      REQUIRE(cut[static_cast<std::size_t>(3 * y * cut_w + i)] ==
              whole[static_cast<std::size_t>(3 * ((y + border) * w + border) + i)]);
    }
  }
}

TEST_CASE("every instruction set gives the same image", "[flow]") {
  Flow flow = random_flow(53, 29, 5);
  for (const FlowColors colors : {FlowColors::kHsv, FlowColors::kHsi}) {
    std::vector<Bytes> images;
    for (const std::string& isa : isas_here()) {
      const flow::Stages& stages = flow::select_stages(isa);
      flow::FlowRange range{1e30f, 0};
      CHECK(stages.flow_range(flow.view(), {0, 13}, range));
      CHECK(stages.flow_range(flow.view(), {13, 29}, range));
      const FlowImageOptions o{colors, 0, 0};
      Bytes image(3 * 53 * 29);
      const flow::RgbImage to = flow::RgbImage::dense(image.data(), 53, 29);
      stages.flow_image(flow.view(), o, intensity_scale(o, range), to, {7, 29});
      stages.flow_image(flow.view(), o, intensity_scale(o, range), to, {0, 7});
      images.push_back(image);
    }
    for (const Bytes& image : images) CHECK(image == images[0]);
  }
}

TEST_CASE("flow images refuse what they cannot draw", "[flow]") {
  Flow flow = random_flow(9, 9, 6);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38f}) {
    Flow spoilt = flow;
    spoilt.values[31] = bad;
    CHECK(kind([&] { image_of(spoilt, {}); }) == ErrorKind::kBadData);
    CHECK(kind([&] { flow::flow_range(spoilt.view()); }) == ErrorKind::kBadData);
  }
  CHECK(kind([&] { image_of(flow, {FlowColors::kHsv, -1, 0}); }) == ErrorKind::kUsage);
  CHECK(kind([&] {
          image_of(flow, {FlowColors::kHsv, std::numeric_limits<double>::quiet_NaN(), 0});
        }) == ErrorKind::kUsage);
  Bytes image(3 * 81);
  CHECK(kind([&] { flow_image(flow.view(), {}, flow::RgbImage::dense(image.data(), 8, 9)); }) == ErrorKind::kUsage);
  CHECK(kind([&] {
          flow_image(flow.view(), {FlowColors::kHsv, 0, -1}, flow::RgbImage::dense(image.data(), 11, 11));
        }) == ErrorKind::kUsage);
}

/// Byte frames of a moving texture.
struct Clip {
  int width, height;
  std::vector<Bytes> frames;
  Clip(int w, int h, int count, std::uint32_t stream) : width(w), height(h) {
    for (int i = 0; i < count; ++i) {
      const Gray gray = waves(w, h, stream, 0.4 * i, 0.3 * i);
      Bytes& frame = frames.emplace_back();
      for (const float v : gray.pixels) frame.push_back(static_cast<std::uint8_t>(v));
    }
  }
  flow::GrayImage view(std::size_t i) const { return flow::GrayImage::bytes(frames[i].data(), width, height); }
  std::vector<flow::GrayImage> later() const {
    std::vector<flow::GrayImage> views;
    for (std::size_t i = 1; i < frames.size(); ++i) views.push_back(view(i));
    return views;
  }
};

struct Result {
  std::vector<float> flows;
  Bytes images;
  bool operator==(const Result&) const = default;
};

Result solve(const ClipFlowOptions& options, const Clip& clip, int threads, const std::string& isa) {
  ThreadPool pool(threads);
  const auto solver = flow::cpu_clip_flow(options, {clip.width, clip.height}, pool, isa);
  const flow::ClipSize out = output_size(options, {clip.width, clip.height});
  const std::size_t pixels = (clip.frames.size() - 1) * static_cast<std::size_t>(out.width) * out.height;
  Result result{std::vector<float>(2 * pixels), Bytes(3 * pixels)};
  solver->set_first(clip.view(0));
  solver->solve(clip.later(), {result.flows.data(), result.images.data()});
  return result;
}

ClipFlowOptions quick(FlowOrder order) {
  ClipFlowOptions o;
  o.order = order;
  o.tvl1.warps = 1;
  o.tvl1.outer_iterations = 1;
  o.side = 24;
  return o;
}

TEST_CASE("a clip's flows and images are those of its pairs, for any threads, batch and order", "[flow]") {
  const Clip clip(40, 36, 10, 7);  // 9 pairs: two threads share the last one
  for (const FlowOrder order : {FlowOrder::kResizeThenFlow, FlowOrder::kFlowThenResize, FlowOrder::kAsIs}) {
    const ClipFlowOptions o = quick(order);
    const Result expected = solve(o, clip, 1, "generic");
    // each pair separately, from the component functions
    const flow::ClipSize solved = solved_size(o, {40, 36}), out = output_size(o, {40, 36});
    ThreadPool pool(1);
    flow::Tvl1 tvl1(o.tvl1, solved.width, solved.height, pool);
    std::vector<Bytes> frames;
    for (std::size_t i = 0; i < clip.frames.size(); ++i) {
      Bytes frame(static_cast<std::size_t>(solved.width) * solved.height);
      flow::resize_frame(clip.view(i), frame.data(), solved.width, solved.height);
      frames.push_back(frame);
    }
    tvl1.set_first(flow::GrayImage::bytes(frames[0].data(), solved.width, solved.height));
    for (std::size_t i = 1; i < frames.size(); ++i) {
      Flow flow(solved.width, solved.height);
      const flow::GrayImage later = flow::GrayImage::bytes(frames[i].data(), solved.width, solved.height);
      const flow::FlowField field = flow.view();
      tvl1.solve({&later, 1}, {&field, 1});
      const int border = order == FlowOrder::kResizeThenFlow ? o.border : 0;
      if (order == FlowOrder::kFlowThenResize) {
        Flow resized(out.width, out.height);
        flow::resize_flow(flow.view(), resized.view());
        flow = resized;
      }
      const Bytes image = image_of(flow, {o.colors, o.full_scale, border});
      CHECK(std::equal(image.begin(), image.end(),
                       expected.images.begin() + static_cast<std::ptrdiff_t>((i - 1) * image.size())));
      for (int y = 0; y < out.height; ++y) {
        for (int x = 0; x < out.width; ++x) {
          const std::size_t at = 2 * (((i - 1) * out.height + y) * out.width + x);
          REQUIRE(expected.flows[at] == static_cast<float>(flow.u1(y + border, x + border)));
          REQUIRE(expected.flows[at + 1] == static_cast<float>(flow.u2(y + border, x + border)));
        }
      }
    }
    for (const std::string& isa : isas_here()) {
      for (const int threads : {1, 2, 3}) CHECK(solve(o, clip, threads, isa) == expected);
    }
  }
}

TEST_CASE("a clip of identical frames is black, and its flow zero", "[flow]") {
  Clip clip(50, 50, 3, 8);
  clip.frames[1] = clip.frames[2] = clip.frames[0];
  for (const FlowOrder order : {FlowOrder::kResizeThenFlow, FlowOrder::kFlowThenResize, FlowOrder::kAsIs}) {
    const Result result = solve(quick(order), clip, 2, "");
    CHECK(std::all_of(result.flows.begin(), result.flows.end(), [](float v) { return v == 0; }));
    CHECK(std::all_of(result.images.begin(), result.images.end(), [](std::uint8_t v) { return v == 0; }));
  }
}

TEST_CASE("frames of one pixel's width, one pixel, and constant frames have images", "[flow]") {
  for (const auto& [w, h] : {std::pair{1, 40}, {40, 1}, {1, 1}, {2, 2}}) {
    const Clip clip(w, h, 2, 9);
    for (const FlowOrder order : {FlowOrder::kResizeThenFlow, FlowOrder::kFlowThenResize, FlowOrder::kAsIs}) {
      const Result result = solve(quick(order), clip, 2, "");
      INFO(w << "x" << h << " order " << static_cast<int>(order));
      CHECK(std::all_of(result.flows.begin(), result.flows.end(), [](float v) { return std::isfinite(v); }));
    }
  }
  Clip constant(30, 30, 2, 10);
  std::fill(constant.frames[0].begin(), constant.frames[0].end(), std::uint8_t{10});
  std::fill(constant.frames[1].begin(), constant.frames[1].end(), std::uint8_t{200});
  const Result result = solve(quick(FlowOrder::kAsIs), constant, 1, "");
  CHECK(std::all_of(result.images.begin(), result.images.end(), [](std::uint8_t v) { return v == 0; }));
}

TEST_CASE("a clip refuses frames that do not fit, and options that make no sense", "[flow]") {
  ThreadPool pool(1);
  const Clip clip(30, 20, 2, 11), other(30, 21, 2, 11);
  const auto solver = flow::cpu_clip_flow(quick(FlowOrder::kAsIs), {30, 20}, pool);
  std::vector<float> flows(2 * 30 * 20);
  const flow::ClipFlowOutput out{flows.data(), nullptr};
  const std::vector<flow::GrayImage> later = clip.later(), wrong = other.later();
  CHECK(kind([&] { solver->solve(later, out); }) == ErrorKind::kUsage);  // no first frame
  CHECK(kind([&] { solver->set_first(other.view(0)); }) == ErrorKind::kBadData);
  solver->set_first(clip.view(0));
  CHECK(kind([&] { solver->solve(wrong, out); }) == ErrorKind::kBadData);
  const std::vector<float> pixels(30 * 20);
  const flow::GrayImage floats = flow::GrayImage::floats(pixels.data(), 30, 20, 255);
  CHECK(kind([&] { solver->solve({&floats, 1}, out); }) == ErrorKind::kUsage);
  solver->solve(later, out);
  const auto refuses = [&](auto change) {
    ClipFlowOptions o;
    change(o);
    return kind([&] { flow::cpu_clip_flow(o, {30, 20}, pool); }) == ErrorKind::kUsage;
  };
  CHECK(refuses([](ClipFlowOptions& o) { o.side = 0; }));
  CHECK(refuses([](ClipFlowOptions& o) { o.border = -1; }));
  for (const double bad : {-2.0, 1e-300, 1e-5, 1e7, 1e300, std::nan("")}) {
    CAPTURE(bad);
    CHECK(refuses([&](ClipFlowOptions& o) { o.full_scale = bad; }));
  }
  for (const double good : {0.0, 1e-4, 1e6}) {
    CAPTURE(good);
    CHECK_FALSE(refuses([&](ClipFlowOptions& o) { o.full_scale = good; }));
  }
  CHECK(refuses([](ClipFlowOptions& o) { o.tvl1.tau = 0; }));
  const auto make = [&](const std::string& device) {
    return kind([&] { flow::make_clip_flow(device, BackendOptions{}, ClipFlowOptions{}, {30, 20}); });
  };
  CHECK(make("tpu") == ErrorKind::kUsage);
  ClipFlowOptions as_is;
  as_is.order = FlowOrder::kAsIs;
  CHECK(kind([&] { flow::make_clip_flow("cpu", BackendOptions{}, as_is, {0, 20}); }) == ErrorKind::kBadData);
}

}  // namespace
}  // namespace shcnn::test
