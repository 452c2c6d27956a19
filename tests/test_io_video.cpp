// Videos: frames equal to OpenCV's and rotated upright; missing frames are counted; sizes and files that must not be
// decoded.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <random>

#include "io/clips/frames.h"
#include "io/images/video.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;

/// A moving texture, written by OpenCV.
void write_video(const std::filesystem::path& path, const char* codec, int count, cv::Size size) {
  cv::VideoWriter writer(path.string(), cv::CAP_FFMPEG, cv::VideoWriter::fourcc(codec[0], codec[1], codec[2], codec[3]),
                         25, size);
  REQUIRE(writer.isOpened());
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  cv::Mat texture(size.height + count, size.width + count, CV_8UC3);
  for (int i = 0; i < static_cast<int>(texture.total() * 3); ++i) texture.data[i] = static_cast<uint8_t>(random());
  cv::GaussianBlur(texture, texture, {9, 9}, 3);
  cv::normalize(texture, texture, 0, 255, cv::NORM_MINMAX);
  for (int i = 0; i < count; ++i) writer.write(texture(cv::Rect(cv::Point(i, i / 2), size)).clone());
}

void check_equals_opencv(const std::filesystem::path& path, int count) {
  cv::VideoCapture capture(path.string(), cv::CAP_FFMPEG);
  REQUIRE(capture.isOpened());
  Video colour(path), gray(path);
  cv::Mat frame;
  int frames = 0;
  for (Image image; capture.read(frame); ++frames) {
    CAPTURE(frames);
    cv::Mat rgb, gray_frame;
    cv::cvtColor(frame, rgb, cv::COLOR_BGR2RGB);
    cv::cvtColor(frame, gray_frame, cv::COLOR_BGR2GRAY);
    REQUIRE(colour.next(image, 3));
    REQUIRE((image.width == rgb.cols && image.height == rgb.rows));
    CHECK((image.pixels == std::vector<uint8_t>(rgb.datastart, rgb.dataend)));
    REQUIRE(gray.next(image, 1));
    CHECK((image.pixels == std::vector<uint8_t>(gray_frame.datastart, gray_frame.dataend)));
  }
  CHECK(frames == count);
  Image image;
  CHECK_FALSE(colour.next(image, 3));
  CHECK(colour.counts().decoded == count);
  CHECK(colour.counts().damaged == 0);
  CHECK_FALSE(colour.counts().ends_early);
}

VideoCounts counts_of(const std::filesystem::path& path) {
  Video video(path);
  Image image;
  while (video.next(image, 1)) {
  }
  return video.counts();
}

void put_number(std::string& bytes, size_t at, uint32_t value, bool big_endian) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> 8 * (big_endian ? 3 - i : i));
}

}  // namespace

TEST_CASE("a video has OpenCV's frames, and as many as it announces", "[io][video]") {
  TemporaryFolder folder;
  struct Kind {
    const char *name, *codec;
    bool announces;
  };
  for (const Kind& kind : {Kind{"a.avi", "MJPG", true}, Kind{"b.avi", "XVID", true}, Kind{"c.mp4", "mp4v", true},
                           Kind{"d.mp4", "avc1", true}, Kind{"e.mov", "mp4v", true}, Kind{"f.mkv", "mp4v", false},
                           Kind{"g.webm", "VP80", false}}) {
    for (const cv::Size size : {cv::Size(64, 48), cv::Size(98, 50)}) {
      CAPTURE(kind.name, size.width);
      write_video(folder / kind.name, kind.codec, 20, size);
      check_equals_opencv(folder / kind.name, 20);
      const VideoCounts counts = counts_of(folder / kind.name);
      CHECK(counts.announced == (kind.announces ? 20 : 0));
      CHECK(std::abs(counts.estimated - 20) <= 1);
    }
  }
}

TEST_CASE("frames of a turned video come upright", "[io][video]") {
  TemporaryFolder folder;
  write_video(folder / "plain.mp4", "mp4v", 3, {64, 48});
  const std::string plain = get(folder / "plain.mp4");
  const size_t header = plain.find("tkhd");
  REQUIRE(header != std::string::npos);
  const size_t matrix = header + 4 + 40;
  const uint32_t one = 0x10000, minus = 0xffff0000;
  struct Turn {
    uint32_t a, b, c, d;  // x' = a x + c y, y' = b x + d y, with y downwards
    cv::RotateFlags by;
  };
  // Not compared with cv::VideoCapture: OpenCV 4.6 does quarter turns in the other direction.
  for (const Turn& turn : {Turn{0, one, minus, 0, cv::ROTATE_90_CLOCKWISE}, Turn{minus, 0, 0, minus, cv::ROTATE_180},
                           Turn{0, minus, one, 0, cv::ROTATE_90_COUNTERCLOCKWISE}}) {
    CAPTURE(turn.by);
    std::string turned = plain;
    put_number(turned, matrix, turn.a, true);
    put_number(turned, matrix + 4, turn.b, true);
    put_number(turned, matrix + 12, turn.c, true);
    put_number(turned, matrix + 16, turn.d, true);
    put(folder / "turned.mp4", turned);
    Video video(folder / "turned.mp4"), as_stored(folder / "plain.mp4");
    Image image, stored;
    for (int i = 0; i < 3; ++i) {
      REQUIRE(video.next(image, 1));
      REQUIRE(as_stored.next(stored, 1));
      cv::Mat wanted;
      cv::rotate(cv::Mat(stored.height, stored.width, CV_8U, stored.pixels.data()), wanted, turn.by);
      REQUIRE((image.width == wanted.cols && image.height == wanted.rows));
      CHECK((image.pixels == std::vector<uint8_t>(wanted.datastart, wanted.dataend)));
    }
  }
}

TEST_CASE("frames that a video lacks or that are damaged are counted", "[io][video]") {
  TemporaryFolder folder;
  std::mt19937 random(static_cast<unsigned>(shcnn::test::options().seed));
  for (const auto& [name, codec] : {std::pair{"a.avi", "MJPG"}, {"b.mp4", "mp4v"}, {"c.mp4", "avc1"}}) {
    CAPTURE(name);
    write_video(folder / name, codec, 40, {64, 48});
    const std::string whole = get(folder / name);
    std::string wrong = whole;
    for (size_t i = whole.size() * 4 / 10; i < whole.size() * 5 / 10; ++i) wrong[i] = static_cast<char>(random());
    put(folder / name, wrong);
    const VideoCounts counts = counts_of(folder / name);
    CHECK(counts.announced == 40);
    CHECK(counts.decoded + 0 > 4);
    CHECK((counts.decoded < 40 || counts.damaged > 0));
  }
  write_video(folder / "cut.avi", "MJPG", 40, {64, 48});
  std::string cut = get(folder / "cut.avi");
  put(folder / "cut.avi", cut.substr(0, cut.size() / 2));
  VideoCounts counts = counts_of(folder / "cut.avi");
  CHECK(counts.announced == 40);
  CHECK((counts.decoded > 10 && counts.decoded < 30));
  // a format that announces a duration instead of a number of frames
  write_video(folder / "cut.mkv", "mp4v", 100, {64, 48});
  cut = get(folder / "cut.mkv");
  put(folder / "cut.mkv", cut.substr(0, cut.size() / 2));
  counts = counts_of(folder / "cut.mkv");
  CHECK(counts.ends_early);
}

TEST_CASE("what is no video, or too large, is refused before it is decoded", "[io][video]") {
  TemporaryFolder folder;
  const auto says = [&](const std::string& name) {
    const std::string prefix = (folder / name).string() + ": ", text = error_text([&] { open_clip(folder / name); });
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  };
  put(folder / "a.mp4", "no video at all");
  CHECK_THAT(says("a.mp4"), Catch::StartsWith("cannot be read as a video"));
  put(folder / "a.mp4", "");
  CHECK_THAT(says("a.mp4"), Catch::StartsWith("cannot be read as a video"));
  REQUIRE(::mkfifo((folder / "pipe.mp4").c_str(), 0600) == 0);
  CHECK_THAT(says("pipe.mp4"), Catch::StartsWith("is not a regular file"));
  CHECK_THAT(error_text([] { open_clip("/dev/zero"); }), Catch::Contains("is not a regular file"));
  write_video(folder / "real.mp4", "mp4v", 4, {64, 48});
  put(folder / "list.mp4",
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + (folder / "real.mp4").string() + "\n#EXT-X-ENDLIST\n");
  CHECK_THAT(says("list.mp4"), Catch::StartsWith("cannot be read as a video"));

  write_video(folder / "large.avi", "MJPG", 4, {64, 48});
  std::string large = get(folder / "large.avi");
  const size_t shape = large.find("strf") + 8;
  put_number(large, shape + 4, 30000, false);
  put_number(large, shape + 8, 30000, false);
  put(folder / "large.avi", large);
  CHECK(says("large.avi") ==
        "has 30000 x 30000 pixels, 1 to 64 million are allowed; make it smaller or remove the file");
}

}  // namespace shcnn::io
