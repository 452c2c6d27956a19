// The header decides whether a file is decoded at all: its format, its size in pixels, and that it does not end early.
#include "io/image.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "io/csv.h"
#include "io/input_file.h"

namespace shcnn::io {
namespace {

struct Size {
  int64_t height;
  int64_t width;
};

uint32_t big_endian(std::string_view bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// Size of a PNG whose chunks all lie within the file, from the first (IHDR) to the last (IEND).
std::optional<Size> png_size(std::string_view bytes) {
  constexpr size_t kSignature = 8, kChunkFrame = 12;  // frame: length, type, check sum
  std::optional<Size> size;
  for (size_t at = kSignature; at + kChunkFrame <= bytes.size();) {
    const uint32_t length = big_endian(bytes, at, 4);
    const std::string_view type = bytes.substr(at + 4, 4);
    if (length > bytes.size() - at - kChunkFrame) return std::nullopt;
    if (type == "IHDR" && length == 13) size = Size{big_endian(bytes, at + 12, 4), big_endian(bytes, at + 8, 4)};
    if (type == "IEND") return size;
    at += kChunkFrame + length;
  }
  return std::nullopt;
}

/// Size of a JPEG that has a frame header and, behind it, an end marker.
std::optional<Size> jpeg_size(std::string_view bytes) {
  for (size_t at = 2; at + 9 <= bytes.size();) {
    if (bytes[at] != '\xff') return std::nullopt;
    const uint32_t marker = big_endian(bytes, at + 1, 1);
    if (marker == 0xff) {  // padding before a marker
      ++at;
      continue;
    }
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) {
      if (bytes.find("\xff\xd9", at) == std::string_view::npos) return std::nullopt;
      return Size{big_endian(bytes, at + 5, 2), big_endian(bytes, at + 7, 2)};
    }
    at += 2 + big_endian(bytes, at + 2, 2);
  }
  return std::nullopt;
}

/// Size of a Windows bitmap, whose header says how long the file is.
std::optional<Size> bmp_size(std::string_view bytes) {
  if (bytes.size() < 26) return std::nullopt;
  uint32_t file_bytes = 0;
  int32_t width = 0, height = 0;
  std::memcpy(&file_bytes, bytes.data() + 2, 4);
  std::memcpy(&width, bytes.data() + 18, 4);
  std::memcpy(&height, bytes.data() + 22, 4);
  if (file_bytes > bytes.size()) return std::nullopt;
  return Size{height < 0 ? -int64_t{height} : height, width};
}

/// The image's size; throws where the bytes are no whole image of a known format.
Size size_of(const std::filesystem::path& path, std::string_view bytes) {
  const auto bad = [&](const char* message, const char* mend) {
    return Error(ErrorKind::kBadData, path, "", message, mend);
  };
  if (bytes.empty()) throw bad("is empty (0 bytes)", "copy the image again or remove the file");
  std::optional<Size> size;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) {
    size = png_size(bytes);
  } else if (bytes.starts_with("\xff\xd8")) {
    size = jpeg_size(bytes);
  } else if (bytes.starts_with("BM")) {
    size = bmp_size(bytes);
  } else {
    throw bad("is no PNG, JPEG or BMP image", "convert it to PNG or remove the file");
  }
  if (!size) throw bad("is cut short or damaged", "copy the image again or remove the file");
  return *size;
}

cv::Mat as_mat(const Image& image) {
  return cv::Mat(image.height, image.width, image.channels == 1 ? CV_8UC1 : CV_8UC3,
                 const_cast<uint8_t*>(image.pixels.data()));  // cv::Mat has no view of constant bytes
}

Image from_mat(const cv::Mat& mat) {
  Image out{mat.rows, mat.cols, mat.channels(), {}};
  const size_t row_bytes = static_cast<size_t>(mat.cols) * mat.elemSize();
  out.pixels.resize(static_cast<size_t>(mat.rows) * row_bytes);
  for (int y = 0; y < mat.rows; ++y) {
    std::memcpy(out.pixels.data() + static_cast<size_t>(y) * row_bytes, mat.ptr(y), row_bytes);
  }
  return out;
}

}  // namespace

bool is_image_name(const std::filesystem::path& path) {
  constexpr std::array<const char*, 4> kEndings{".png", ".jpg", ".jpeg", ".bmp"};
  return std::find(kEndings.begin(), kEndings.end(), lower_case(path.extension().string())) != kEndings.end();
}

Image read_image(const std::filesystem::path& path, int channels) {
  const std::string bytes = read_text(path, kMaxImageFileBytes, ErrorKind::kBadData);
  const Size size = size_of(path, bytes);
  if (size.height <= 0 || size.width <= 0 || size.height > kMaxImagePixels / size.width) {
    throw Error(ErrorKind::kBadData, path, "",
                "has " + std::to_string(size.width) + " x " + std::to_string(size.height) +
                    " pixels, 1 to 64 million are allowed",
                "make it smaller or remove the file");
  }
  cv::Mat mat;
  try {
    const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
    mat = cv::imdecode(encoded, channels == 1 ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
    if (channels == 3 && !mat.empty()) cv::cvtColor(mat, mat, cv::COLOR_BGR2RGB);
  } catch (const cv::Exception&) {
    mat.release();
  }
  if (mat.empty()) {
    throw Error(ErrorKind::kBadData, path, "", "cannot be decoded", "copy the image again or remove the file");
  }
  return from_mat(mat);
}

Image resized(const Image& image, int height, int width) {
  if (image.height == height && image.width == width) return image;
  cv::Mat out;
  cv::resize(as_mat(image), out, cv::Size(width, height), 0, 0, cv::INTER_LINEAR);
  return from_mat(out);
}

namespace {

std::vector<uint8_t> encoded(const char* format, const Image& image, const std::vector<int>& settings) {
  cv::Mat mat = as_mat(image);
  if (image.channels == 3) {
    cv::Mat swapped;
    cv::cvtColor(mat, swapped, cv::COLOR_RGB2BGR);
    mat = swapped;
  }
  std::vector<uint8_t> bytes;
  if (!cv::imencode(format, mat, bytes, settings)) {
    throw Error(ErrorKind::kUsage, format, "", "the image cannot be encoded", "pass an image of 1 or 3 channels");
  }
  return bytes;
}

}  // namespace

std::vector<uint8_t> encode_jpeg(const Image& image, int quality) {
  return encoded(".jpg", image, {cv::IMWRITE_JPEG_QUALITY, quality});
}

void write_png(const std::filesystem::path& path, const Image& image, Overwrite overwrite) {
  const std::vector<uint8_t> bytes = encoded(".png", image, {});
  AtomicFile file(path, overwrite);
  file.write(std::as_bytes(std::span(bytes)));
  file.commit();
}

}  // namespace shcnn::io
