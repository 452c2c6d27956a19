// Geometry shared by the convolution kernels (conv2d.cu, conv2d_filter.cu).
#pragma once

#include <algorithm>

#include "kernels/cuda/ops.h"
#include "kernels/math/fast_divisor.h"

namespace shcnn::SHCNN_EXECUTOR {

/// Number of multiprocessors that tile choices are made for: that of an H100. A constant, so that the order of sums is
/// the same on every GPU.
inline constexpr int kMultiprocessors = 132;

/// One stride-1 correlation of x (channels, height, width, samples) -> y (out_channels, out_height, out_width,
/// samples).
struct Correlation {
  const float* x;
  float* y;
  int channels, height, width, samples;
  int out_channels, out_width;
  int lanes;  ///< out_height * out_width * samples
  int plane;  ///< height * width * samples
  int kernel, pad;
  FastDivisor by_samples, by_out_width, by_channels;
};

/// Geometry of x (Ci,H,W,N) * w (Co,Ci,K,K) -> z (Co,Ho,Wo,N); the caller sets the pointers. Throws Error(kUsage) if
/// indices do not fit in 31 bits.
inline Correlation make_correlation(const char* op, const Shape& x, const Shape& z, std::int64_t kernel,
                                    std::int64_t pad) {
  constexpr std::int64_t kMost = 0x7fffffff - 4096;  // the last tile extends beyond the last lane
  if (x.count() > kMost || z.count() > kMost) {
    throw Error(
        ErrorKind::kUsage, op,
        message("maps ", x.str(), " and ", z.str(), " need indices of more than 31 bits; ", "use a smaller batch"));
  }
  Correlation p{};
  p.channels = static_cast<int>(x[0]);
  p.height = static_cast<int>(x[1]);
  p.width = static_cast<int>(x[2]);
  p.samples = static_cast<int>(x[3]);
  p.out_channels = static_cast<int>(z[0]);
  p.out_width = static_cast<int>(z[2]);
  p.lanes = static_cast<int>(z[1] * z[2] * z[3]);
  p.plane = static_cast<int>(x[1] * x[2] * x[3]);
  p.kernel = static_cast<int>(kernel);
  p.pad = static_cast<int>(pad);
  p.by_samples = FastDivisor(std::max<std::int64_t>(1, x[3]));
  p.by_out_width = FastDivisor(std::max<std::int64_t>(1, z[2]));
  p.by_channels = FastDivisor(std::max<std::int64_t>(1, x[0]));
  return p;
}

inline Shape output_shape(const Shape& x, const Shape& w, ConvPads pads) {
  const std::int64_t grown = pads.begin + pads.end - w[2] + 1;
  return Shape(w[0], x[1] + grown, x[2] + grown, x[3]);
}

/// Workspace bytes of conv2d_backward_filter.
std::size_t conv2d_filter_workspace(const ConvGeometry& g);

}  // namespace shcnn::SHCNN_EXECUTOR
