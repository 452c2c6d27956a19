// The decoders behind read_image, one per format, and their common functions. Each decoder takes the size from the
// header that its library decodes by and has it checked by make_image before decoding pixels. The pixels equal those of
// OpenCV 4.6's imread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "io/images/image.h"

namespace shcnn::io {

/// An image file in memory.
struct EncodedImage {
  const std::filesystem::path& path;  ///< for error messages
  std::span<const uint8_t> bytes;
};

/// Throws Error(kBadData) with `message` and the remedy `fix`.
[[noreturn]] void refuse_image(const EncodedImage& from, std::string_view message,
                               std::string_view fix = "copy the image again or remove the file");

/// Throws Error(kBadData): the image is cut short or damaged. `detail` is the decoder's message; it may be empty.
[[noreturn]] void refuse_damaged(const EncodedImage& from, std::string_view detail = {});

/// Throws Error(kBadData) unless the image has 1 to kMaxImagePixels pixels.
void check_image_size(const std::filesystem::path& path, int64_t width, int64_t height);

/// A black image of this size, after check_image_size.
Image make_image(const EncodedImage& from, int64_t width, int64_t height, int channels);

/// Throws Error(kUsage) unless the image is not empty, has 1 or 3 channels, and `pixels` has the matching size.
void check_encodable(const Image& image);

/// Decoders; `channels` is 1 (gray) or 3 (red, green, blue).
Image decode_png(const EncodedImage& from, int channels);
Image decode_jpeg(const EncodedImage& from, int channels);
Image decode_bmp(const EncodedImage& from, int channels);
/// Decodes `format` "webp" or "tiff" with the module shcnn_images. Throws Error(kUsage) if the module is missing.
Image decode_by_module(const EncodedImage& from, const char* format, int channels);
/// Decodes a GIF with a single picture using the video decoder; animations are rejected.
Image decode_gif(const EncodedImage& from, int channels);

/// The 8-bit gray value of a pixel as computed by OpenCV's image file decoders (weights in units of 1/16384).
constexpr uint8_t gray_of(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 4899 + green * 9617 + blue * 1868 + (1 << 13)) >> 14);
}

/// The 8-bit gray value of a pixel as computed by cv::cvtColor (weights in units of 1/32768).
constexpr uint8_t converted_gray_of(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 9798 + green * 19235 + blue * 3735 + (1 << 14)) >> 15);
}

/// The orientation (1 to 8) in a block of Exif data that begins with its TIFF header; 1 if it contains none.
int exif_orientation(std::span<const uint8_t> exif);

/// Rotates or mirrors `image`, stored with this Exif orientation, so that it is upright.
Image upright(Image image, int orientation);

}  // namespace shcnn::io
