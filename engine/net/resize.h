// Scales an 8-bit image. Each axis is scaled by area averaging if it shrinks and bilinearly if it grows.
#pragma once

#include <cstdint>

#include "shcnn/shcnn.h"

namespace shcnn {

/// Scales an image of `channels` interleaved bytes per pixel into out (height, width, channels), dense. An image that
/// already has this size is copied unchanged. Throws Error(kBadData) on an empty image or a stride shorter than a row.
void resize(const Image& image, int channels, int width, int height, std::uint8_t* out);

}  // namespace shcnn
