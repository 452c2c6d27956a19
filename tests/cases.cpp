#include "cases.h"

#include <algorithm>

#include "models/shcnn.h"
#include "support/random.h"

namespace shcnn::test {
namespace {

// Streams of the random shapes; the tests draw values from other streams.
constexpr std::uint32_t kConvStream = 1u << 30, kPoolStream = kConvStream + 1, kDenseStream = kConvStream + 2,
                        kScoreStream = kConvStream + 3;

// Sizes next to those that kernels use (vectors of 4, 8 and 16, warps of 32, tiles of 64), and primes.
constexpr std::int64_t kAwkward[] = {1,  2,  3,  4,  5,  7,  8,  9,  11, 13, 15, 16,
                                     17, 23, 31, 32, 33, 47, 48, 49, 63, 64, 65};

/// The model's convolutions as cases of `samples` samples.
void add_model(std::vector<ConvCase>& cases, Variant variant, std::int64_t samples) {
  ModelOptions options;
  options.variant = variant;
  for (const ConvStage& s : make_model(options).conv) {
    cases.push_back({s.in_channels, s.channels, s.input, s.input, samples, s.kernel, {s.pad_begin, s.pad_end}});
  }
}

/// A max-pool that stores every pooled cell whose window contains a cell of the map, as the model table does.
PoolCase live_pool(std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t samples, int pad,
                   double slope) {
  const int first = pad / 2;
  return {channels,
          height,
          width,
          samples,
          {pad, first},
          (pad + height - 1) / 2 - first + 1,
          (pad + width - 1) / 2 - first + 1,
          slope};
}

/// A max-pool that stores the whole pooled padded map, including windows that contain only the ring of padding.
PoolCase whole_pool(std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t samples, int pad,
                    double slope) {
  return {channels, height, width, samples, {pad, 0}, (height + 2 * pad + 1) / 2, (width + 2 * pad + 1) / 2, slope};
}

}  // namespace

double ConvCase::flops() const {
  return 2.0 * static_cast<double>(z().count()) * static_cast<double>(in_channels * kernel * kernel);
}

std::string ConvCase::text() const {
  return message("x ", x().str(), " w ", w().str(), " pads ", pads.begin, ",", pads.end, " -> z ", z().str());
}

std::string PoolCase::text() const {
  return message("z ", z().str(), " ring ", pool.pad, " first ", pool.first, " -> ", rows, " x ", columns, " slope ",
                 slope);
}

std::string DenseCase::text() const { return message(inputs, " -> ", outputs, ", ", samples, " samples"); }

std::vector<ConvCase> conv_cases(bool small, int random) {
  std::vector<ConvCase> cases;
  add_model(cases, Variant::kStatic, small ? 1 : 10);
  if (!small) {
    add_model(cases, Variant::kMicro, 1);
  } else {  // the micro variant's sizes and pads, with few channels
    cases.push_back({3, 4, 112, 112, 1, 5, {2, 2}});
    cases.push_back({4, 5, 56, 56, 1, 3, {1, 1}});
    cases.push_back({4, 8, 28, 28, 1, 5, {2, 2}});
  }
  // A small base case with one dimension varied at a time.
  const ConvCase base{3, 5, 9, 7, 4, 3, {1, 1}};
  for (const std::int64_t size : kAwkward) {
    ConvCase c = base;
    c.in_channels = size;
    cases.push_back(c);
    c = base;
    c.out_channels = size;
    cases.push_back(c);
    c = base;
    c.height = size;
    cases.push_back(c);
    c = base;
    c.width = size;
    cases.push_back(c);
    c = base;
    c.samples = size;
    cases.push_back(c);
  }
  // The GPU kernels' tiles for each number of lanes, with copies of 4 and 16 bytes, and depths that are and are not a
  // multiple of the chunk.
  cases.push_back({3, 1, 80, 80, 4, 1, {0, 0}});
  cases.push_back({44, 1, 80, 80, 4, 1, {0, 0}});
  cases.push_back({44, 1, 71, 73, 5, 1, {0, 0}});
  cases.push_back({44, 5, 5, 5, 4, 3, {1, 1}});
  // Every kernel size with every combination of pads, including pads so large that a tap only covers padding.
  for (const int kernel : {1, 3, 5}) {
    for (int begin = 0; begin <= kernel; ++begin) {
      for (int end = 0; end <= kernel; ++end) cases.push_back({2, 3, 6, 5, 3, kernel, {begin, end}});
    }
  }
  // a map of one cell, a map as large as the kernel, an empty batch
  for (const int kernel : {1, 3, 5}) {
    cases.push_back({2, 3, 1, 1, 5, kernel, {kernel / 2, kernel / 2}});
    cases.push_back({2, 3, kernel, kernel, 5, kernel, {0, 0}});
    cases.push_back({2, 3, 8, 8, 0, kernel, {0, 1}});
  }
  Random draw(kConvStream);
  const double cap = small ? kSmallFlopCap : kFlopCap;
  for (int found = 0; found < random;) {
    const int kernel = static_cast<int>(2 * draw.integer(0, 2) + 1);
    ConvCase c{draw.log_integer(1, 96),
               draw.log_integer(1, 96),
               draw.log_integer(1, 130),
               draw.log_integer(1, 130),
               draw.log_integer(1, 257),
               kernel,
               {static_cast<int>(draw.integer(0, kernel - 1)), static_cast<int>(draw.integer(0, kernel - 1))}};
    if (c.z()[1] < 1 || c.z()[2] < 1 || c.flops() > cap) continue;
    cases.push_back(c);
    ++found;
  }
  return cases;
}

std::vector<PoolCase> pool_cases(bool small, int random) {
  constexpr double kSlope = 0.02;
  std::vector<PoolCase> cases;
  for (const Variant variant : {Variant::kStatic, Variant::kMicro}) {
    ModelOptions options;
    options.variant = variant;
    for (const ConvStage& s : make_model(options).conv) {
      const std::int64_t channels = small ? 4 : s.channels, samples = variant == Variant::kStatic ? 7 : 2;
      cases.push_back({channels, s.conv, s.conv, samples, {s.ring, s.first}, s.live, s.live, kSlope});
    }
  }
  for (const std::int64_t size : kAwkward) {
    cases.push_back(live_pool(size, 5, 6, 3, 1, kSlope));
    cases.push_back(live_pool(3, size, 6, 3, 0, kSlope));
    cases.push_back(live_pool(3, 6, size, 3, 2, kSlope));
    cases.push_back(live_pool(3, 5, 6, size, 1, kSlope));
  }
  for (int pad = 0; pad <= 3; ++pad) {
    for (const std::int64_t extent : {1, 2, 3, 4, 5}) {
      cases.push_back(live_pool(2, extent, extent + 1, 5, pad, kSlope));
      cases.push_back(whole_pool(2, extent + 1, extent, 5, pad, kSlope));
    }
  }
  cases.push_back(live_pool(3, 6, 7, 4, 1, 0));       // plain ReLU
  cases.push_back(live_pool(3, 6, 7, 4, 2, 0.15));    // the micro recipe's slope
  cases.push_back(live_pool(3, 6, 7, 0, 1, kSlope));  // an empty batch
  Random draw(kPoolStream);
  const std::int64_t largest = small ? 20'000 : 400'000;  // elements of z
  for (int found = 0; found < random;) {
    const PoolCase c = live_pool(draw.log_integer(1, 96), draw.log_integer(1, 130), draw.log_integer(1, 130),
                                 draw.log_integer(1, 257), static_cast<int>(draw.integer(0, 2)), draw.uniform(0, 0.3));
    if (c.z().count() > largest) continue;
    cases.push_back(c);
    ++found;
  }
  return cases;
}

std::vector<DenseCase> dense_cases(bool small, int random) {
  std::vector<DenseCase> cases;
  const std::int64_t samples = small ? 1 : 5;
  if (!small) {
    cases.push_back({1408, 2048, samples});
    cases.push_back({17248, 2048, 1});
  } else {
    cases.push_back({1408, 64, samples});
    cases.push_back({17248, 8, samples});
  }
  cases.push_back({2048, small ? 128 : 1024, samples});
  for (const std::int64_t classes : {3, 5, 7, 8}) cases.push_back({1024, classes, 100});
  for (const std::int64_t size : kAwkward) {
    cases.push_back({size, 9, 6});
    cases.push_back({10, size, 6});
    cases.push_back({10, 9, size});
  }
  // the GPU kernels' narrow and wide tiles, with copies of 16 bytes of both operands or of one
  cases.push_back({8, 12, 4});
  cases.push_back({8, 12, 103});
  cases.push_back({1, 1, 1});
  cases.push_back({10, 9, 0});
  Random draw(kDenseStream);
  const double cap = small ? kSmallFlopCap : kFlopCap;
  for (int found = 0; found < random;) {
    const DenseCase c{draw.log_integer(1, 4000), draw.log_integer(1, 2100), draw.log_integer(1, 257)};
    if (2.0 * static_cast<double>(c.inputs * c.outputs * c.samples) > cap) continue;
    cases.push_back(c);
    ++found;
  }
  return cases;
}

std::vector<DenseCase> score_cases(int random) {
  std::vector<DenseCase> cases;
  for (const std::int64_t classes : {1, 2, 3, 5, 7, 8, 31, 32, 33}) {
    for (const std::int64_t samples : {0, 1, 2, 7, 8, 9, 31, 32, 33, 100, 257}) cases.push_back({0, classes, samples});
  }
  Random draw(kScoreStream);
  for (int i = 0; i < random; ++i) cases.push_back({0, draw.log_integer(1, 64), draw.log_integer(1, 1000)});
  return cases;
}

}  // namespace shcnn::test
