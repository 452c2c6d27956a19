// Conversion of a flow vector to a colour: hue = its angle, saturation 255, intensity = its length. The CPU's stages
// and the CUDA kernels share it. Every fused multiply-add is written explicitly, so that all of them compute the same
// bits.
//
// kHsv is what the SHCNN paper's authors ran: OpenCV 4.6's cartToPolar, bytes truncated as numpy casts them (hue =
// degrees / 2), OpenCV's 8-bit HSV -> RGB. The arithmetic follows OpenCV operation by operation, so the bytes are
// equal. kHsi is the intensity model of Gonzalez & Woods, quantised only in the last step; (R + G + B) / 3 = intensity
// unless a channel clips at 255.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/host_device.h"

namespace shcnn::flow {

/// Colour model that converts hue, saturation and intensity to red, green and blue.
enum class FlowColors { kHsv, kHsi };

/// One pixel.
struct Rgb {
  std::uint8_t r, g, b;
};

/// intensity (0..255) = scale |u| + shift
struct IntensityScale {
  float scale = 0;  ///< per px
  float shift = 0;
};

/// a * b, rounded before anything is added to it; nvcc would fuse a plain product with the addition.
SHCNN_HD float product(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}

/// |u|, px
SHCNN_HD float flow_length(float u1, float u2) { return sqrtf(fmaf(u1, u1, product(u2, u2))); }

/// The angle of (u1, u2) in degrees, 0..360, counted from +u1 towards +u2 (clockwise on the screen, where u2 points
/// down). Uses OpenCV's polynomial for atan on [0, 1]; the error is within 0.02 degrees.
SHCNN_HD float flow_angle(float u1, float u2) {
  constexpr float kDegrees = 57.29577951308232f;
  constexpr float p1 = 0.9997878412794807f * kDegrees, p3 = -0.3258083974640975f * kDegrees,
                  p5 = 0.1555786518463281f * kDegrees, p7 = -0.04432655554792128f * kDegrees;
  const float x = fabsf(u1), y = fabsf(u2);
  const float c = (x < y ? x : y) / ((x < y ? y : x) + 2.220446e-16f);  // avoids 0 / 0
  const float c2 = product(c, c);
  float angle = product(fmaf(fmaf(fmaf(c2, p7, p5), c2, p3), c2, p1), c);
  if (x < y) angle = 90.0f - angle;
  if (u1 < 0) angle = 180.0f - angle;
  if (u2 < 0) angle = 360.0f - angle;
  return angle;
}

/// Truncates a number towards zero and clamps it to 0..255.
SHCNN_HD std::uint8_t truncated_byte(float value) {
  return static_cast<std::uint8_t>(value < 0 ? 0 : value < 255 ? value : 255);
}

/// OpenCV's 8-bit COLOR_HSV2RGB at saturation 255, hue 0..180 in units of 2 degrees. Whether OpenCV rounds or truncates
/// depends on the pixel's column: its vector loop (whole groups of kOpenCvVector columns) truncates, the remaining
/// columns are rounded. `truncate` selects between the two.
SHCNN_HD Rgb hsv_to_rgb(std::uint8_t hue, std::uint8_t value, bool truncate) {
  const float h = product(static_cast<float>(hue), 6.0f / 180.0f);
  const int sector = static_cast<int>(h);
  const float f = h - static_cast<float>(sector);
  const float v = product(static_cast<float>(value), 1.0f / 255.0f);
  const float falling = product(product(v, 1.0f - f), 255.0f);
  const float rising = product(product(v, 1.0f - (1.0f - f)), 255.0f);
  const auto t2 = static_cast<std::uint8_t>(truncate ? falling : rintf(falling));
  const auto t3 = static_cast<std::uint8_t>(truncate ? rising : rintf(rising));
  const std::uint8_t zero = 0;
  switch (sector) {
    case 1:
      return {t2, value, zero};
    case 2:
      return {zero, value, t3};
    case 3:
      return {zero, t2, value};
    case 4:
      return {t3, zero, value};
    case 5:
      return {value, zero, t2};
    default:  // sector 0; 6 is the same as 0
      return {value, t3, zero};
  }
}

/// Columns per iteration of OpenCV's vector loop on x86-64 with AVX2.
constexpr int kOpenCvVector = 32;

/// HSI at saturation 1 for a vector of length > 0. In the 120-degree sector that begins at one primary, with h the
/// angle past it, that primary is I (1 + cos h / cos(60 - h)), the next one is the remainder to 3 I, and the third is
/// 0. No angle is computed: (c, s) = u / |u| is rotated back by whole sectors.
SHCNN_HD Rgb hsi_to_rgb(float u1, float u2, float length, float intensity) {
  constexpr float kSin60 = 0.8660254037844386f;
  float c = u1 / length, s = u2 / length;
  int sector = 0;
  if (!(s >= 0 && c > -0.5f)) {
    sector = s < 0 && c > -0.5f ? 2 : 1;
    const float turn = sector == 1 ? kSin60 : -kSin60;  // sine of the sector's first angle; its cosine is -1/2
    const float old_c = c;
    c = fmaf(turn, s, product(-0.5f, old_c));
    s = fmaf(-turn, old_c, product(-0.5f, s));
  }
  const float cos_rest = fmaf(kSin60, s, product(0.5f, c));  // cos(60 - h), 1/2 .. 1 within the sector
  const float own = product(intensity, 1.0f + c / (cos_rest < 0.5f ? 0.5f : cos_rest));
  const float next = fmaf(3.0f, intensity, -own);
  const std::uint8_t first = truncated_byte(own + 0.5f), second = truncated_byte(next + 0.5f), third = 0;
  return sector == 0 ? Rgb{first, second, third} : sector == 1 ? Rgb{third, first, second} : Rgb{second, third, first};
}

/// The colour of one flow vector. `column` is the pixel's column in the flow field, borders included, and `width` the
/// field's width; OpenCV's rounding depends on them.
SHCNN_HD Rgb flow_color(float u1, float u2, FlowColors colors, IntensityScale scale, int column, int width) {
  const float length = flow_length(u1, u2);
  const float intensity = fmaf(length, scale.scale, scale.shift);
  if (colors == FlowColors::kHsv) {
    return hsv_to_rgb(truncated_byte(product(flow_angle(u1, u2), 0.5f)), truncated_byte(intensity),
                      column < width / kOpenCvVector * kOpenCvVector);
  }
  if (!(length > 0)) return {0, 0, 0};
  return hsi_to_rgb(u1, u2, length, intensity < 0 ? 0.0f : intensity < 255.0f ? intensity : 255.0f);
}

/// The stretch to 0..255 of an image whose |u| ranges from `low` to `high` px; all black if |u| is constant.
SHCNN_HD IntensityScale stretch(float low, float high) {
  const double range = static_cast<double>(high) - static_cast<double>(low);
  const double scale = range > 2.220446049250313e-16 ? 255.0 * (1.0 / range) : 0.0;
  return {static_cast<float>(scale), -static_cast<float>(static_cast<double>(low) * static_cast<float>(scale))};
}

}  // namespace shcnn::flow
