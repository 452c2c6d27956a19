// From flow to picture: hue = direction, saturation 255, intensity = length. What the micro variant of the network
// sees, and what people look at. flow/flow_color.h has the arithmetic of one pixel; flow/cpu and flow/cuda each hold
// the two passes over an image, flow_range and flow_image, under these names.
//
// Intensity is either stretched per image, 0 at the shortest and 255 at the longest vector (the default: what the
// paper's authors ran; it throws the absolute size of a movement away, and an image whose vectors are all equally long
// is black), or has a fixed scale: 255 at `full_scale` px and beyond.
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
  double full_scale = 0;  ///< px of intensity 255, between the bounds above; 0 = stretched per image
  int border = 0;         ///< px cut off on each side, after the stretch has seen them
};

/// Throws Error(kUsage) naming the option that is out of range.
void check(const FlowImageOptions& options);

/// An RGB image that somebody else owns: (height, width, 3) bytes R, G, B, rows `stride` bytes apart.
struct RgbImage {
  std::uint8_t* data = nullptr;
  int width = 0;              ///< pixels
  int height = 0;             ///< pixels
  std::ptrdiff_t stride = 0;  ///< bytes from one row to the next

  static RgbImage dense(std::uint8_t* data, int width, int height) {
    return {data, width, height, 3 * std::ptrdiff_t{width}};
  }
};

/// Shortest and longest vector of a flow field.
struct FlowRange {
  float low = 0;   ///< px
  float high = 0;  ///< px
};

/// What turns |u| into intensity for an image of that range.
IntensityScale intensity_scale(const FlowImageOptions& options, FlowRange range);

/// The picture of `flow` on the CPU. `image` is smaller than `flow` by the border on each side. Zero flow is black.
/// Throws Error(kUsage) where sizes do not fit, Error(kBadData) where the flow holds NaN or infinity.
void flow_image(const FlowField& flow, const FlowImageOptions& options, const RgbImage& image);

/// Shortest and longest vector of a flow that is finite. Throws Error(kBadData) where it is not.
FlowRange flow_range(const FlowField& flow);

}  // namespace shcnn::flow
