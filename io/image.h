// Image files in and out: PNG, JPEG and BMP to bytes, bytes to PNG. Decoding is OpenCV's, behind checks of our own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "io/atomic_file.h"
#include "io/error.h"

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

/// Reads an image as gray (channels 1) or RGB (channels 3); a picture's stored orientation is obeyed.
/// The size is read from the header and held against kMaxImagePixels before anything is decoded.
/// @throws Error kBadData: empty, cut short, no PNG, JPEG or BMP, too large, or not decodable
Image read_image(const std::filesystem::path& path, int channels);

/// Resizes by bilinear interpolation; the same size gives the same bytes.
Image resized(const Image& image, int height, int width);

/// Writes a PNG safely. @throws Error as AtomicFile
void write_png(const std::filesystem::path& path, const Image& image, Overwrite overwrite);

/// The bytes of a JPEG of `quality` 1..100.
std::vector<uint8_t> encode_jpeg(const Image& image, int quality);

}  // namespace shcnn::io
