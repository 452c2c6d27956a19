// Scales an 8-bit image: the mean of the covered area where it shrinks, bilinear where it grows.
#pragma once

#include <cstdint>

#include "shcnn/shcnn.h"

namespace shcnn {

/// `channels` interleaved bytes a pixel -> out (height, width, channels), dense. An image of that size is copied as it
/// is. Throws Error(kBadData) on an empty image or a stride shorter than a row.
void resize(const Image& image, int channels, int width, int height, std::uint8_t* out);

}  // namespace shcnn
