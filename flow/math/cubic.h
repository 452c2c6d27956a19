// Bicubic sampling as in OpenCV's remap: Keys' kernel with a = -0.75, positions rounded to 1/32 px. The CPU's weight
// table and the CUDA kernel share it.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn::flow {

constexpr int kFrame = 4;       ///< zero pixels around an image: a window of 4 taps can lie entirely outside the image
constexpr int kFractions = 32;  ///< positions per pixel
constexpr int kFractionBits = 5;
/// If |grad I1w|^2 is at most this, v = u unless |rho| > lambda theta |grad I1w|^2
constexpr float kFlat = 1.1920929e-7f;

/// Sets the four weights of a sample at fraction / 32 px after the second tap.
SHCNN_HD constexpr void cubic_weights(int fraction, float (&weights)[4]) {
  constexpr float a = -0.75f;
  const float t = static_cast<float>(fraction) / kFractions, s = 1.0f - t;
  weights[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  weights[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
  weights[3] = 1 - weights[0] - weights[1] - weights[2];
}

/// A position in 1/32 px. Positions far outside the image are clamped to where every tap is zero.
SHCNN_HD int fixed_point(float position, int size) {
  const float lowest = -static_cast<float>(kFrame), highest = static_cast<float>(size + kFrame);
  const float clamped = position < lowest ? lowest : position > highest ? highest : position;
#if defined(__CUDA_ARCH__)
  return __float2int_rn(clamped * kFractions);
#else
  return static_cast<int>(__builtin_lrintf(clamped * kFractions));
#endif
}

/// The first (leftmost or topmost) of the four taps for a position in 1/32 px, clamped so that the window lies within
/// the image and its frame.
SHCNN_HD int first_tap(int position, int size) {
  const int tap = (position >> kFractionBits) - 1;
  return tap < -kFrame ? -kFrame : tap > size ? size : tap;
}

}  // namespace shcnn::flow
