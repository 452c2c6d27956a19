// Plain loops suffice: a frame is resized once, against about a thousand solver iterations on it.
#include "flow/frame_resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/error.h"

namespace shcnn::flow {
namespace {

constexpr int kWeightBits = 11;  // weights of bytes are multiples of 1/2048
constexpr float kWeightOne = 1 << kWeightBits;

/// Source pixels of one output pixel along one axis.
struct Sample {
  int index0, index1;
  float weight;  ///< of index1
};

/// As in OpenCV, a clamped column reads its pixel once, while a clamped row blends its pixel with itself.
std::vector<Sample> samples(int from, int to, bool columns) {
  const double scale = 1.0 / (static_cast<double>(to) / from);
  std::vector<Sample> axis(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i) {
    const float position = static_cast<float>((i + 0.5) * scale - 0.5);
    const int below = static_cast<int>(std::floor(position));
    const bool inside = below >= 0 && below < from - 1;
    axis[static_cast<std::size_t>(i)] = {std::clamp(below, 0, from - 1), std::clamp(below + 1, 0, from - 1),
                                         inside || !columns ? position - static_cast<float>(below) : 0.0f};
  }
  return axis;
}

int fixed(float weight) { return static_cast<int>(std::lrintf(weight * kWeightOne)); }

}  // namespace

void resize_frame(const GrayImage& frame, std::uint8_t* out, int width, int height) {
  if (frame.is_float || !frame.data || frame.width < 1 || frame.height < 1 || width < 1 || height < 1) {
    throw Error(ErrorKind::kUsage, "resize", "8-bit frames alone, of at least one pixel");
  }
  const auto* from = static_cast<const std::uint8_t*>(frame.data);
  const auto row = [&](int y) { return from + y * frame.stride; };
  if (width == frame.width && height == frame.height) {
    for (int y = 0; y < height; ++y) {
      std::memcpy(out + std::ptrdiff_t{y} * width, row(y), static_cast<std::size_t>(width));
    }
    return;
  }
  if (2 * width == frame.width && 2 * height == frame.height) {
    for (int y = 0; y < height; ++y) {
      const std::uint8_t *above = row(2 * y), *below = row(2 * y + 1);
      for (int x = 0; x < width; ++x) {
        const int sum = above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1];
        out[std::ptrdiff_t{y} * width + x] = static_cast<std::uint8_t>((sum + 2) >> 2);
      }
    }
    return;
  }
  const std::vector<Sample> columns = samples(frame.width, width, true), rows = samples(frame.height, height, false);
  for (int y = 0; y < height; ++y) {
    const Sample& v = rows[static_cast<std::size_t>(y)];
    const std::uint8_t *row0 = row(v.index0), *row1 = row(v.index1);
    const int b0 = fixed(1.0f - v.weight), b1 = fixed(v.weight);
    for (int x = 0; x < width; ++x) {
      const Sample& h = columns[static_cast<std::size_t>(x)];
      const int a0 = fixed(1.0f - h.weight), a1 = fixed(h.weight);
      const int s0 = row0[h.index0] * a0 + row0[h.index1] * a1, s1 = row1[h.index0] * a0 + row1[h.index1] * a1;
      // the 22 bits of the weights are shifted out in two steps, as in OpenCV's 16-bit products
      out[std::ptrdiff_t{y} * width + x] =
          static_cast<std::uint8_t>((((b0 * (s0 >> 4)) >> 16) + ((b1 * (s1 >> 4)) >> 16) + 2) >> 2);
    }
  }
}

void resize_flow(const FlowField& flow, const FlowField& out) {
  const std::vector<Sample> columns = samples(flow.width, out.width, true),
                            rows = samples(flow.height, out.height, false);
  for (int y = 0; y < out.height; ++y) {
    const Sample& v = rows[static_cast<std::size_t>(y)];
    const float *row0 = flow.data + v.index0 * flow.stride, *row1 = flow.data + v.index1 * flow.stride;
    const float b1 = v.weight, b0 = 1.0f - b1;
    float* to = out.data + y * out.stride;
    for (int x = 0; x < out.width; ++x) {
      const Sample& h = columns[static_cast<std::size_t>(x)];
      const float a1 = h.weight, a0 = 1.0f - a1;
      for (int i = 0; i < 2; ++i) {
        const int x0 = 2 * h.index0 + i, x1 = 2 * h.index1 + i;
        to[2 * x + i] = (row0[x0] * a0 + row0[x1] * a1) * b0 + (row1[x0] * a0 + row1[x1] * a1) * b1;
      }
    }
  }
}

}  // namespace shcnn::flow
