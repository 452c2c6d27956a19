// Conversion of a flow field to an image: hue = direction, saturation 255, intensity = vector length. These images are
// the input of the micro variant of the network and a visualisation of flow. flow/flow_color.h has the arithmetic of
// one pixel; flow/cpu and flow/cuda each implement the two passes over a field, flow_range and flow_image.
//
// Intensity is stretched per image or has a fixed scale. Stretched (the default, and what the paper's authors ran): 0
// at the shortest and 255 at the longest vector of the image. This loses the absolute length of a motion, and an image
// whose vectors all have the same length is black. Fixed: 255 at `full_scale` px and above.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flow/flow_color.h"
#include "flow/tvl1.h"

namespace shcnn::flow {

inline constexpr double kLeastFullScale = 1e-4;  ///< px
inline constexpr double kMostFullScale = 1e6;    ///< px

struct FlowImageOptions {
  FlowColors colors = FlowColors::kHsv;
  double full_scale = 0;  ///< px that map to intensity 255, kLeastFullScale .. kMostFullScale; 0 = stretched per image
  int border = 0;         ///< px cut off on each side; the stretch still includes them
};

/// Throws Error(kUsage) naming the option that is out of range.
void check(const FlowImageOptions& options);

/// Non-owning view of an RGB image: (height, width, 3) bytes R, G, B, rows `stride` bytes apart.
struct RgbImage {
  std::uint8_t* data = nullptr;
  int width = 0;              ///< pixels
  int height = 0;             ///< pixels
  std::ptrdiff_t stride = 0;  ///< bytes from one row to the next

  static RgbImage dense(std::uint8_t* data, int width, int height) {
    return {data, width, height, 3 * std::ptrdiff_t{width}};
  }
};

/// Lengths of the shortest and the longest vector of a flow field.
struct FlowRange {
  float low = 0;   ///< px
  float high = 0;  ///< px
};

/// The conversion of |u| to intensity for a flow field with this range.
IntensityScale intensity_scale(const FlowImageOptions& options, FlowRange range);

/// Writes the image of `flow`, on the CPU. `image` is smaller than `flow` by the border on each side. Zero flow is
/// black. Throws Error(kUsage) if the sizes do not match, Error(kBadData) if the flow holds NaN or infinity.
void flow_image(const FlowField& flow, const FlowImageOptions& options, const RgbImage& image);

/// Lengths of the shortest and the longest vector of `flow`. Throws Error(kUsage) if the flow has no pixels,
/// Error(kBadData) if it holds NaN, infinity, or vectors too long for a float.
FlowRange flow_range(const FlowField& flow);

}  // namespace shcnn::flow
