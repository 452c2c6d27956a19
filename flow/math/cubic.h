// Bicubic sampling as the reference's remap does it: Keys' kernel with a = -0.75 at positions rounded to 1/32 px. One
// text for the CPU's table and the CUDA kernel.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn::flow {

constexpr int kFrame = 4;       ///< zero pixels round an image: a window of 4 taps can lie outside altogether
constexpr int kFractions = 32;  ///< positions per pixel
constexpr int kFractionBits = 5;
/// |grad I1w|^2 up to this: v = u unless |rho| > lambda theta |grad|^2
constexpr float kFlat = 1.1920929e-7f;

/// weights = the four coefficients for a position fraction / 32 past the second tap.
SHCNN_HD constexpr void cubic_weights(int fraction, float (&weights)[4]) {
  constexpr float a = -0.75f;
  const float t = static_cast<float>(fraction) / kFractions, s = 1.0f - t;
  weights[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  weights[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
  weights[3] = 1 - weights[0] - weights[1] - weights[2];
}

/// A position in 32nds of a pixel; far outside is clamped, where every tap is zero anyway.
SHCNN_HD int fixed_point(float position, int size) {
  const float lowest = -static_cast<float>(kFrame), highest = static_cast<float>(size + kFrame);
  const float clamped = position < lowest ? lowest : position > highest ? highest : position;
#if defined(__CUDA_ARCH__)
  return __float2int_rn(clamped * kFractions);
#else
  return static_cast<int>(__builtin_lrintf(clamped * kFractions));
#endif
}

/// The leftmost (topmost) of the four taps of a position in 32nds; the window lies in the image and its frame.
SHCNN_HD int first_tap(int position, int size) {
  const int tap = (position >> kFractionBits) - 1;
  return tap < -kFrame ? -kFrame : tap > size ? size : tap;
}

}  // namespace shcnn::flow
