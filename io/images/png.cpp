// PNG with libpng. The library reports errors by longjmp, so functions that call it have no local C++ objects with
// destructors.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "io/images/image_decoders.h"

namespace shcnn::io {
namespace {

/// Error state of libpng: the first error, and whether memory ran out.
struct PngState {
  bool out_of_memory = false;
  char message[120] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof state->message, "%s", message);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

png_voidp allocate(png_structp png, png_alloc_size_t bytes) {
  void* memory = std::malloc(bytes);
  if (!memory) static_cast<PngState*>(png_get_mem_ptr(png))->out_of_memory = true;
  return memory;
}

void release(png_structp, png_voidp memory) { std::free(memory); }

/// Text and other chunks that are not needed for the pixels; libpng would otherwise unpack and keep them.
constexpr png_byte kIgnoredChunks[] = "tEXt\0zTXt\0iTXt\0sPLT\0hIST\0pCAL\0sCAL\0tIME\0oFFs\0pHYs";
constexpr int kIgnoredCount = sizeof kIgnoredChunks / 5;
constexpr png_uint_32 kAnySize = 0x7fffffff;  // make_image enforces the limit

class PngReader {
 public:
  explicit PngReader(std::span<const uint8_t> bytes) : bytes_(bytes) {
    png_ = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &state_, on_error, on_warning, &state_, allocate, release);
    if (!png_) throw std::bad_alloc();
    info_ = png_create_info_struct(png_);
    if (!info_) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  /// Reads up to the pixels and requests rows of `channels` bytes per pixel; returns false on error.
  bool read_header(int channels) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, on_read);
    png_set_user_limits(png_, kAnySize, kAnySize);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kIgnoredChunks, kIgnoredCount);
    png_read_info(png_, info_);
    const int type = png_get_color_type(png_, info_), depth = png_get_bit_depth(png_, info_);
    const bool colour = (type & PNG_COLOR_MASK_COLOR) != 0;
    if (depth == 16) png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
    if (!colour && depth < 8) png_set_expand_gray_1_2_4_to_8(png_);
    if (!colour && channels == 3) png_set_gray_to_rgb(png_);
    if (channels == 1) png_set_rgb_to_gray(png_, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }
  size_t row_bytes() const { return png_get_rowbytes(png_, info_); }

  /// Reads the pixels and the chunks after them, up to the end; returns false on error.
  bool read_pixels(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_image(png_, rows);
    png_read_end(png_, info_);
    return true;
  }
  int orientation() {
    png_bytep exif = nullptr;
    png_uint_32 count = 0;
    if (!png_get_eXIf_1(png_, info_, &count, &exif) || !exif) return 1;
    return exif_orientation({exif, count});
  }
  [[noreturn]] void fail(const EncodedImage& from) const {
    if (state_.out_of_memory) throw std::bad_alloc();
    refuse_damaged(from, ended_early_ ? "" : state_.message);
  }

 private:
  static void on_read(png_structp png, png_bytep out, size_t count) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->bytes_.size()) {
      self->ended_early_ = true;
      png_error(png, "ends early");
    }
    std::memcpy(out, self->bytes_.data(), count);
    self->bytes_ = self->bytes_.subspan(count);
  }

  std::span<const uint8_t> bytes_;  // not yet read
  PngState state_;
  bool ended_early_ = false;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

class PngWriter {
 public:
  PngWriter() {
    png_ = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &state_, on_error, on_warning, &state_, allocate, release);
    if (!png_) throw std::bad_alloc();
    info_ = png_create_info_struct(png_);
    if (!info_) {
      png_destroy_write_struct(&png_, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  bool write(const Image& image, png_bytepp rows, PngEffort effort) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_write_fn(png_, this, on_write, nullptr);
    if (effort == PngEffort::kFast) {
      png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
      png_set_compression_level(png_, 1);
      png_set_compression_strategy(png_, 3);  // zlib's Z_RLE
    } else {
      png_set_compression_level(png_, 9);
      png_set_compression_strategy(png_, 0);
    }
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
                 image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    png_write_image(png_, rows);
    png_write_end(png_, info_);
    return true;
  }
  bool out_of_memory() const { return state_.out_of_memory; }
  const char* message() const { return state_.message; }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  static void on_write(png_structp png, png_bytep bytes, size_t count) {
    auto* self = static_cast<PngWriter*>(png_get_io_ptr(png));
    try {
      self->bytes_.insert(self->bytes_.end(), bytes, bytes + count);
      return;
    } catch (const std::bad_alloc&) {  // no exception may pass through libpng
      self->state_.out_of_memory = true;
    }
    png_error(png, "out of memory");
  }

  std::vector<uint8_t> bytes_;
  PngState state_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

std::vector<png_bytep> rows_of(const Image& image) {
  std::vector<png_bytep> rows(static_cast<size_t>(image.height));
  const size_t row_bytes = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
  for (size_t y = 0; y < rows.size(); ++y) {
    rows[y] = const_cast<png_bytep>(image.pixels.data()) + y * row_bytes;  // libpng takes non-const pointers
  }
  return rows;
}

}  // namespace

Image decode_png(const EncodedImage& from, int channels) {
  PngReader reader(from.bytes);
  if (!reader.read_header(channels)) reader.fail(from);
  Image image = make_image(from, reader.width(), reader.height(), channels);
  if (reader.row_bytes() != static_cast<size_t>(image.width) * static_cast<size_t>(channels)) refuse_damaged(from);
  if (!reader.read_pixels(rows_of(image).data())) reader.fail(from);
  return upright(std::move(image), reader.orientation());
}

std::vector<uint8_t> encode_png(const Image& image, PngEffort effort) {
  check_encodable(image);
  PngWriter writer;
  if (!writer.write(image, rows_of(image).data(), effort)) {
    if (writer.out_of_memory()) throw std::bad_alloc();
    throw Error(ErrorKind::kUsage, "png", "", writer.message(), "this image has no form as PNG");
  }
  return writer.take();
}

}  // namespace shcnn::io
