// What read_image is made of: one decoder a format, and what they share. Each decoder takes the size from the header
// that it decodes by, has it checked by make_image before any pixel is decoded, and gives the bytes of OpenCV 4.6's
// imread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "io/images/image.h"

namespace shcnn::io {

/// An image file in memory.
struct EncodedImage {
  const std::filesystem::path& path;  ///< for messages
  std::span<const uint8_t> bytes;
};

/// Throws Error(kBadData): what is wrong with the image.
[[noreturn]] void refuse_image(const EncodedImage& from, std::string_view message,
                               std::string_view fix = "copy the image again or remove the file");

/// Throws Error(kBadData): the image is cut short or damaged; `detail` is the decoder's word for it, may be empty.
[[noreturn]] void refuse_damaged(const EncodedImage& from, std::string_view detail = {});

/// Throws Error(kBadData) unless there are 1 to kMaxImagePixels pixels.
void check_image_size(const std::filesystem::path& path, int64_t width, int64_t height);

/// A black image of a checked size.
Image make_image(const EncodedImage& from, int64_t width, int64_t height, int channels);

/// Throws Error(kUsage) unless the image has pixels of 1 or 3 channels, and bytes for all of them.
void check_encodable(const Image& image);

/// Decoders; `channels` is 1 (gray) or 3 (red, green, blue).
Image decode_png(const EncodedImage& from, int channels);
Image decode_jpeg(const EncodedImage& from, int channels);
Image decode_bmp(const EncodedImage& from, int channels);
/// Of "webp" or "tiff", in the module of rarer formats. Throws Error(kUsage) where that module is not there.
Image decode_by_module(const EncodedImage& from, const char* format, int channels);
/// The only picture of a GIF, by the video decoder; an animation is refused.
Image decode_gif(const EncodedImage& from, int channels);

/// The brightness of a pixel in 8 bits, as OpenCV's image files have it (weights in 1/16384).
constexpr uint8_t gray_of(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 4899 + green * 9617 + blue * 1868 + (1 << 13)) >> 14);
}

/// The brightness of a pixel as cv::cvtColor has it (weights in 1/32768).
constexpr uint8_t converted_gray_of(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 9798 + green * 19235 + blue * 3735 + (1 << 14)) >> 15);
}

/// The orientation (1 to 8) in a block of Exif data that begins with its TIFF header; 1 where it holds none.
int exif_orientation(std::span<const uint8_t> exif);

/// `image`, which was stored with this Exif orientation, upright.
Image upright(Image image, int orientation);

}  // namespace shcnn::io
