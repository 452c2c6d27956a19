// The interface of the module shcnn_images: decoders for WebP and TIFF images.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shcnn::io {

/// The decoder of one format. Functions return nullptr on success, otherwise an error message.
struct ImageCodec {
  /// Reads the size from the header.
  const char* (*read_size)(const uint8_t* bytes, size_t count, int64_t* width, int64_t* height);
  /// Decodes an image of this size to `out`: (height, width, 3) bytes, red, green, blue.
  const char* (*decode)(const uint8_t* bytes, size_t count, int64_t width, int64_t height, uint8_t* out);
};

struct ImageCodecs {
  ImageCodec webp, tiff;
  const char* no_memory;  ///< the message returned if memory runs out; callers compare the pointer
};

inline constexpr const char* kImageCodecsSymbol = "shcnn_image_codecs_1";

}  // namespace shcnn::io
