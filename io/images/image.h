// Reads PNG, JPEG, BMP, WebP, TIFF and GIF images; writes PNG and JPEG.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/files/error.h"

namespace shcnn::io {

inline constexpr int64_t kMaxImagePixels = int64_t{64} << 20;
inline constexpr uint64_t kMaxImageFileBytes = uint64_t{256} << 20;

/// An image with 8 bits per channel.
struct Image {
  int height = 0;
  int width = 0;
  int channels = 1;             ///< 1: gray; 3: red, green, blue
  std::vector<uint8_t> pixels;  ///< (height, width, channels)
};

/// Whether the file extension is one of a format that read_image reads; case-insensitive.
bool is_image_name(const std::filesystem::path& path);

/// Reads an image as gray (channels 1) or RGB (channels 3) and applies its stored orientation. The pixels equal those
/// of OpenCV 4.6's imread. The size that the decoder reads from the header is checked against kMaxImagePixels before
/// decoding. WebP, TIFF and GIF require a module (io/files/module.h).
/// @throws Error kBadData if the file is missing, empty, cut short, of another format, too large, an animation or
///         cannot be decoded; kUsage if the module for this format is missing
Image read_image(const std::filesystem::path& path, int channels);

/// Resizes with bilinear interpolation. If the size is unchanged, so are the pixels.
Image resized(const Image& image, int height, int width);

/// Compression effort.
enum class PngEffort { kFast, kSmallest };

/// Encodes a PNG file; the bytes equal OpenCV's. @throws Error kUsage if the image is empty or has not 1 or 3 channels
std::vector<uint8_t> encode_png(const Image& image, PngEffort effort = PngEffort::kFast);

/// Writes a PNG file atomically. @throws Error as encode_png and AtomicFile
void write_png(const std::filesystem::path& path, const Image& image, Overwrite overwrite);

/// Encodes a JPEG file with `quality` 1..100; the bytes equal OpenCV's. @throws Error as encode_png
std::vector<uint8_t> encode_jpeg(const Image& image, int quality);

}  // namespace shcnn::io
