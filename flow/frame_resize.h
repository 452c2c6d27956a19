// Bilinear resizing of frames (bytes) and of flow fields (floats), as in OpenCV 4.6. Pixel centres are aligned: output
// pixel i samples at (i + 0.5) * from / to - 0.5, clamped to the image. The input is not smoothed first.
#pragma once

#include <cstdint>

#include "flow/tvl1.h"

namespace shcnn::flow {

/// Resizes the 8-bit `frame` to out, (height, width) bytes. Every byte equals that of cv::resize: weights are multiples
/// of 1/2048, and exactly half the size takes the mean of 2 x 2 pixels. Throws Error(kUsage) if the frame is not 8-bit
/// or either image has no pixels.
void resize_frame(const GrayImage& frame, std::uint8_t* out, int width, int height);

/// Interpolates the components without scaling them: a resized flow keeps the pixel units in which it was computed.
void resize_flow(const FlowField& flow, const FlowField& out);

}  // namespace shcnn::flow
