// Windows bitmaps with 1, 4, 8, 16, 24 and 32 bits per pixel: plain, with colour masks, or run-length encoded. Every
// offset is checked against the file; missing rows are an error.
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "io/images/image_decoders.h"

namespace shcnn::io {
namespace {

enum Compression : uint32_t { kPlain = 0, kRle8 = 1, kRle4 = 2, kMasks = 3 };

using Rgb = std::array<uint8_t, 3>;

class BmpReader {
 public:
  BmpReader(const EncodedImage& from, int channels) : from_(from), bytes_(from.bytes), channels_(channels) {}

  Image read() {
    read_header();
    check_image_size(from_.path, width_, height_);
    const bool runs = compression_ == kRle4 || compression_ == kRle8;
    if (!runs) check_rows();
    image_ = make_image(from_, width_, height_, channels_);
    if (bits_ <= 8) read_palette();
    if (runs) {
      read_runs();
    } else {
      read_rows();
    }
    return std::move(image_);
  }

 private:
  uint32_t number(size_t at, size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) refuse_damaged(from_);
    uint32_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | bytes_[at + i];
    return value;
  }

  void read_header() {
    constexpr size_t kFileHeader = 14, kOldHeader = 12, kInfoHeader = 40;
    pixels_at_ = number(10, 4);
    const uint32_t header = number(kFileHeader, 4);
    if (header == kOldHeader) {
      width_ = number(18, 2);
      height_ = number(20, 2);
      bits_ = number(24, 2);
      palette_entry_ = 3;
    } else if (header >= kInfoHeader) {
      width_ = static_cast<int32_t>(number(18, 4));
      height_ = static_cast<int32_t>(number(22, 4));
      bits_ = number(28, 2);
      compression_ = number(30, 4);
      colours_ = number(46, 4);
    } else {
      refuse_damaged(from_);
    }
    palette_at_ = kFileHeader + size_t{header};
    top_down_ = height_ < 0;
    if (top_down_) height_ = -height_;
    const bool plain = compression_ == kPlain && (bits_ == 1 || bits_ == 4 || bits_ == 8 || bits_ >= 16);
    const bool runs = (compression_ == kRle8 && bits_ == 8) || (compression_ == kRle4 && bits_ == 4);
    const bool masks = compression_ == kMasks && (bits_ == 16 || bits_ == 32);
    if ((!plain && !runs && !masks) || (bits_ > 8 && bits_ != 16 && bits_ != 24 && bits_ != 32)) {
      refuse_image(
          from_,
          "is a bitmap of " + std::to_string(bits_) + " bits a pixel with compression " + std::to_string(compression_),
          "convert it to PNG");
    }
    if (bits_ == 16) masks_ = {0x7c00, 0x3e0, 0x1f};
    for (size_t c = 0; masks && c < 3; ++c) masks_[c] = number(kFileHeader + kInfoHeader + 4 * c, 4);
  }

  void read_palette() {
    const uint32_t most = 1u << bits_;
    const uint32_t count = colours_ == 0 || colours_ > most ? most : colours_;
    for (uint32_t i = 0; i < count; ++i) {
      const size_t at = palette_at_ + size_t{i} * palette_entry_;
      if (at + 3 > pixels_at_) break;  // palette shorter than announced: missing entries are black
      palette_[i] = {static_cast<uint8_t>(number(at + 2, 1)), static_cast<uint8_t>(number(at + 1, 1)),
                     static_cast<uint8_t>(number(at, 1))};
    }
  }

  void put(int64_t x, int64_t y, const Rgb& colour) {  // y counts rows in file order
    const int64_t row = top_down_ ? y : height_ - 1 - y;
    uint8_t* to = image_.pixels.data() + static_cast<size_t>((row * width_ + x) * channels_);
    if (channels_ == 1) {
      *to = gray_of(colour[0], colour[1], colour[2]);
    } else {
      for (size_t c = 0; c < 3; ++c) to[c] = colour[c];
    }
  }

  /// The upper 8 bits of the masked value; values of fewer bits are not scaled to 255.
  static uint8_t masked(uint32_t value, uint32_t mask) {
    if (mask == 0) return 0;
    const int top = 32 - std::countl_zero(mask);
    const uint32_t taken = value & mask;
    return static_cast<uint8_t>(top >= 8 ? taken >> (top - 8) : taken << (8 - top));
  }

  Rgb colour_of(uint64_t row_at, int64_t x) const {
    const auto bit = static_cast<uint64_t>(x) * bits_;
    const uint8_t* at = bytes_.data() + row_at + bit / 8;
    if (bits_ <= 8) return palette_[(*at >> (8 - bits_ - bit % 8)) & ((1u << bits_) - 1)];
    if (masks_[0] == 0 && masks_[1] == 0 && masks_[2] == 0) return {at[2], at[1], at[0]};
    const uint32_t value = number(static_cast<size_t>(row_at + bit / 8), bits_ / 8);
    return {masked(value, masks_[0]), masked(value, masks_[1]), masked(value, masks_[2])};
  }

  uint64_t row_bytes() const { return (static_cast<uint64_t>(width_) * bits_ + 31) / 32 * 4; }

  /// Throws if the file does not contain all rows.
  void check_rows() const {
    const uint64_t last = (static_cast<uint64_t>(width_) * bits_ + 7) / 8;  // the last row may lack its padding
    const uint64_t needed = row_bytes() * static_cast<uint64_t>(height_ - 1) + last;
    if (pixels_at_ > bytes_.size() || needed > bytes_.size() - pixels_at_) refuse_damaged(from_);
  }

  void read_rows() {
    for (int64_t y = 0; y < height_; ++y) {
      const uint64_t row_at = pixels_at_ + row_bytes() * static_cast<uint64_t>(y);
      for (int64_t x = 0; x < width_; ++x) put(x, y, colour_of(row_at, x));
    }
  }

  /// Decodes runs and literal pixels. Skipped pixels have the first colour of the palette.
  void read_runs() {
    constexpr uint32_t kEndOfRow = 0, kEnd = 1, kSkip = 2;
    for (int64_t y = 0; y < height_; ++y) {
      for (int64_t x = 0; x < width_; ++x) put(x, y, palette_[0]);
    }
    int64_t x = 0, y = 0;
    const auto pixel = [&](uint32_t index) {
      if (x >= width_ || y >= height_) refuse_damaged(from_, "a run beyond the image");
      put(x++, y, palette_[index]);
    };
    for (size_t at = pixels_at_;;) {
      const uint32_t count = number(at, 1), value = number(at + 1, 1);
      at += 2;
      if (count > 0) {
        for (uint32_t i = 0; i < count; ++i) pixel(bits_ == 8 ? value : i % 2 == 0 ? value >> 4 : value & 15);
      } else if (value == kEndOfRow) {
        x = 0;
        ++y;
      } else if (value == kEnd) {
        return;
      } else if (value == kSkip) {
        x += number(at, 1);
        y += number(at + 1, 1);
        at += 2;
      } else {
        for (uint32_t i = 0; i < value; ++i) {
          const uint32_t byte = number(at + (bits_ == 8 ? i : i / 2), 1);
          pixel(bits_ == 8 ? byte : i % 2 == 0 ? byte >> 4 : byte & 15);
        }
        const uint32_t bytes = bits_ == 8 ? value : (value + 1) / 2;
        at += bytes + bytes % 2;  // padded to a multiple of 16 bits
      }
    }
  }

  const EncodedImage& from_;
  std::span<const uint8_t> bytes_;
  const int channels_;
  Image image_;
  int64_t width_ = 0, height_ = 0;
  bool top_down_ = false;
  uint32_t bits_ = 0, compression_ = kPlain, colours_ = 0;
  size_t pixels_at_ = 0, palette_at_ = 0, palette_entry_ = 4;
  std::array<uint32_t, 3> masks_{};  ///< of red, green and blue; all zero: one byte per channel
  std::array<Rgb, 256> palette_{};
};

}  // namespace

Image decode_bmp(const EncodedImage& from, int channels) { return BmpReader(from, channels).read(); }

}  // namespace shcnn::io
