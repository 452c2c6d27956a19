// The module shcnn_images: WebP with libwebp, TIFF with libtiff.
#include "io/media/images.h"

#include <tiffio.h>
#include <webp/decode.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr const char* kNoMemory = "out of memory";

// --- WebP ------------------------------------------------------------------------------------------------------------

const char* text_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OK:
      return nullptr;
    case VP8_STATUS_OUT_OF_MEMORY:
      return kNoMemory;
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "is cut short or damaged";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "is of a kind of WebP that cannot be read";
    default:
      return "is cut short or damaged";
  }
}

const char* webp_size(const uint8_t* bytes, size_t count, int64_t* width, int64_t* height) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(bytes, count, &features);
  if (status != VP8_STATUS_OK) return text_of(status);
  if (features.has_animation) return "is an animation, not one image";
  *width = features.width;
  *height = features.height;
  return nullptr;
}

const char* webp_decode(const uint8_t* bytes, size_t count, int64_t width, int64_t height, uint8_t* out) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return "cannot be read by this version of libwebp";
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = out;
  config.output.u.RGBA.stride = static_cast<int>(3 * width);
  config.output.u.RGBA.size = static_cast<size_t>(3 * width * height);
  const VP8StatusCode status = WebPDecode(bytes, count, &config);
  WebPFreeDecBuffer(&config.output);
  return text_of(status);
}

// --- TIFF ------------------------------------------------------------------------------------------------------------

constexpr tmsize_t kMaxTiffAllocation = tmsize_t{256} << 20;  ///< for one allocation; sizes in the file are untrusted

/// A file in memory.
struct TiffBytes {
  const uint8_t* bytes;
  uint64_t count;
  uint64_t at = 0;
};

TiffBytes& of(thandle_t handle) { return *static_cast<TiffBytes*>(handle); }

tmsize_t tiff_read(thandle_t handle, void* out, tmsize_t count) {
  TiffBytes& file = of(handle);
  if (file.at >= file.count || count <= 0) return 0;
  const uint64_t taken = std::min<uint64_t>(static_cast<uint64_t>(count), file.count - file.at);
  std::memcpy(out, file.bytes + file.at, taken);
  file.at += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t tiff_write(thandle_t, void*, tmsize_t) { return 0; }

toff_t tiff_seek(thandle_t handle, toff_t offset, int whence) {
  TiffBytes& file = of(handle);
  file.at = offset + (whence == SEEK_CUR ? file.at : whence == SEEK_END ? file.count : 0);
  return file.at;
}

int tiff_close(thandle_t) { return 0; }
toff_t tiff_count(thandle_t handle) { return of(handle).count; }
int tiff_map(thandle_t, void**, toff_t*) { return 0; }
void tiff_unmap(thandle_t, void*, toff_t) {}
int say_nothing(TIFF*, void*, const char*, const char*, va_list) { return 1; }

class Tiff {
 public:
  Tiff(const uint8_t* bytes, size_t count) : file_{bytes, count} {
    errno = 0;
    TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
    if (!options) return;
    TIFFOpenOptionsSetErrorHandlerExtR(options, say_nothing, nullptr);
    TIFFOpenOptionsSetWarningHandlerExtR(options, say_nothing, nullptr);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, kMaxTiffAllocation);
    tiff_ = TIFFClientOpenExt("image", "rm", &file_, tiff_read, tiff_write, tiff_seek, tiff_close, tiff_count, tiff_map,
                              tiff_unmap, options);
    TIFFOpenOptionsFree(options);
  }
  ~Tiff() {
    if (tiff_) TIFFClose(tiff_);
  }
  Tiff(const Tiff&) = delete;
  Tiff& operator=(const Tiff&) = delete;
  TIFF* get() const { return tiff_; }
  /// The reason of a failure. libtiff reports it only as text, but a failed malloc sets errno.
  static const char* failure() { return errno == ENOMEM ? kNoMemory : "is cut short or damaged"; }

 private:
  TiffBytes file_;
  TIFF* tiff_ = nullptr;
};

const char* tiff_size(const uint8_t* bytes, size_t count, int64_t* width, int64_t* height) {
  const Tiff tiff(bytes, count);
  uint32_t w = 0, h = 0;
  if (!tiff.get() || !TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &w) ||
      !TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &h)) {
    return Tiff::failure();
  }
  *width = w;
  *height = h;
  return nullptr;
}

const char* tiff_decode(const uint8_t* bytes, size_t count, int64_t width, int64_t height, uint8_t* out) {
  const Tiff tiff(bytes, count);
  char why[1024];
  if (!tiff.get()) return Tiff::failure();
  if (!TIFFRGBAImageOK(tiff.get(), why)) return "is of a kind of TIFF that cannot be read";
  const auto pixels = static_cast<size_t>(width * height);
  auto* rgba = static_cast<uint32_t*>(std::malloc(pixels * sizeof(uint32_t)));
  if (!rgba) return kNoMemory;
  const int good = TIFFReadRGBAImageOriented(tiff.get(), static_cast<uint32_t>(width), static_cast<uint32_t>(height),
                                             rgba, ORIENTATION_TOPLEFT, 1);
  for (size_t i = 0; good && i < pixels; ++i) {
    out[3 * i] = static_cast<uint8_t>(TIFFGetR(rgba[i]));
    out[3 * i + 1] = static_cast<uint8_t>(TIFFGetG(rgba[i]));
    out[3 * i + 2] = static_cast<uint8_t>(TIFFGetB(rgba[i]));
  }
  const char* failure = good ? nullptr : Tiff::failure();
  std::free(rgba);
  return failure;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const shcnn::io::ImageCodecs* shcnn_image_codecs_1() {
  static const shcnn::io::ImageCodecs codecs{{webp_size, webp_decode}, {tiff_size, tiff_decode}, kNoMemory};
  return &codecs;
}
