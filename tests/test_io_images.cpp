// Image files: the same bytes as OpenCV for every kind of PNG, JPEG, BMP, WebP and TIFF; damaged files and files with
// wrong sizes in their headers; writers equal to OpenCV's.
// jpeglib.h needs <cstdio>.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on
#include <png.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <random>

#include "io/files/module.h"
#include "io/images/image.h"
#include "io/media/images.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::put;
using test::TemporaryFolder;

std::string text_of(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

/// A smooth picture with some noise, of OpenCV's type `type`.
cv::Mat picture(int height, int width, int type, std::mt19937& random) {
  cv::Mat out(height, width, type);
  const int channels = out.channels();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width * channels; ++x) {
      const double value = 127 + 90 * std::sin(0.11 * x / channels + x % channels) * std::cos(0.07 * y);
      const auto noise = static_cast<double>(random() % 31);
      if (out.depth() == CV_16U) {
        out.ptr<uint16_t>(y)[x] = static_cast<uint16_t>(257 * value + 7 * noise);
      } else {
        out.ptr(y)[x] = static_cast<uint8_t>(value + noise);
      }
    }
  }
  return out;
}

std::string encoded(const char* format, const cv::Mat& mat, const std::vector<int>& settings = {}) {
  std::vector<uint8_t> bytes;
  REQUIRE(cv::imencode(format, mat, bytes, settings));
  return text_of(bytes);
}

std::vector<uint8_t> opencv_pixels(const std::string& bytes, int channels, cv::Size& size) {
  const cv::Mat all(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
  cv::Mat mat = cv::imdecode(all, channels == 1 ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
  REQUIRE(!mat.empty());
  if (channels == 3) cv::cvtColor(mat, mat, cv::COLOR_BGR2RGB);
  size = mat.size();
  return {mat.datastart, mat.dataend};
}

/// The gray and colour pixels equal OpenCV's, up to `tolerance` levels.
void check_equals_opencv(const std::string& what, const std::string& bytes, int tolerance = 0) {
  TemporaryFolder folder;
  put(folder / "image", bytes);
  for (const int channels : {1, 3}) {
    CAPTURE(what, channels);
    cv::Size size;
    const std::vector<uint8_t> wanted = opencv_pixels(bytes, channels, size);
    const Image image = read_image(folder / "image", channels);
    REQUIRE(image.width == size.width);
    REQUIRE(image.height == size.height);
    REQUIRE(image.channels == channels);
    REQUIRE(image.pixels.size() == wanted.size());
    int worst = 0;
    for (size_t i = 0; i < wanted.size(); ++i) worst = std::max(worst, std::abs(image.pixels[i] - wanted[i]));
    CHECK(worst <= tolerance);
  }
}

struct PngKind {
  int type, depth;
  bool interlaced = false, transparent = false, gamma = false;
  int orientation = 0;
};

/// Exif data with only an orientation.
std::string exif(int orientation, bool big_endian) {
  const std::string value(1, static_cast<char>(orientation));
  if (big_endian) {
    return std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19) + value + std::string("\0\0\0\0\0\0", 6);
  }
  return std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18) + value + std::string("\0\0\0\0\0\0\0", 7);
}

std::string png_bytes(const PngKind& kind, int width, int height, std::mt19937& random) {
  std::string out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp to, png_bytep bytes, size_t count) {
        static_cast<std::string*>(png_get_io_ptr(to))->append(reinterpret_cast<const char*>(bytes), count);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), kind.depth, kind.type,
               kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (kind.type == PNG_COLOR_TYPE_PALETTE) {
    std::vector<png_color> palette(size_t{1} << kind.depth);
    for (png_color& c : palette) {
      c = {static_cast<png_byte>(random()), static_cast<png_byte>(random()), static_cast<png_byte>(random())};
    }
    png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  }
  png_color_16 key{1, 1, 1, 1, 1};
  png_byte alphas[] = {0, 128};
  if (kind.transparent) png_set_tRNS(png, info, alphas, 2, &key);
  if (kind.gamma) png_set_gAMA(png, info, 0.5);
  std::string block = exif(kind.orientation, true);
  if (kind.orientation > 0) {
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(block.size()), reinterpret_cast<png_bytep>(block.data()));
  }
  png_write_info(png, info);
  std::vector<std::vector<png_byte>> rows(static_cast<size_t>(height));
  std::vector<png_bytep> pointers;
  for (auto& row : rows) {
    row.resize(png_get_rowbytes(png, info));
    for (png_byte& byte : row) byte = static_cast<png_byte>(random());
    pointers.push_back(row.data());
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

/// A JPEG of random pixels of colour space `in`, stored as `stored` (for example CMYK, or RGB without conversion).
std::string jpeg_bytes(J_COLOR_SPACE in, J_COLOR_SPACE stored, int components, std::mt19937& random) {
  constexpr int kWidth = 37, kHeight = 23;
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long count = 0;
  jpeg_mem_dest(&jpeg, &bytes, &count);
  jpeg.image_width = kWidth;
  jpeg.image_height = kHeight;
  jpeg.input_components = components;
  jpeg.in_color_space = in;
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, stored);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<JSAMPLE> row(static_cast<size_t>(kWidth * components));
  while (jpeg.next_scanline < jpeg.image_height) {
    for (JSAMPLE& sample : row) sample = static_cast<JSAMPLE>(random());
    JSAMPROW at = row.data();
    jpeg_write_scanlines(&jpeg, &at, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string out(reinterpret_cast<char*>(bytes), count);
  jpeg_destroy_compress(&jpeg);
  std::free(bytes);
  return out;
}

std::string little(uint64_t value, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

/// A BMP file: both headers, then `extra` (masks or palette), then the rows `pixels`.
std::string bmp_bytes(int width, int height, int bits, int compression, const std::string& extra,
                      const std::string& pixels, int colours = 0) {
  const uint64_t at = 14 + 40 + extra.size();
  return "BM" + little(at + pixels.size(), 4) + little(0, 4) + little(at, 4) + little(40, 4) +
         little(static_cast<uint32_t>(width), 4) + little(static_cast<uint32_t>(height), 4) + little(1, 2) +
         little(static_cast<uint64_t>(bits), 2) + little(static_cast<uint64_t>(compression), 4) +
         little(pixels.size(), 4) + little(2835, 4) + little(2835, 4) + little(static_cast<uint64_t>(colours), 4) +
         little(0, 4) + extra + pixels;
}

std::string noise(size_t count, std::mt19937& random) {
  std::string out(count, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

/// Error of read_image for these bytes, without the file's name; "no error" if it is read.
std::string says(const std::string& bytes, const std::string& name = "image") {
  TemporaryFolder folder;
  put(folder / name, bytes);
  const std::string prefix = (folder / name).string() + ": ";
  const std::string text = error_text([&] { read_image(folder / name, 3); });
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

long peak_kb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

std::string chunk(const std::string& type, const std::string& data) {
  std::string out;
  const auto big = [&](uint64_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  };
  big(data.size());
  out += type + data;
  // CRC-32, bit by bit
  uint32_t crc = 0xffffffff;
  for (const char c : type + data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  big(crc ^ 0xffffffff);
  return out;
}

std::string ihdr(const std::string& width, const std::string& height) {
  return chunk("IHDR", width + height + std::string("\x08\x02\0\0\0", 5));
}

/// A GIF with `frames` pictures of 2 x 2 pixels: its four colours, coded without compression.
std::string gif_bytes(int frames) {
  std::string out = "GIF89a" + little(2, 2) + little(2, 2) + "\xf1" + little(0, 2);
  out += std::string("\x0a\x14\x1e\xff\0\0\0\xff\0\0\0\xff", 12);
  for (int i = 0; i < frames; ++i) {
    out += "," + little(0, 2) + little(0, 2) + little(2, 2) + little(2, 2) + std::string("\0\x02", 2);
    // codes of 3 bits, lowest bits first: clear 4, 0, 1, clear, 2, 3, end 5
    const int codes[] = {4, 0, 1, 4, 2, 3, 5};
    uint64_t word = 0;
    for (int k = 0; k < 7; ++k) word |= static_cast<uint64_t>(codes[k]) << (3 * k);
    out += "\x03" + little(word, 3) + std::string("\0", 1);
  }
  return out + ";";
}

}  // namespace

TEST_CASE("every kind of PNG has OpenCV's bytes", "[io][image]") {
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  for (const bool interlaced : {false, true}) {
    for (const bool transparent : {false, true}) {
      for (const bool gamma : {false, true}) {
        for (const int depth : {1, 2, 4, 8, 16}) {
          for (const int type : {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_PALETTE, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB_ALPHA}) {
            if (type == PNG_COLOR_TYPE_PALETTE ? depth > 8 : type != PNG_COLOR_TYPE_GRAY && depth < 8) continue;
            if (transparent && (type & PNG_COLOR_MASK_ALPHA)) continue;
            const PngKind kind{type, depth, interlaced, transparent, gamma};
            const std::string name = "type " + std::to_string(type) + ", " + std::to_string(depth) + " bits" +
                                     (interlaced ? ", interlaced" : "") + (transparent ? ", tRNS" : "") +
                                     (gamma ? ", gAMA" : "");
            check_equals_opencv(name, png_bytes(kind, 19, 13, random));
          }
        }
      }
    }
  }
  for (int orientation = 1; orientation <= 9; ++orientation) {
    check_equals_opencv("eXIf " + std::to_string(orientation),
                        png_bytes({PNG_COLOR_TYPE_RGB, 8, false, false, false, orientation}, 11, 7, random));
  }
}

TEST_CASE("every kind of JPEG has OpenCV's bytes", "[io][image]") {
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  for (const int type : {CV_8UC1, CV_8UC3}) {
    for (const auto& [height, width] : {std::pair{48, 48}, {37, 61}, {1, 1}, {8, 200}}) {
      const cv::Mat mat = picture(height, width, type, random);
      for (const int quality : {5, 75, 100}) {
        check_equals_opencv("baseline", encoded(".jpg", mat, {cv::IMWRITE_JPEG_QUALITY, quality}));
        check_equals_opencv("progressive",
                            encoded(".jpg", mat, {cv::IMWRITE_JPEG_QUALITY, quality, cv::IMWRITE_JPEG_PROGRESSIVE, 1}));
        check_equals_opencv("restart", encoded(".jpg", mat, {cv::IMWRITE_JPEG_RST_INTERVAL, 2}));
      }
    }
  }
  check_equals_opencv("CMYK", jpeg_bytes(JCS_CMYK, JCS_CMYK, 4, random));
  check_equals_opencv("YCCK", jpeg_bytes(JCS_CMYK, JCS_YCCK, 4, random));
  check_equals_opencv("RGB", jpeg_bytes(JCS_RGB, JCS_RGB, 3, random));
  const std::string plain = encoded(".jpg", picture(23, 41, CV_8UC3, random));
  for (int orientation = 0; orientation <= 9; ++orientation) {
    for (const bool big_endian : {false, true}) {
      const std::string block = std::string("Exif\0\0", 6) + exif(orientation, big_endian);
      const std::string marker = std::string("\xff\xe1\0", 3) + static_cast<char>(block.size() + 2) + block;
      check_equals_opencv("Exif " + std::to_string(orientation), plain.substr(0, 2) + marker + plain.substr(2));
    }
  }
  // Lengths, offsets and counts that point outside the block are ignored and must not crash.
  for (size_t cut = 0; cut < 26; ++cut) {
    const std::string block = std::string("Exif\0\0", 6) + exif(6, false).substr(0, cut);
    const std::string marker = std::string("\xff\xe1\0", 3) + static_cast<char>(block.size() + 2) + block;
    CHECK(says(plain.substr(0, 2) + marker + plain.substr(2)) == "no error");
  }
}

TEST_CASE("every kind of BMP has OpenCV's bytes", "[io][image]") {
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    check_equals_opencv("written by OpenCV", encoded(".bmp", picture(13, 19, type, random)));
  }
  for (const int height : {5, -5}) {
    const std::string turned = height < 0 ? ", top down" : "";
    for (const int bits : {1, 4, 8}) {
      const std::string palette = noise(size_t{4} << bits, random);
      const size_t row = static_cast<size_t>((13 * bits + 31) / 32 * 4);
      check_equals_opencv(std::to_string(bits) + " bits" + turned,
                          bmp_bytes(13, height, bits, 0, palette, noise(5 * row, random)));
    }
    check_equals_opencv("16 bits" + turned, bmp_bytes(13, height, 16, 0, "", noise(5 * 28, random)));
    for (const bool six : {false, true}) {
      const std::string masks = six ? little(0xf800, 4) + little(0x7e0, 4) + little(0x1f, 4)
                                    : little(0x7c00, 4) + little(0x3e0, 4) + little(0x1f, 4);
      check_equals_opencv("16 bits, masks" + turned, bmp_bytes(13, height, 16, 3, masks, noise(5 * 28, random)));
    }
    check_equals_opencv("24 bits" + turned, bmp_bytes(13, height, 24, 0, "", noise(5 * 40, random)));
    check_equals_opencv("32 bits" + turned, bmp_bytes(13, height, 32, 0, "", noise(5 * 52, random)));
  }
  const std::string palette8 = noise(1024, random), palette4 = noise(64, random);
  // a run, literals, a skip, the end of rows, the end
  const std::string runs8("\x05\x07\0\x03\x01\x02\x03\0\0\0\x02\x09\0\x02\x01\x01\x02\x0a\0\0\x04\x0b\0\x01", 24);
  check_equals_opencv("run-length 8", bmp_bytes(8, 4, 8, 1, palette8, runs8));
  // expected pixels written by hand, because OpenCV 4.6 refuses this file
  const std::string runs4("\x05\x7a\0\x03\x12\x30\0\0\x02\x9b\0\0\x04\xbc\0\x01", 16);
  const std::vector<size_t> indices = {0, 0,  0, 0, 0, 0, 0, 0, 11, 12, 11, 12, 0, 0, 0, 0,
                                       9, 11, 0, 0, 0, 0, 0, 0, 7,  10, 7,  10, 7, 1, 2, 3};
  TemporaryFolder folder;
  put(folder / "runs.bmp", bmp_bytes(8, 4, 4, 2, palette4, runs4));
  const Image image = read_image(folder / "runs.bmp", 3);
  REQUIRE(image.pixels.size() == 3 * indices.size());
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    CHECK(image.pixels[i] == static_cast<uint8_t>(palette4[4 * indices[i / 3] + 2 - i % 3]));
  }
}

TEST_CASE("WebP and TIFF have OpenCV's bytes, a GIF has its own", "[io][image]") {
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    for (const auto& [height, width] : {std::pair{48, 48}, {37, 61}}) {
      const cv::Mat mat = picture(height, width, type, random);
      check_equals_opencv("WebP, lossy", encoded(".webp", mat, {cv::IMWRITE_WEBP_QUALITY, 80}));
      check_equals_opencv("WebP, lossless", encoded(".webp", mat, {cv::IMWRITE_WEBP_QUALITY, 101}));
      check_equals_opencv("TIFF, LZW", encoded(".tif", mat));
      check_equals_opencv("TIFF, plain", encoded(".tif", mat, {cv::IMWRITE_TIFF_COMPRESSION, 1}));
    }
  }
  for (const int type : {CV_16UC1, CV_16UC3}) {  // libtiff rounds, OpenCV truncates
    check_equals_opencv("TIFF of 16 bits", encoded(".tif", picture(20, 30, type, random)), 1);
  }
  TemporaryFolder folder;
  put(folder / "one.gif", gif_bytes(1));
  CHECK(read_image(folder / "one.gif", 3).pixels == std::vector<uint8_t>{10, 20, 30, 255, 0, 0, 0, 255, 0, 0, 0, 255});
  CHECK(read_image(folder / "one.gif", 1).pixels.size() == 4);
  CHECK_THAT(says(gif_bytes(2)), Catch::StartsWith("is an animation, not one image"));
  for (const char* name : {"a.PNG", "a.jpg", "a.JPEG", "a.bmp", "a.webp", "a.tif", "a.TIFF", "a.gif"}) {
    CHECK(is_image_name(name));
  }
  CHECK_FALSE(is_image_name("a.txt"));
}

TEST_CASE("images that are no whole image are refused with the reason", "[io][image]") {
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  const cv::Mat mat = picture(40, 40, CV_8UC3, random);
  const std::string png = encoded(".png", mat), jpeg = encoded(".jpg", mat), bmp = encoded(".bmp", mat);
  const std::string again = "; copy the image again or remove the file";
  CHECK(says("") == "is empty (0 bytes)" + again);
  CHECK(says("a letter") == "is no PNG, JPEG, BMP, WebP, TIFF or GIF image; convert it to PNG or remove the file");
  for (const std::string& whole : {png, jpeg, bmp}) {
    REQUIRE(says(whole) == "no error");
    CHECK(says(whole.substr(0, whole.size() / 2)) == "is cut short or damaged" + again);
    CHECK(says(whole.substr(0, 30)) == "is cut short or damaged" + again);
  }
  // half of the pixels, but with an end marker
  CHECK_THAT(says(jpeg.substr(0, jpeg.size() / 2) + "\xff\xd9"), Catch::StartsWith("is cut short or damaged (Corrupt"));
  std::string wrong = png;
  wrong[wrong.size() / 2] = static_cast<char>(wrong[wrong.size() / 2] ^ 16);
  CHECK_THAT(says(wrong), Catch::StartsWith("is cut short or damaged (IDAT: "));
  for (const char* format : {".webp", ".tif"}) {
    const std::string whole = encoded(format, mat);
    CHECK_THAT(says(whole.substr(0, whole.size() / 2)), Catch::StartsWith("is cut short or damaged"));
  }
  TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe.png").c_str(), 0600) == 0);
  CHECK_THAT(error_text([&] { read_image(folder / "pipe.png", 1); }), Catch::Contains("is not a regular file"));
  CHECK_THAT(error_text([&] { read_image("/dev/null", 1); }), Catch::Contains("is not a regular file"));
}

TEST_CASE("a size that other headers hide is found before anything is decoded", "[io][image]") {
  const std::string signature = "\x89PNG\r\n\x1a\n", small("\0\0\0\x10", 4), large("\0\0\x75\x30", 4);
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  const long before = peak_kb();
  const std::string refused =
      "has 30000 x 30000 pixels, 1 to 64 million are allowed; make it smaller or remove the file";
  const std::string rest = chunk("IDAT", std::string("\x78\x9c\x03\0\0\0\0\x01", 8)) + chunk("IEND", "");
  CHECK(says(signature + ihdr(large, large) + rest) == refused);
  CHECK_THAT(says(signature + ihdr(large, large) + ihdr(small, small) + rest),
             Catch::StartsWith("is cut short or damaged (IHDR: out of place)"));
  CHECK_THAT(says(signature + ihdr(small, small) + ihdr(large, large) + rest),
             Catch::StartsWith("is cut short or damaged"));

  // FF D0 has no length field: the real frame header follows directly.
  std::string jpeg = encoded(".jpg", picture(16, 16, CV_8UC3, random));
  const size_t frame = jpeg.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  const std::string frame_header = jpeg.substr(frame, 19);
  std::string huge = frame_header;
  huge.replace(5, 4, "\x75\x30\x75\x30");
  CHECK(says(jpeg.substr(0, frame) + huge + jpeg.substr(frame + 19)) == refused);
  std::string hidden = "\xff\xd8\xff\xd0" + huge + jpeg.substr(2, frame - 2) + jpeg.substr(frame + 19);
  const size_t decoy = 4 + 0xffc0;  // position that a reader reaches if it takes FF C0 for a length
  while (hidden.size() < decoy) {
    const size_t length = std::min<size_t>(decoy - hidden.size() - 2, 0xff00);
    hidden += std::string("\xff\xfe", 2) + static_cast<char>(length >> 8) + static_cast<char>(length) +
              std::string(length - 2, 'x');
  }
  hidden += frame_header + "\xff\xd9";
  CHECK(says(hidden) == refused);

  // memory that a progressive image needs in addition to its pixels
  std::string progressive = encoded(".jpg", picture(16, 16, CV_8UC3, random), {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  const size_t at = progressive.find("\xff\xc2");
  REQUIRE(at != std::string::npos);
  const size_t scan = progressive.find("\xff\xda"), next_scan = progressive.find("\xff\xc4", scan);
  REQUIRE(next_scan != std::string::npos);
  std::string scans = progressive.substr(0, scan);
  for (int i = 0; i < 200; ++i) scans += progressive.substr(scan, next_scan - scan);
  CHECK(says(scans + progressive.substr(next_scan)) == "has more than 100 scans; save it anew");
  CHECK(peak_kb() < before + 40'000);
  std::string bitmap = bmp_bytes(16, 16, 24, 0, "", std::string(768, 'x'));
  bitmap.replace(18, 8, little(30000, 4) + little(30000, 4));
  CHECK(says(bitmap) == refused);
  bitmap.replace(18, 8, little(0x7fffffff, 4) + little(0x80000000, 4));
  CHECK_THAT(says(bitmap), Catch::StartsWith("has 2147483647 x 2147483648 pixels"));
  bitmap.replace(18, 8, little(16, 4) + little(17, 4));
  CHECK_THAT(says(bitmap), Catch::StartsWith("is cut short or damaged"));
  progressive.replace(at + 5, 4, std::string("\x1f\x40\x1f\x40", 4));  // 8000 x 8000
  progressive[at + 11] = 0x11;                                         // colour at full resolution
  CHECK_THAT(says(progressive), Catch::StartsWith("is progressive and needs more than 256 MB of memory"));
}

TEST_CASE("a changed bit or a cut is an image or an error, never a crash", "[io][image]") {
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  const cv::Mat mat = picture(9, 11, CV_8UC3, random);
  TemporaryFolder folder;
  for (const std::string& whole :
       {png_bytes({PNG_COLOR_TYPE_PALETTE, 4, true, true}, 11, 9, random), encoded(".jpg", mat), encoded(".bmp", mat),
        bmp_bytes(8, 4, 8, 1, noise(1024, random), std::string("\x05\x07\0\x03\x01\x02\x03\0\0\x02\x02\x01\0\x01", 14)),
        encoded(".webp", mat), encoded(".tif", mat), gif_bytes(1)}) {
    int refused = 0;
    const auto read = [&](const std::string& bytes) {
      put(folder / "image", bytes);
      try {
        const Image image = read_image(folder / "image", 1);
        CHECK(image.pixels.size() == static_cast<size_t>(image.width) * static_cast<size_t>(image.height));
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::kBadData);
        ++refused;
      }
    };
    for (size_t cut = 0; cut < whole.size(); cut += 1 + whole.size() / 200) read(whole.substr(0, cut));
    for (int i = 0; i < 300; ++i) {
      std::string changed = whole;
      char& byte = changed[random() % changed.size()];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
      read(changed);
    }
    CHECK(refused > 20);
  }
}

TEST_CASE("written images are OpenCV's, byte for byte", "[io][image]") {
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  for (const int channels : {1, 3}) {
    const cv::Mat mat = picture(51, 67, channels == 1 ? CV_8UC1 : CV_8UC3, random);
    cv::Mat rgb = mat.clone();
    if (channels == 3) cv::cvtColor(mat, rgb, cv::COLOR_BGR2RGB);
    const Image image{51, 67, channels, {rgb.datastart, rgb.dataend}};
    CHECK((text_of(encode_png(image)) == encoded(".png", mat)));
    CHECK((text_of(encode_png(image, PngEffort::kSmallest)) == encoded(".png", mat, {cv::IMWRITE_PNG_COMPRESSION, 9})));
    for (const int quality : {1, 60, 95, 100}) {
      CHECK((text_of(encode_jpeg(image, quality)) == encoded(".jpg", mat, {cv::IMWRITE_JPEG_QUALITY, quality})));
    }
  }
  ErrorKind kind{};
  for (const Image& image :
       {Image{2, 2, 2, std::vector<uint8_t>(8)}, Image{0, 2, 1, {}}, Image{2, 2, 1, std::vector<uint8_t>(3)}}) {
    CHECK_THAT(error_text([&] { encode_png(image); }, &kind), Catch::Contains("cannot be encoded"));
    CHECK(kind == ErrorKind::kUsage);
    CHECK_THAT(error_text([&] { encode_jpeg(image, 90); }), Catch::Contains("cannot be encoded"));
  }
}

TEST_CASE("a module that is not there, or of another version, says how to fix it", "[io][module]") {
  ErrorKind kind{};
  const std::string absent = error_text([] { Module("shcnn_absent", "holograms", "libholo-dev"); }, &kind);
  CHECK(kind == ErrorKind::kUsage);
  CHECK_THAT(absent, Catch::StartsWith("libshcnn_absent.so: holograms need this module, which is not there (/"));
  CHECK_THAT(absent, Catch::Contains("lib/shcnn/libshcnn_absent.so") && Catch::Contains("install libholo-dev"));
  const Module module("shcnn_images", "WebP images", "libwebp-dev");
  CHECK_THAT(error_text([&] { module.functions<ImageCodecs>("shcnn_image_codecs_0"); }),
             Catch::Contains("is of another version of shcnn"));
}

}  // namespace shcnn::io
