// JPEG with libjpeg-turbo. The library reports errors by longjmp, so functions that call it have no local C++ objects
// with destructors. Warnings about lost pixel data are treated as errors; other warnings are ignored.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
// both headers require <cstdio>, and jerror.h requires the macros of jpeglib.h
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "io/images/image_decoders.h"

namespace shcnn::io {
namespace {

constexpr long kMaxCoefficientBytes = 256l << 20;  ///< memory for a progressive image, in addition to its pixels
constexpr int kMaxScans = 100;                     ///< typical images have about 10; each is a pass over the image
constexpr JDIMENSION kOneRow = 1;

/// Error state of libjpeg: the first error or loss of data.
struct JpegState : jpeg_error_mgr {
  jmp_buf jump;
  bool ended_early = false, lost = false, too_many_scans = false;
  char message[JMSG_LENGTH_MAX] = "";
};

JpegState& state_of(j_common_ptr jpeg) { return *static_cast<JpegState*>(jpeg->err); }

[[noreturn]] void on_error(j_common_ptr jpeg) {
  JpegState& state = state_of(jpeg);
  if (!state.lost) state.format_message(jpeg, state.message);
  std::longjmp(state.jump, 1);
}

void on_message(j_common_ptr jpeg, int level) {
  JpegState& state = state_of(jpeg);
  const bool loss = state.msg_code == JWRN_HIT_MARKER || state.msg_code == JWRN_HUFF_BAD_CODE ||
                    state.msg_code == JWRN_ARITH_BAD_CODE || state.msg_code == JWRN_MUST_RESYNC ||
                    state.msg_code == JWRN_JPEG_EOF;
  if (level >= 0 || !loss || state.lost) return;
  state.lost = true;
  state.ended_early = state.msg_code == JWRN_JPEG_EOF;
  state.format_message(jpeg, state.message);
}

void on_output(j_common_ptr) {}

void on_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMaxScans) return;
  state_of(jpeg).too_many_scans = true;
  std::longjmp(state_of(jpeg).jump, 1);
}

void set_up(JpegState& state) {
  jpeg_std_error(&state);
  state.error_exit = on_error;
  state.emit_message = on_message;
  state.output_message = on_output;
}

class JpegReader {
 public:
  JpegReader() { set_up(state_); }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  bool read_header(std::span<const uint8_t> bytes) {
    jpeg_.err = &state_;
    if (setjmp(state_.jump)) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.mem->max_memory_to_use = kMaxCoefficientBytes;
    progress_.progress_monitor = on_progress;
    jpeg_.progress = &progress_;
    jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(&jpeg_, bytes.data(), bytes.size());
    jpeg_read_header(&jpeg_, TRUE);
    orientation_ = find_orientation();  // libjpeg frees the markers when decoding ends
    return true;
  }
  int64_t width() const { return jpeg_.image_width; }
  int64_t height() const { return jpeg_.image_height; }

  /// Decodes the pixels up to the end marker; returns false on error.
  bool read_pixels(Image& image) {
    if (setjmp(state_.jump)) return false;
    const bool cmyk = jpeg_.num_components == 4;
    jpeg_.out_color_space = cmyk ? JCS_CMYK : image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&jpeg_);
    const size_t row_bytes = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
    JSAMPARRAY buffer = nullptr;
    if (cmyk) {
      buffer = (*jpeg_.mem->alloc_sarray)(reinterpret_cast<j_common_ptr>(&jpeg_), JPOOL_IMAGE, jpeg_.output_width * 4,
                                          kOneRow);
    }
    while (jpeg_.output_scanline < jpeg_.output_height && !state_.lost) {
      JSAMPROW row = image.pixels.data() + jpeg_.output_scanline * row_bytes;
      jpeg_read_scanlines(&jpeg_, cmyk ? buffer : &row, kOneRow);
      if (cmyk) convert_cmyk(buffer[0], row, image);
    }
    if (!state_.lost) jpeg_finish_decompress(&jpeg_);
    return !state_.lost;
  }
  int orientation() const { return orientation_; }
  [[noreturn]] void fail(const EncodedImage& from) const {
    if (state_.too_many_scans) {
      refuse_image(from, "has more than " + std::to_string(kMaxScans) + " scans", "save it anew");
    }
    if (state_.msg_code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (state_.msg_code == JERR_NO_BACKING_STORE) {
      refuse_image(from, "is progressive and needs more than 256 MB of memory", "save it as baseline JPEG or smaller");
    }
    const bool no_header = state_.msg_code == JERR_NO_IMAGE || state_.msg_code == JERR_EMPTY_IMAGE;
    refuse_damaged(from, state_.ended_early || no_header ? "" : state_.message);
  }

 private:
  int find_orientation() const {
    constexpr size_t kExifMark = 6;  // "Exif" and two zero bytes
    const jpeg_saved_marker_ptr marker = jpeg_.marker_list;
    if (!marker || marker->data_length <= kExifMark) return 1;
    return exif_orientation({marker->data + kExifMark, marker->data_length - kExifMark});
  }

  /// Converts a row of CMYK with inverted ink values, as written by Adobe programs.
  static void convert_cmyk(const JSAMPLE* from, JSAMPLE* to, const Image& image) {
    for (int x = 0; x < image.width; ++x, from += 4) {
      const int k = from[3];
      const auto light = [k](int ink) { return k - (((255 - ink) * k) >> 8); };
      const int red = light(from[0]), green = light(from[1]), blue = light(from[2]);
      if (image.channels == 1) {
        *to++ = gray_of(red, green, blue);
      } else {
        *to++ = static_cast<uint8_t>(red);
        *to++ = static_cast<uint8_t>(green);
        *to++ = static_cast<uint8_t>(blue);
      }
    }
  }

  JpegState state_;
  int orientation_ = 1;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

class JpegWriter {
 public:
  JpegWriter() { set_up(state_); }
  ~JpegWriter() {
    jpeg_destroy_compress(&jpeg_);
    std::free(bytes_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  bool write(const Image& image, int quality) {
    jpeg_.err = &state_;
    if (setjmp(state_.jump)) return false;
    jpeg_create_compress(&jpeg_);
    jpeg_mem_dest(&jpeg_, &bytes_, &count_);
    jpeg_.image_width = static_cast<JDIMENSION>(image.width);
    jpeg_.image_height = static_cast<JDIMENSION>(image.height);
    jpeg_.input_components = image.channels;
    jpeg_.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg_);
    jpeg_set_quality(&jpeg_, quality, TRUE);
    jpeg_start_compress(&jpeg_, TRUE);
    const size_t row_bytes = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
    while (jpeg_.next_scanline < jpeg_.image_height) {
      // libjpeg's interface takes pointers to non-const bytes
      JSAMPROW row = const_cast<JSAMPROW>(image.pixels.data()) + jpeg_.next_scanline * row_bytes;
      jpeg_write_scanlines(&jpeg_, &row, kOneRow);
    }
    jpeg_finish_compress(&jpeg_);
    return true;
  }
  bool out_of_memory() const { return state_.msg_code == JERR_OUT_OF_MEMORY; }
  const char* message() const { return state_.message; }
  std::span<const uint8_t> bytes() const { return {bytes_, count_}; }

 private:
  JpegState state_;
  jpeg_compress_struct jpeg_{};
  unsigned char* bytes_ = nullptr;
  unsigned long count_ = 0;
};

}  // namespace

Image decode_jpeg(const EncodedImage& from, int channels) {
  JpegReader reader;
  if (!reader.read_header(from.bytes)) reader.fail(from);
  Image image = make_image(from, reader.width(), reader.height(), channels);
  if (!reader.read_pixels(image)) reader.fail(from);
  return upright(std::move(image), reader.orientation());
}

std::vector<uint8_t> encode_jpeg(const Image& image, int quality) {
  check_encodable(image);
  JpegWriter writer;
  if (!writer.write(image, quality)) {
    if (writer.out_of_memory()) throw std::bad_alloc();
    throw Error(ErrorKind::kUsage, "jpeg", "", writer.message(), "JPEG holds at most 65535 x 65535 pixels");
  }
  return {writer.bytes().begin(), writer.bytes().end()};
}

}  // namespace shcnn::io
