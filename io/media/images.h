// The border of the module shcnn_images: decoders of rarer image formats.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shcnn::io {

/// The decoder of one format. Functions return null, or what is wrong.
struct ImageCodec {
  /// The size in the header.
  const char* (*read_size)(const uint8_t* bytes, size_t count, int64_t* width, int64_t* height);
  /// The pixels of an image of this size as (height, width, 3) bytes red, green, blue.
  const char* (*decode)(const uint8_t* bytes, size_t count, int64_t width, int64_t height, uint8_t* out);
};

struct ImageCodecs {
  ImageCodec webp, tiff;
  const char* no_memory;  ///< what a function returns when memory is refused; compared as a pointer
};

inline constexpr const char* kImageCodecsSymbol = "shcnn_image_codecs_1";

}  // namespace shcnn::io
