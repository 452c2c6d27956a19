// Finds the Exif orientation in a block of Exif data and applies it to an image.
#include <optional>

#include "io/images/image_decoders.h"

namespace shcnn::io {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr size_t kEntryBytes = 12;

/// Reads integers of a TIFF structure in the byte order given by its header; std::nullopt beyond the end.
class TiffBytes {
 public:
  explicit TiffBytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  std::optional<uint32_t> number(size_t at, size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) return std::nullopt;
    const bool big_endian = bytes_[0] == 'M';
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | bytes_[at + (big_endian ? i : count - 1 - i)];
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace

int exif_orientation(std::span<const uint8_t> exif) {
  if (exif.size() < 8 || exif[0] != exif[1] || (exif[0] != 'I' && exif[0] != 'M')) return 1;
  const TiffBytes tiff(exif);
  if (tiff.number(2, 2) != 42u) return 1;
  const size_t directory = *tiff.number(4, 4);
  const std::optional<uint32_t> entries = tiff.number(directory, 2);
  for (uint32_t i = 0; i < entries.value_or(0); ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    const std::optional<uint32_t> tag = tiff.number(entry, 2), value = tiff.number(entry + 8, 2);
    if (!value) break;
    if (tag == kOrientationTag) return *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool transposed = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image out{transposed ? image.width : image.height, transposed ? image.height : image.width, image.channels, {}};
  out.pixels.resize(image.pixels.size());
  const auto channels = static_cast<size_t>(image.channels), width = static_cast<size_t>(image.width);
  uint8_t* to = out.pixels.data();
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const int row = transposed ? x : y, column = transposed ? y : x;
      const auto from_y = static_cast<size_t>(from_below ? image.height - 1 - row : row);
      const auto from_x = static_cast<size_t>(from_right ? image.width - 1 - column : column);
      const uint8_t* from = image.pixels.data() + (from_y * width + from_x) * channels;
      for (size_t c = 0; c < channels; ++c) *to++ = from[c];
    }
  }
  return out;
}

}  // namespace shcnn::io
