// Argument checks, and flow_image on the CPU: the two passes of flow/cpu/flow_image.cpp in sequence.
#include "flow/flow_image.h"

#include <cmath>
#include <limits>

#include "flow/stages.h"
#include "kernels/error.h"

namespace shcnn::flow {
namespace {

void require(bool holds, const char* message) {
  if (!holds) throw Error(ErrorKind::kUsage, "flow image", message);
}

}  // namespace

void check(const FlowImageOptions& options) {
  const bool in_range = options.full_scale >= kLeastFullScale && options.full_scale <= kMostFullScale;
  if (options.full_scale != 0 && !in_range) {  // also true for NaN
    throw Error(ErrorKind::kUsage, "flow image",
                message("full_scale = ", options.full_scale, ", must be 0 (stretched per image) or ", kLeastFullScale,
                        " to ", kMostFullScale, " px"));
  }
  if (options.border < 0) {
    throw Error(ErrorKind::kUsage, "flow image", message("border = ", options.border, ", must be 0 or more px"));
  }
}

FlowRange flow_range(const FlowField& flow) {
  require(flow.data && flow.width > 0 && flow.height > 0, "the flow has no pixels");
  FlowRange range{std::numeric_limits<float>::infinity(), 0.0f};
  if (!select_stages("").flow_range(flow, {0, flow.height}, range)) {
    throw Error(ErrorKind::kBadData, "flow image", "the flow holds NaN, infinity, or vectors too long for a float");
  }
  return range;
}

IntensityScale intensity_scale(const FlowImageOptions& options, FlowRange range) {
  if (options.full_scale > 0) return {static_cast<float>(255.0 / options.full_scale), 0.0f};
  return stretch(range.low, range.high);
}

void flow_image(const FlowField& flow, const FlowImageOptions& options, const RgbImage& image) {
  check(options);
  const FlowRange range = flow_range(flow);
  require(image.data && image.width == flow.width - 2 * options.border &&
              image.height == flow.height - 2 * options.border && image.stride >= 3 * image.width,
          "the image is not the flow's size less the border");
  select_stages("").flow_image(flow, options, intensity_scale(options, range), image, {0, image.height});
}

}  // namespace shcnn::flow
