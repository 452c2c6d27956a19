// flow_range and flow_image: two plain passes over a flow field; the first computes the range for the second to
// stretch. One square root, one division and one polynomial per pixel are negligible next to the solver's thousand
// iterations.
#include "flow/flow_image.h"

#include "flow/stages.h"

namespace shcnn::flow::SHCNN_FLOW_ISA {

bool flow_range(const FlowField& flow, Rows rows, FlowRange& range) {
  bool finite = true;
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* u = flow.data + y * flow.stride;
    for (int x = 0; x < flow.width; ++x) {
      const float length = flow_length(u[2 * x], u[2 * x + 1]);
      finite &= length <= __FLT_MAX__;  // false for NaN too
      range.low = length < range.low ? length : range.low;
      range.high = length > range.high ? length : range.high;
    }
  }
  return finite;
}

void flow_image(const FlowField& flow, const FlowImageOptions& options, IntensityScale scale, const RgbImage& image,
                Rows rows) {
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* u = flow.data + (y + options.border) * flow.stride;
    std::uint8_t* to = image.data + y * image.stride;
    for (int i = 0; i < image.width; ++i, to += 3) {
      const int x = i + options.border;
      const Rgb color = flow_color(u[2 * x], u[2 * x + 1], options.colors, scale, x, flow.width);
      to[0] = color.r;
      to[1] = color.g;
      to[2] = color.b;
    }
  }
}

}  // namespace shcnn::flow::SHCNN_FLOW_ISA
