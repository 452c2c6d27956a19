// Convolutions of the executor under test compared with cuDNN: forward, input gradient, filter gradient.
//
// ops.cuda.cudnn runs it on a GPU, where NVIDIA's library is a reference independent of this project's loops.
// cudnn.stand_in runs it on the cpu executor and host memory with a stand-in for the library
// (support/cudnn_stand_in.cpp): this checks the calls, but not cuDNN.
#include <catch2/catch.hpp>

#include "bench/peers/cudnn/cudnn_convolution.h"
#include "cases.h"
#include "models/shcnn.h"
#include "support/compare.h"
#include "support/executor.h"
#include "support/random.h"
#include "support/session.h"

namespace shcnn::test {
namespace {

using bench::Cudnn;
using bench::CudnnChoice;
using bench::Direction;

constexpr int kRandomCases = 100;

Shape shape_of_a(const ConvCase& c, Direction d) { return d == Direction::kBackwardData ? c.w() : c.x(); }
Shape shape_of_b(const ConvCase& c, Direction d) { return d == Direction::kForward ? c.w() : c.z(); }

/// K: number of products in one output.
double terms(const ConvCase& c, Direction d) {
  if (d == Direction::kBackwardFilter) return static_cast<double>(c.z()[1] * c.z()[2] * c.samples);
  return static_cast<double>((d == Direction::kForward ? c.in_channels : c.out_channels) * c.kernel * c.kernel);
}

/// cuDNN pads both sides equally: for other pads, x is passed with its zeros (begin, end) stored around it.
struct Zeros {
  int begin = 0, end = 0, symmetric = 0;
  explicit Zeros(const ConvCase& c) {
    if (c.pads.begin == c.pads.end && c.pads.begin <= c.kernel / 2) {
      symmetric = c.pads.begin;
    } else {
      begin = c.pads.begin;
      end = c.pads.end;
    }
  }
};

/// Index of element (channel, y, x) of sample n in cuDNN's order.
std::int64_t cudnn_index(std::int64_t channels, std::int64_t height, std::int64_t width, bool channels_last,
                         std::int64_t n, std::int64_t channel, std::int64_t y, std::int64_t x) {
  const std::int64_t inner = channels_last ? (y * width + x) * channels + channel : (channel * height + y) * width + x;
  return n * channels * height * width + inner;
}

/// Calls move(i, j) for each element: i is its index in this project's map (C,H,W,N) of `shape`, j in cuDNN's with
/// zeros around it.
template <class Move>
void for_each_cell(const Shape& shape, int begin, int end, bool channels_last, const Move& move) {
  const std::int64_t height = shape[1] + begin + end, width = shape[2] + begin + end;
  std::int64_t i = 0;
  for (std::int64_t c = 0; c < shape[0]; ++c)
    for (std::int64_t y = 0; y < shape[1]; ++y)
      for (std::int64_t x = 0; x < shape[2]; ++x)
        for (std::int64_t n = 0; n < shape[3]; ++n)
          move(i++, cudnn_index(shape[0], height, width, channels_last, n, c, y + begin, x + begin));
}
/// The same for weights: i is the index in this project's (Co,Ci,K,K), j in cuDNN's.
template <class Move>
void for_each_weight(const Shape& shape, bool channels_last, const Move& move) {
  std::int64_t i = 0;
  for (std::int64_t co = 0; co < shape[0]; ++co)
    for (std::int64_t ci = 0; ci < shape[1]; ++ci)
      for (std::int64_t y = 0; y < shape[2]; ++y)
        for (std::int64_t x = 0; x < shape[3]; ++x)
          move(i++, cudnn_index(shape[1], shape[2], shape[3], channels_last, co, ci, y, x));
}

/// One operand or result in cuDNN's layout, on the device.
class CudnnTensor {
 public:
  enum class Kind { kX, kW, kZ };
  CudnnTensor(Device& device, const ConvCase& c, Kind kind, bool channels_last)
      : device_(device),
        kind_(kind),
        shape_(kind == Kind::kX   ? c.x()
               : kind == Kind::kW ? c.w()
                                  : c.z()),
        channels_last_(channels_last) {
    const Zeros zeros(c);
    if (kind == Kind::kX) begin_ = zeros.begin, end_ = zeros.end;
    std::int64_t count = shape_.count();
    if (kind == Kind::kX) count = shape_[0] * shape_[3] * (shape_[1] + begin_ + end_) * (shape_[2] + begin_ + end_);
    host_.resize(static_cast<std::size_t>(count));
    memory_ = DeviceBuffer(device, host_.size() * sizeof(float));
  }
  float* data() const { return static_cast<float*>(memory_.data()); }
  void write(const Tensor<float>& from) {
    for_each([&](std::int64_t ours, std::int64_t theirs) { host_[static_cast<std::size_t>(theirs)] = from[ours]; });
    device_.copy_in(memory_.data(), host_.data(), memory_.bytes());
  }
  Tensor<float> read() {
    device_.copy_out(host_.data(), memory_.data(), memory_.bytes());
    Tensor<float> to(shape_);
    for_each([&](std::int64_t ours, std::int64_t theirs) { to[ours] = host_[static_cast<std::size_t>(theirs)]; });
    return to;
  }

 private:
  template <class Move>
  void for_each(const Move& move) const {
    if (kind_ == Kind::kW) {
      for_each_weight(shape_, channels_last_, move);
    } else {
      for_each_cell(shape_, begin_, end_, channels_last_, move);
    }
  }

  Device& device_;
  Kind kind_;
  Shape shape_;
  bool channels_last_;
  int begin_ = 0, end_ = 0;
  std::vector<float> host_;
  DeviceBuffer memory_;
};

Tensor<float> by_cudnn(Cudnn& cudnn, const ConvCase& c, Direction direction, CudnnChoice choice, bool channels_last,
                       const Tensor<float>& a, const Tensor<float>& b) {
  Device& device = *executor().device;
  CudnnTensor x(device, c, CudnnTensor::Kind::kX, channels_last), w(device, c, CudnnTensor::Kind::kW, channels_last),
      z(device, c, CudnnTensor::Kind::kZ, channels_last);
  CudnnTensor& first = direction == Direction::kBackwardData ? w : x;
  CudnnTensor& second = direction == Direction::kForward ? w : z;
  CudnnTensor& result = direction == Direction::kForward ? z : direction == Direction::kBackwardData ? x : w;
  first.write(a);
  second.write(b);
  const Zeros zeros(c);
  const std::int64_t grow = zeros.begin + zeros.end;
  bench::CudnnConvolution convolution(cudnn, device,
                                      {c.samples, c.in_channels, c.height + grow, c.width + grow, c.out_channels,
                                       c.kernel, zeros.symmetric, channels_last},
                                      direction, choice, first.data(), second.data(), result.data());
  convolution.run();
  return result.read();
}

Tensor<float> by_executor(const ConvCase& c, Direction direction, const Tensor<float>& a, const Tensor<float>& b) {
  Backend& backend = executor();
  const Guarded<float> first(backend, a), second(backend, b);
  const Workspace workspace(backend, backend.ops.conv2d_workspace({c.x(), c.w(), c.pads}));
  const Guarded<float> result(backend, direction == Direction::kForward        ? c.z()
                                       : direction == Direction::kBackwardData ? c.x()
                                                                               : c.w());
  switch (direction) {
    case Direction::kForward:
      backend.ops.conv2d_forward(workspace, c.pads, first, second, result);
      break;
    case Direction::kBackwardData:
      backend.ops.conv2d_backward_data(workspace, c.pads, first, second, result);
      break;
    case Direction::kBackwardFilter:
      backend.ops.conv2d_backward_filter(workspace, c.pads, first, second, result);
      break;
  }
  return result.read();
}

/// Integers whose sums are exact in any order.
Tensor<float> exact_values(Random& random, const Shape& shape, double products) {
  const double largest = std::floor(std::sqrt(16777216.0 / products));
  return random.integers<float>(shape, static_cast<std::int64_t>(std::min(8.0, largest)));
}

void compare(Cudnn& cudnn, const ConvCase& c, Direction direction, std::uint32_t stream, bool channels_last) {
  const double k = terms(c, direction);
  Random random(stream);
  {
    const Tensor<float> a = exact_values(random, shape_of_a(c, direction), k),
                        b = exact_values(random, shape_of_b(c, direction), k);
    const Tensor<float> want = by_cudnn(cudnn, c, direction, CudnnChoice::kExact, channels_last, a, b);
    CHECK(nmse(want, Tensor<float>(want.shape)) > 0);
    CHECK(unequal(by_executor(c, direction, a, b), want) == "");
  }
  const Tensor<float> a = random.reals<float>(shape_of_a(c, direction)),
                      b = random.reals<float>(shape_of_b(c, direction));
  const Tensor<float> want = by_cudnn(cudnn, c, direction, CudnnChoice::kExact, channels_last, a, b);
  const Tensor<float> products =
      by_cudnn(cudnn, c, direction, CudnnChoice::kExact, channels_last, magnitudes(a), magnitudes(b));
  const Tensor<float> got = by_executor(c, direction, a, b);
  // Each of the two results has the error of the rule for sums of products; the sum of magnitudes is itself rounded.
  const double factor = 2.01 * 8 * std::sqrt(k) * kUnitRoundoff;
  CHECK(outside(got, want, [&](std::int64_t i) { return factor * static_cast<double>(products[i]); }) == "");
  if (want.count() >= kFewestForStatistics) {
    CHECK(nmse(got, want) <= 4 * std::max(1e-12, k * kUnitRoundoff * kUnitRoundoff));
  }
}

/// The network's own shapes, for which cuDNN's search is also tested.
std::vector<ConvCase> network_cases() {
  std::vector<ConvCase> cases;
  for (const Variant variant : {Variant::kStatic, Variant::kMicro}) {
    ModelOptions options;
    options.variant = variant;
    for (const ConvStage& s : make_model(options).conv)
      cases.push_back({s.in_channels,
                       s.channels,
                       s.input,
                       s.input,
                       variant == Variant::kStatic ? 10 : 1,
                       s.kernel,
                       {s.pad_begin, s.pad_end}});
  }
  return cases;
}

constexpr Direction kDirections[] = {Direction::kForward, Direction::kBackwardData, Direction::kBackwardFilter};

}  // namespace

TEST_CASE("Convolutions of every shape are cuDNN's plain products", "[cudnn]") {
  Cudnn cudnn(executor().context.stream);
  std::printf("cuDNN %s\n", cudnn.version().c_str());
  const std::vector<ConvCase> cases = conv_cases(wants_small_cases(), kRandomCases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].samples == 0) continue;  // cuDNN does not support empty tensors
    for (const Direction direction : kDirections) {
      INFO("case " << i << ", direction " << static_cast<int>(direction) << ": " << cases[i].text());
      compare(cudnn, cases[i], direction, static_cast<std::uint32_t>(i), false);
    }
  }
}

// Winograd and Fourier transforms have larger rounding errors than sums of products; tf32 would be at 1e-7.
TEST_CASE("At the network's shapes cuDNN's fastest choice agrees too", "[cudnn]") {
  Cudnn cudnn(executor().context.stream);
  for (const ConvCase& c : network_cases()) {
    for (const Direction direction : kDirections) {
      INFO("direction " << static_cast<int>(direction) << ": " << c.text());
      Random random(7);
      const Tensor<float> a = random.reals<float>(shape_of_a(c, direction)),
                          b = random.reals<float>(shape_of_b(c, direction));
      const Tensor<float> want = by_cudnn(cudnn, c, direction, CudnnChoice::kFastest, false, a, b);
      CHECK(nmse(by_executor(c, direction, a, b), want) <= 1e-9);
    }
  }
}

// Hidden: not every cuDNN has a plain float32 convolution for channels-last layouts. Uses the stand-in, whose tf32 mode
// adds 0.25.
TEST_CASE("The calls say where channels are and what may be rounded", "[.][stand_in]") {
  Cudnn cudnn(executor().context.stream);
  const ConvCase cases[] = {{3, 5, 6, 7, 2, 3, {1, 1}}, {2, 3, 6, 5, 4, 5, {0, 2}}};
  for (const ConvCase& c : cases) {
    for (const Direction direction : kDirections) {
      INFO("direction " << static_cast<int>(direction) << ": " << c.text());
      compare(cudnn, c, direction, 3, true);
      const Tensor<float> a(shape_of_a(c, direction), 1), b(shape_of_b(c, direction), 2);
      Tensor<float> want = by_cudnn(cudnn, c, direction, CudnnChoice::kFastest, true, a, b);
      for (float& value : want.data) value += 0.25f;
      CHECK(unequal(by_cudnn(cudnn, c, direction, CudnnChoice::kFastestTf32, true, a, b), want) == "");
    }
  }
}

}  // namespace shcnn::test

int main(int argc, char** argv) {
  using namespace shcnn;
  return test::run_tests(argc, argv, []() -> std::string {
    try {
      const bench::Cudnn cudnn(test::executor().context.stream);
      return "";
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kDevice) return error.what();
      throw;
    }
  });
}
