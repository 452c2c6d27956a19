// Bilinear resizing of frames (bytes) and of flow fields (floats), as OpenCV 4.6 does it. Pixel centres are aligned:
// output pixel i samples at (i + 0.5) * from / to - 0.5, clamped to the image. No smoothing goes before it.
#pragma once

#include <cstdint>

#include "flow/tvl1.h"

namespace shcnn::flow {

/// `frame` is 8-bit; out is (height, width) bytes. Equal to cv::resize in every byte: weights in 1/2048, and exactly
/// half the size takes the mean of 2 x 2 pixels.
void resize_frame(const GrayImage& frame, std::uint8_t* out, int width, int height);

/// Components are interpolated, not scaled: a resized flow keeps the pixel units it was computed in.
void resize_flow(const FlowField& flow, const FlowField& out);

}  // namespace shcnn::flow
