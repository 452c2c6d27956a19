// Image files in and out: PNG, JPEG, BMP, WebP, TIFF and GIF to bytes, bytes to PNG and JPEG.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/files/error.h"

namespace shcnn::io {

inline constexpr int64_t kMaxImagePixels = int64_t{64} << 20;
inline constexpr uint64_t kMaxImageFileBytes = uint64_t{256} << 20;

/// An image of bytes.
struct Image {
  int height = 0;
  int width = 0;
  int channels = 1;             ///< 1 gray, 3 red, green, blue
  std::vector<uint8_t> pixels;  ///< (height, width, channels)
};

/// Whether the name ends like an image that read_image reads, in letters of either case.
bool is_image_name(const std::filesystem::path& path);

/// Reads an image as gray (channels 1) or RGB (channels 3); a picture's stored orientation is obeyed. The bytes are
/// those of OpenCV 4.6's imread. The size in the decoder's own header is held against kMaxImagePixels before anything
/// is decoded. WebP, TIFF and GIF need a module beside the program (io/files/module.h).
/// @throws Error kBadData: empty, cut short, of no such format, too large, an animation, or not decodable;
///         kUsage: the module for this format is not there
Image read_image(const std::filesystem::path& path, int channels);

/// Resizes by bilinear interpolation; the same size gives the same bytes.
Image resized(const Image& image, int height, int width);

/// How hard to try for few bytes.
enum class PngEffort { kFast, kSmallest };

/// The bytes of a PNG, equal to OpenCV's. @throws Error kUsage: not 1 or 3 channels, or empty
std::vector<uint8_t> encode_png(const Image& image, PngEffort effort = PngEffort::kFast);

/// Writes a PNG safely. @throws Error as encode_png and AtomicFile
void write_png(const std::filesystem::path& path, const Image& image, Overwrite overwrite);

/// The bytes of a JPEG of `quality` 1..100, equal to OpenCV's. @throws Error as encode_png
std::vector<uint8_t> encode_jpeg(const Image& image, int quality);

}  // namespace shcnn::io
