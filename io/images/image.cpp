// The decoder is selected by the first bytes of the file, not by its name.
#include "io/images/image.h"

#include <algorithm>
#include <array>
#include <new>
#include <opencv2/imgproc.hpp>
#include <string>
#include <string_view>

#include "io/files/input_file.h"
#include "io/files/text.h"
#include "io/images/image_decoders.h"

namespace shcnn::io {
namespace {

bool is_webp(std::string_view bytes) {
  return bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8).starts_with("WEBP");
}

bool is_tiff(std::string_view bytes) {
  return bytes.starts_with(std::string_view("II*\0", 4)) || bytes.starts_with(std::string_view("MM\0*", 4));
}

cv::Mat as_mat(const Image& image) {
  return cv::Mat(image.height, image.width, image.channels == 1 ? CV_8UC1 : CV_8UC3,
                 const_cast<uint8_t*>(image.pixels.data()));  // cv::Mat cannot refer to const data
}

}  // namespace

void refuse_image(const EncodedImage& from, std::string_view message, std::string_view fix) {
  throw Error(ErrorKind::kBadData, from.path, "", message, fix);
}

void refuse_damaged(const EncodedImage& from, std::string_view detail) {
  std::string message = "is cut short or damaged";
  if (!detail.empty()) message += " (" + std::string(detail) + ")";
  refuse_image(from, message);
}

void check_image_size(const std::filesystem::path& path, int64_t width, int64_t height) {
  if (height > 0 && width > 0 && height <= kMaxImagePixels / width) return;
  throw Error(ErrorKind::kBadData, path, "",
              "has " + std::to_string(width) + " x " + std::to_string(height) + " pixels, 1 to 64 million are allowed",
              "make it smaller or remove the file");
}

Image make_image(const EncodedImage& from, int64_t width, int64_t height, int channels) {
  check_image_size(from.path, width, height);
  Image image{static_cast<int>(height), static_cast<int>(width), channels, {}};
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  return image;
}

void check_encodable(const Image& image) {
  const bool sized = image.height > 0 && image.width > 0 && (image.channels == 1 || image.channels == 3);
  const size_t bytes =
      sized ? static_cast<size_t>(image.height) * static_cast<size_t>(image.width) * static_cast<size_t>(image.channels)
            : 0;
  if (sized && image.pixels.size() == bytes) return;
  throw Error(ErrorKind::kUsage, "image", "", "the image cannot be encoded", "pass an image of 1 or 3 channels");
}

bool is_image_name(const std::filesystem::path& path) {
  constexpr std::array<const char*, 8> kEndings{".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif"};
  return std::find(kEndings.begin(), kEndings.end(), lower_case(path.extension().string())) != kEndings.end();
}

Image read_image(const std::filesystem::path& path, int channels) {
  const std::string text = read_text(path, kMaxImageFileBytes, ErrorKind::kBadData);
  const std::string_view begin(text);
  const EncodedImage from{path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}};
  if (text.empty()) refuse_image(from, "is empty (0 bytes)");
  if (begin.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(from, channels);
  if (begin.starts_with("\xff\xd8")) return decode_jpeg(from, channels);
  if (begin.starts_with("BM")) return decode_bmp(from, channels);
  if (is_webp(begin)) return decode_by_module(from, "webp", channels);
  if (is_tiff(begin)) return decode_by_module(from, "tiff", channels);
  if (begin.starts_with("GIF8")) return decode_gif(from, channels);
  refuse_image(from, "is no PNG, JPEG, BMP, WebP, TIFF or GIF image", "convert it to PNG or remove the file");
}

Image resized(const Image& image, int height, int width) {
  if (image.height == height && image.width == width) return image;
  Image out{height, width, image.channels, {}};
  out.pixels.resize(static_cast<size_t>(height) * static_cast<size_t>(width) * static_cast<size_t>(image.channels));
  cv::Mat to = as_mat(out);
  try {
    cv::resize(as_mat(image), to, cv::Size(width, height), 0, 0, cv::INTER_LINEAR);
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    throw;
  }
  return out;
}

void write_png(const std::filesystem::path& path, const Image& image, Overwrite overwrite) {
  const std::vector<uint8_t> bytes = encode_png(image);
  AtomicFile file(path, overwrite);
  file.write(std::as_bytes(std::span(bytes)));
  file.commit();
}

}  // namespace shcnn::io
