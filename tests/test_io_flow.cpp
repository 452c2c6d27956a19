// .flo and .npy: the bytes of the formats, reading back what was written, and one-line errors for damaged files.
// Frames: folders in numerical order, gaps and wrong sizes reported by name, videos read one frame at a time.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>
#include <random>

#include "io/clips/frames.h"
#include "io/formats/flo.h"
#include "io/formats/npy.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;

std::vector<float> random_values(std::mt19937_64& random, size_t count) {
  std::uniform_real_distribution<float> uniform(-9, 9);
  std::vector<float> out(count);
  for (float& v : out) v = uniform(random);
  return out;
}

/// Error of reading a file with these bytes, without the file's name; "no error" if it is read.
std::string complaint(const std::filesystem::path& path, const std::string& bytes,
                      const std::function<void(const std::filesystem::path&)>& read) {
  put(path, bytes);
  ErrorKind kind = ErrorKind::kBadData;
  const std::string text = error_text([&] { read(path); }, &kind);
  if (kind != ErrorKind::kBadData) return "an error of another kind: " + text;
  const std::string prefix = path.string() + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

/// Tries every truncation and every flipped bit, each of which must be read or refused; returns the number refused.
int refused_changes(const std::filesystem::path& path, const std::string& good,
                    const std::function<void(const std::filesystem::path&)>& read) {
  int refused = 0;
  for (size_t size = 0; size < good.size(); ++size) {
    const std::string text = complaint(path, good.substr(0, size), read);
    INFO(size << " bytes: " << text);
    REQUIRE(text != "no error");
    ++refused;
  }
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    const std::string text = complaint(path, changed, read);
    REQUIRE(text.find("another kind") == std::string::npos);
    refused += text != "no error";
  }
  return refused;
}

const auto kReadFlo = [](const std::filesystem::path& path) { read_flo(path); };
const auto kReadNpy = [](const std::filesystem::path& path) { read_npy(path); };

}  // namespace

TEST_CASE("flow files come back, byte for byte as the formats have them", "[io][flow]") {
  std::mt19937_64 random(shcnn::test::options().seed);
  TemporaryFolder folder;
  for (int round = 0; round < 100; ++round) {
    const auto height = static_cast<int64_t>(1 + random() % 9), width = static_cast<int64_t>(1 + random() % 9);
    const std::vector<float> values = random_values(random, static_cast<size_t>(2 * height * width));
    write_flo(folder / "a.flo", height, width, values, Overwrite::kYes);
    const FlowArray flow = read_flo(folder / "a.flo");
    CHECK(flow.height == height);
    CHECK(flow.width == width);
    CHECK(flow.values == values);
    const std::array<int64_t, 3> shape = {height, width, 2};
    write_npy(folder / "a.npy", shape, values, Overwrite::kYes);
    const NpyArray array = read_npy(folder / "a.npy");
    CHECK(array.shape == std::vector<int64_t>(shape.begin(), shape.end()));
    CHECK(array.values == values);
    CHECK(get(folder / "a.npy").size() % 64 == values.size() * 4 % 64);
  }
  const std::vector<float> two = {1.0f, -2.0f};
  write_flo(folder / "b.flo", 1, 1, two, Overwrite::kYes);
  CHECK(get(folder / "b.flo") == std::string("PIEH\1\0\0\0\1\0\0\0\0\0\x80\x3f\0\0\0\xc0", 20));
  write_npy(folder / "b.npy", std::array<int64_t, 1>{2}, two, Overwrite::kYes);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  header.append(117 - header.size(), ' ');
  CHECK(get(folder / "b.npy") ==
        std::string("\x93NUMPY\1\0v\0", 10) + header + "\n" + std::string("\0\0\x80\x3f\0\0\0\xc0", 8));
  const std::vector<double> tenth = {0.1};
  write_npy(folder / "d.npy", std::array<int64_t, 1>{1}, tenth, Overwrite::kYes);
  CHECK(get(folder / "d.npy").find("'<f8', 'fortran_order': False, 'shape': (1,), }") != std::string::npos);
  CHECK(get(folder / "d.npy").substr(128) == std::string("\x9a\x99\x99\x99\x99\x99\xb9\x3f"));
  CHECK_THAT(error_text([&] { write_flo(folder / "b.flo", 1, 1, two, Overwrite::kNo); }),
             Catch::Contains("already there"));
  CHECK_THAT(error_text([&] { write_flo(folder / "c.flo", 1, 2, two, Overwrite::kNo); }),
             Catch::Contains("(height, width, 2)"));
  CHECK_THAT(error_text([&] { write_npy(folder / "c.npy", std::array<int64_t, 1>{3}, two, Overwrite::kNo); }),
             Catch::Contains("shape"));
  CHECK(folder.entries() == 5);
}

TEST_CASE("scalars, empty arrays and version 2 are arrays too", "[io][flow]") {
  TemporaryFolder folder;
  const auto npy = [&](const std::string& shape, const std::string& data, int version = 1) {
    const std::string header = "{\"shape\": " + shape + ", 'fortran_order': False, 'descr': '<f4'}\n";
    std::string out =
        std::string("\x93NUMPY") + static_cast<char>(version) + '\0' + static_cast<char>(header.size()) + '\0';
    if (version == 2) out += std::string(2, '\0');
    put(folder / "a.npy", out + header + data);
    return read_npy(folder / "a.npy");
  };
  CHECK(npy("()", std::string("\0\0\x80\x3f", 4)).values == std::vector<float>{1});
  CHECK(npy("(0, 5)", "").values.empty());
  CHECK(npy("(1,)", std::string("\0\0\x80\x3f", 4), 2).values == std::vector<float>{1});
}

TEST_CASE("damaged flow files are refused with their reason", "[io][flow]") {
  TemporaryFolder folder;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  write_flo(folder / "good.flo", 2, 3, values, Overwrite::kNo);
  const std::string flo = get(folder / "good.flo");
  const auto flo_says = [&](const std::string& bytes) { return complaint(folder / "bad.flo", bytes, kReadFlo); };
  const auto with = [](std::string bytes, size_t at, const std::string& other) {
    return bytes.replace(at, other.size(), other);
  };
  CHECK(flo_says("") == "has 0 bytes, a .flo file at least 12; copy or make it again");
  CHECK(flo_says(with(flo, 0, "PIEG")) == "byte 0: does not begin with PIEH; is this a .flo file?");
  CHECK(flo_says(with(flo, 4, std::string(4, '\0'))) ==
        "byte 4: a size of 0 x 2 makes no sense; copy or make it again");
  CHECK(flo_says(with(flo, 8, "\xff\xff\xff\xff")) == "byte 4: a size of 3 x -1 makes no sense; copy or make it again");
  CHECK(flo_says(with(flo, 4, std::string("\0\0\x10\0\0\0\x10\0", 8))) ==
        "has 60 bytes, 8796093022220 are due for 1048576 x 1048576 vectors; it was cut short or is damaged: copy or "
        "make it again");
  CHECK_THAT(flo_says(flo + "x"), Catch::Contains("has 61 bytes, 60 are due"));
  CHECK(flo_says(with(flo, 12 + 4 * 7, "\xff\xff\xff\x7f")) == "byte 40: holds NaN in row 1, column 0; make it again");
  CHECK_THAT(error_text([&] { read_flo(folder / "none.flo"); }), Catch::Contains("there is no such file"));
  CHECK(refused_changes(folder / "bad.flo", flo, kReadFlo) > 60);

  write_npy(folder / "good.npy", std::array<int64_t, 3>{2, 3, 2}, values, Overwrite::kNo);
  const std::string npy = get(folder / "good.npy");
  const auto npy_says = [&](const std::string& bytes) { return complaint(folder / "bad.npy", bytes, kReadNpy); };
  const auto renamed = [&](const std::string& from, const std::string& to) { return with(npy, npy.find(from), to); };
  CHECK(npy_says("") == "is too short for a .npy file; copy or make it again");
  CHECK(npy_says(with(npy, 1, "n")) == "byte 0: is no .npy file; save it with numpy.save");
  CHECK(npy_says(with(npy, 6, "\3")) == "byte 6: is of version 3, 1 and 2 are read; save it with numpy.save");
  CHECK_THAT(npy_says(with(npy, 8, "\xff\xff")), Catch::Contains("byte 8: a header of 65535 bytes does not fit"));
  CHECK_THAT(npy_says(renamed("'descr'", "'descx'")), Catch::Contains("the header is not as numpy writes it"));
  CHECK(npy_says(renamed("<f4", "<f8")) == "holds elements of type '<f8', '<f4' is read; save it as numpy.float32");
  CHECK(npy_says(renamed("False,", "True, ")) == "is in Fortran order; save numpy.ascontiguousarray of it");
  CHECK_THAT(npy_says(renamed("(2, 3, 2)", "(2, 3, 3)")),
             Catch::Contains("has 48 bytes of elements, not those of its shape"));
  CHECK_THAT(npy_says(renamed("(2, 3, 2), }  ", "(999999999,) }")), Catch::Contains("not those of its shape"));
  CHECK_THAT(npy_says(renamed("(2, 3, 2), }                                       ",
                              "(4294967296, 4294967296, 4294967296, 4294967296) }  ")),
             Catch::Contains("not those of its shape"));  // 2^128 elements
  CHECK_THAT(npy_says(renamed("(2, 3, 2)", "(2,-3, 2)")), Catch::Contains("the header is not"));
  CHECK(npy_says(with(npy, npy.size() - 4, "\xff\xff\xff\x7f")) == "byte 172: holds NaN in element 11; make it again");
  CHECK(refused_changes(folder / "bad.npy", npy, kReadNpy) > 176);
}

namespace {

void put_image(const std::filesystem::path& path, int width, int height, int value) {
  cv::imwrite(path.string(), cv::Mat(height, width, CV_8U, cv::Scalar(value)));
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& path : numbered_images(folder)) names.push_back(path.filename().string());
  return names;
}

}  // namespace

TEST_CASE("frames of a folder come in counting order", "[io][flow]") {
  TemporaryFolder folder;
  for (const int i : {8, 9, 10, 11, 12}) put_image(folder / ("image" + std::to_string(i) + ".png"), 6, 4, 10 * i);
  put(folder / "notes.txt", "not a frame");
  put(folder / ".image7.png", "hidden");
  CHECK(names_in(folder.path()) ==
        std::vector<std::string>{"image8.png", "image9.png", "image10.png", "image11.png", "image12.png"});
  const auto reader = open_clip(folder.path());
  CHECK(reader->expected() == 5);
  Frame frame;
  for (const int i : {8, 9, 10, 11, 12}) {
    REQUIRE(reader->next(frame));
    CHECK(frame.name == (folder / ("image" + std::to_string(i) + ".png")).string());
    CHECK(frame.width == 6);
    CHECK(frame.height == 4);
    CHECK(frame.pixels == std::vector<uint8_t>(24, static_cast<uint8_t>(10 * i)));
  }
  CHECK_FALSE(reader->next(frame));
}

namespace {

/// Error of listing a folder with files of these names, without the folder's path.
std::string listed(const std::vector<std::string>& names) {
  TemporaryFolder folder;
  for (const std::string& name : names) put(folder / name, "");
  const std::string prefix = folder.path().string() + "/";
  const std::string text = error_text([&] { numbered_images(folder.path()); });
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

TEST_CASE("a missing frame is named; equal steps and other names are none of its business", "[io][flow]") {
  CHECK(listed({"img9.jpg", "img10.jpg", "img12.jpg"}) ==
        "img11.jpg: is missing between img10.jpg and img12.jpg; copy it again, or name the frames one by one");
  CHECK_THAT(listed({"006_0099.png", "006_0100.png", "006_0097.png"}), Catch::StartsWith("006_0098.png: is missing"));
  CHECK_THAT(listed({"s1_9_a.png", "s1_10_a.png", "s1_11_a.png", "s1_14_a.png"}),
             Catch::StartsWith("s1_12_a.png: is missing"));
  CHECK(listed({"0.png", "10.png", "20.png", "30.png"}) == "no error");
  CHECK(listed({"onset.png", "apex.png", "offset.png"}) == "no error");
  CHECK(listed({"a1.png", "a2.png", "b7.png"}) == "no error");
  CHECK(listed({"1.png", "7.png"}) == "no error");
  CHECK_THAT(listed({"readme.txt"}), Catch::Contains("holds no image"));
}

TEST_CASE("a copy, a doubled frame and an image of another sequence are named", "[io][flow]") {
  for (const char* copy : {"img6 (1).jpg", "img6(1).jpg", "img6 - Copy.jpg", "img6 copy 2.jpg", "img6_1.jpg"}) {
    INFO(copy);
    const std::string expected = std::string(copy) + ": is named like a copy of a frame of img4.jpg to img8.jpg";
    CHECK_THAT(listed({"img4.jpg", "img5.jpg", "img6.jpg", "img7.jpg", "img8.jpg", copy}), Catch::StartsWith(expected));
    CHECK_THAT(listed({"img4.jpg", "img5.jpg", "img7.jpg", "img8.jpg", copy}), Catch::StartsWith(expected));
  }
  CHECK_THAT(listed({"a1.png", "a2.png", "a3.png", "reg_a4.png"}),
             Catch::StartsWith("reg_a4.png: is no frame of the sequence a1.png to a3.png"));
  CHECK_THAT(listed({"a1.png", "a2.png", "a3.png", "a2.jpg"}), Catch::StartsWith("a2.jpg: is no frame"));
  CHECK_THAT(listed({"a1.png", "a2.png", "a3.png", "overview.png"}), Catch::StartsWith("overview.png: is no frame"));
  CHECK_THAT(listed({"a1.png", "a02.png", "a2.png", "a3.png"}), Catch::Contains(": has the number of a"));
  // names that a file manager gives to files renamed together form a sequence
  CHECK(listed({"sub01 (1).png", "sub01 (2).png", "sub01 (3).png"}) == "no error");
  CHECK_THAT(listed({"sub01 (1).png", "sub01 (2).png", "sub01 (4).png"}),
             Catch::StartsWith("sub01 (3).png: is missing"));
  // all frames of a folder downloaded a second time
  CHECK_THAT(listed({"img1 (1).png", "img2 (1).png", "img4 (1).png"}), Catch::StartsWith("img3 (1).png: is missing"));
}

TEST_CASE("frames that cannot be used are named", "[io][flow]") {
  TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) put_image(folder / ("f" + std::to_string(i) + ".png"), 8, 8, i);
  Frame frame;
  const auto all = [&] {
    const auto reader = open_clip(folder.path());
    while (reader->next(frame)) {
    }
  };
  CHECK(error_text(all) == "no error");
  put_image(folder / "f2.png", 8, 9, 1);
  CHECK_THAT(error_text(all), Catch::Contains("f2.png: has 8 x 9 pixels, the first frame 8 x 8"));
  put(folder / "f2.png", "\x89PNG\r\n\x1a\n and nothing more");
  CHECK_THAT(error_text(all), Catch::Contains("f2.png: is cut short"));
  CHECK_THAT(error_text([&] { open_clip(folder / "none"); }), Catch::Contains("none: does not exist"));
  CHECK_THAT(error_text([&] { open_clip(folder / "f1.png"); }), Catch::Contains("f1.png: is one image"));
  put(folder / "clip.avi", "no video at all");
  CHECK_THAT(error_text([&] { open_clip(folder / "clip.avi"); }), Catch::Contains("cannot be read as a video"));
}

TEST_CASE("a video's frames come one by one", "[io][flow]") {
  TemporaryFolder folder;
  const int count = 9;
  {
    cv::VideoWriter writer((folder / "clip.avi").string(), cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 25, {64, 48});
    REQUIRE(writer.isOpened());
    for (int i = 0; i < count; ++i) writer.write(cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(20 + 20 * i)));
  }
  const auto reader = open_clip(folder / "clip.avi");
  CHECK(reader->expected() == count);
  Frame frame;
  for (int i = 0; i < count; ++i) {
    REQUIRE(reader->next(frame));
    CHECK(frame.name == (folder / "clip.avi").string() + ", frame " + std::to_string(i));
    REQUIRE(frame.pixels.size() == 64 * 48);
    CHECK(std::abs(frame.pixels[1000] - (20 + 20 * i)) <= 3);
  }
  CHECK_FALSE(reader->next(frame));
}

}  // namespace shcnn::io
