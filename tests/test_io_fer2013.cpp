// FER2013's csv files: the content read equals the content written, all known layouts are read, and the error for a bad
// row names it.
#include <catch2/catch.hpp>
#include <chrono>
#include <random>

#include "io/faces/dataset_writers.h"
#include "io/faces/fer2013.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;

/// 2,304 numbers, number i being (first + i) % 256.
std::string pixel_text(int first, int count = 2304) {
  std::string out;
  for (int i = 0; i < count; ++i) out += (i > 0 ? " " : "") + std::to_string((first + i) % 256);
  return out;
}

FaceSet random_faces(uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  FaceSet faces;
  faces.class_names.assign(fer2013_classes().begin(), fer2013_classes().end());
  for (int i = 0; i < count; ++i) {
    for (int p = 0; p < 48 * 48; ++p) faces.pixels.push_back(static_cast<uint8_t>(random()));
    faces.labels.push_back(static_cast<int32_t>(random() % 7));
    for (int c = 0; c < 7; ++c) faces.probabilities.push_back(c == faces.labels.back() ? 1.0f : 0.0f);
    faces.usages.push_back(static_cast<Usage>(random() % 3));
    faces.names.push_back(row_name(i));
  }
  return faces;
}

/// Error of reading a fer2013.csv with this text, without the path; "no error" if it is read.
std::string outcome(const std::filesystem::path& path, const std::string& text) {
  put(path, text);
  ErrorKind kind = ErrorKind::kBadData;
  const std::string line = error_text([&] { read_fer2013(path); }, &kind);
  if (kind != ErrorKind::kBadData) return "an error of another kind: " + line;
  const std::string prefix = path.string() + ": ";
  return line.starts_with(prefix) ? line.substr(prefix.size()) : line;
}

}  // namespace

TEST_CASE("written faces come back from fer2013.csv", "[io][fer2013]") {
  const uint64_t seed = shcnn::test::options().seed;
  INFO("seed " << seed);
  TemporaryFolder folder;
  const FaceSet in = random_faces(seed, 20);
  write_fer2013_csv(folder / "fer2013.csv", in, Overwrite::kNo);
  const FaceSet out = read_fer2013(find_fer2013_csv(folder.path()));
  CHECK(out.pixels == in.pixels);
  CHECK(out.labels == in.labels);
  CHECK(out.probabilities == in.probabilities);
  CHECK(out.usages == in.usages);
  CHECK(out.names == in.names);
  CHECK(out.class_names == in.class_names);
  CHECK(out.rule == "all");
  CHECK(out.counts[0].rows + out.counts[1].rows + out.counts[2].rows == 20);
  const FaceSet part = out.select(Usage::kPublicTest);
  CHECK(part.size() == out.counts[1].rows);
  for (int64_t i = 0, j = 0; i < out.size(); ++i) {
    if (out.usages[static_cast<size_t>(i)] != Usage::kPublicTest) continue;
    REQUIRE(std::ranges::equal(part.image(j), out.image(i)));
    REQUIRE(part.names[static_cast<size_t>(j++)] == out.names[static_cast<size_t>(i)]);
  }
  CHECK_THAT(error_text([&] { write_fer2013_csv(folder / "fer2013.csv", in, Overwrite::kNo); }),
             Catch::Contains("already there"));
}

TEST_CASE("every layout of the csv file is read", "[io][fer2013]") {
  TemporaryFolder folder;
  const auto check = [&](const std::string& name, const std::string& text, Usage usage) {
    put(folder / name, text);
    const FaceSet faces = read_fer2013(folder / name);
    INFO(name);
    REQUIRE(faces.size() == 1);
    CHECK(faces.labels[0] == 3);
    CHECK(faces.usages[0] == usage);
    CHECK(faces.image(0)[0] == 7);
    CHECK(faces.image(0)[2303] == (7 + 2303) % 256);
  };
  const std::string p = pixel_text(7);
  check("fer2013.csv", "emotion,pixels,Usage\n3," + p + ",PublicTest\n", Usage::kPublicTest);
  check("a.csv", "emotion,pixels,Usage\r\n3,\"" + p + "\",PrivateTest\r\n\r\n", Usage::kPrivateTest);
  check("icml_face_data.csv", "emotion, Usage, pixels\n3,Training," + p, Usage::kTraining);
  check("b.csv", "\xef\xbb\xbf\"Usage\",\"emotion\",\"pixels\"\nTraining,3, " + p + " \n", Usage::kTraining);
  check("semicolons.csv", "emotion;pixels;Usage\n3;" + p + ";PublicTest\n", Usage::kPublicTest);
  check("tabs.csv", "emotion\tpixels\tUsage\n3\t" + p + "\tPublicTest\n", Usage::kPublicTest);
  check("train.csv", "emotion,pixels\n3," + p + "\n", Usage::kTraining);
  CHECK(find_fer2013_csv(folder.path()).filename() == "fer2013.csv");
}

TEST_CASE("bad csv files are refused with file, row and remedy", "[io][fer2013]") {
  TemporaryFolder folder;
  const auto path = folder / "fer2013.csv";
  const std::string head = "emotion,pixels,Usage\n", p = pixel_text(0);
  const std::string good = "3," + p + ",Training\n";
  const std::string remedy = "; correct or delete the line, or download the file again";
  const std::string columns =
      "; its columns must be emotion, pixels and (except train.csv) Usage, as in Kaggle's fer2013.csv";
  REQUIRE(outcome(path, head + good) == "no error");

  CHECK(outcome(path, "") == "is empty; download or copy it again");
  CHECK(outcome(path, head) == "line 2: no row follows the header; download or copy the file again");
  CHECK(outcome(path, "emotion,Usage\n") == "line 1: there is no column 'pixels'" + columns);
  CHECK(outcome(path, "pixels,Usage\n") == "line 1: there is no column 'emotion'" + columns);
  CHECK(outcome(path, "emotion,pixels\n3," + p + "\n") == "line 1: there is no column 'Usage'" + columns);
  CHECK(outcome(path, good) == "line 1: there is no column 'emotion'" + columns);
  CHECK(outcome(path, head + good + "3," + pixel_text(0, 2303) + ",Training\n") ==
        "line 3 (row 1): has 2303 pixels, 2304 (48 x 48) are expected" + remedy);
  CHECK(outcome(path, head + "3," + pixel_text(0, 2305) + ",Training\n") ==
        "line 2 (row 0): has 2305 pixels, 2304 (48 x 48) are expected" + remedy);
  CHECK(outcome(path, head + "3,,Training\n") == "line 2 (row 0): has 0 pixels, 2304 (48 x 48) are expected" + remedy);
  for (const char* value : {"256", "999", "1000", "99999999999999999999999", "-1", "1.5", "x", "0x1", "12\t13"}) {
    std::string pixels = pixel_text(0, 100);
    pixels += " " + std::string(value) + " " + pixel_text(0, 2203);
    CHECK(outcome(path, head + good + good + "3," + pixels + ",Training\n") ==
          "line 4 (row 2): pixel 100 is '" + printable(std::string(value).substr(0, 20)) +
              (std::string(value).size() > 20 ? "..." : "") + "', not a number from 0 to 255" + remedy);
  }
  CHECK(outcome(path, head + "7," + p + ",Training\n") ==
        "line 2 (row 0): emotion is '7', not a number from 0 to 6" + remedy);
  CHECK(outcome(path, head + "happy," + p + ",Training\n") ==
        "line 2 (row 0): emotion is 'happy', not a number from 0 to 6" + remedy);
  CHECK(outcome(path, head + "," + p + ",Training\n") ==
        "line 2 (row 0): emotion is '', not a number from 0 to 6" + remedy);
  for (const char* usage : {"training", "Test", "", "PublicTest2"}) {
    CHECK(outcome(path, head + "3," + p + "," + usage + "\n") ==
          "line 2 (row 0): unknown Usage '" + std::string(usage) + "'; use Training, PublicTest or PrivateTest");
  }
  const std::string cut =
      ", and no row follows; delete line 2 if it is text behind the last row; a file cut short ends like this too: "
      "download that again";
  CHECK(outcome(path, head + "3," + p + "\n") == "line 2 (row 0): has 2 fields, 3 are expected" + cut);
  CHECK(outcome(path, head + "3," + p + ",Training,x\n") == "line 2 (row 0): has 4 fields, 3 are expected" + cut);
  CHECK(outcome(path, head + good + "\n" + good) ==
        "line 3: is empty, but rows follow it; remove the line, or download the file again");
  // text after the last row, as in Kaggle's own file; and a bad line between rows
  const std::string tail =
      " if it is text behind the last row; a file cut short ends like this too: download that again";
  CHECK(outcome(path, head + good + "source: kaggle\n\nsee there\n") ==
        "line 3 (row 1): has 1 fields, 3 are expected, and no row follows; delete lines 3 to 5" + tail);
  CHECK(outcome(path, head + good + "\n\nsource: kaggle\n") ==
        "line 5: is no row of 3 fields, and no row follows; delete line 5" + tail);
  CHECK(outcome(path, head + good + "x\n" + good) == "line 3 (row 1): has 1 fields, 3 are expected" + remedy);
  CHECK(outcome(path, head + "3,\"" + p + ",Training\n") ==
        "line 2 (row 0): a quote is opened but not closed; correct the line");
  CHECK(outcome(path, head + "3,\"" + p + "\"x,Training\n") ==
        "line 2 (row 0): text follows a closing quote; correct the line");
  // files of another type, recognised by their first bytes
  CHECK(outcome(path, "\x1f\x8b\x08 ...") == "is a gzip archive; unpack it and name the file in it");
  CHECK(outcome(path, "PK\x03\x04 ...") ==
        "is a zip archive (or a workbook); unpack it and name the file in it, or save it as CSV");
  CHECK(outcome(path, std::string("\xff\xfe"
                                  "e\0m\0",
                                  6)) == "is UTF-16 text; save it as UTF-8 ('CSV UTF-8')");
  CHECK(outcome(path, "emotion,pixels,Usage\r3," + p + ",Training\r") ==
        "byte 20: its lines end with CR alone, as on old Macs; save it with line ends LF or CRLF");
  const std::string huge(5 << 20, '1');
  CHECK(outcome(path, head + huge) == "line 2: is longer than 1 MiB; is this the right csv file?");
  CHECK(outcome(path, huge) == "line 1: is longer than 1 MiB; is this the right csv file?");
  CHECK(outcome(path, head + std::string(huge.size(), '\0')).starts_with("line 2: is longer than 1 MiB"));
  CHECK(error_text([&] { read_fer2013(folder / "none.csv"); }) ==
        (folder / "none.csv").string() + ": there is no such file; check the path");
  TemporaryFolder empty;
  CHECK(error_text([&] { find_fer2013_csv(empty.path()); }) ==
        empty.path().string() +
            ": holds no fer2013.csv, icml_face_data.csv or train.csv; "
            "unpack Kaggle's FER2013 there, or name the csv file itself");
}

TEST_CASE("every truncation and every flipped bit of a csv file is read or refused in one line", "[io][fer2013]") {
  TemporaryFolder folder;
  const auto path = folder / "fer2013.csv";
  std::string zeros = "0";
  for (int i = 1; i < 2304; ++i) zeros += " 0";
  const std::string golden = "emotion,pixels,Usage\n3," + zeros + ",Training\n";
  REQUIRE(golden.size() < 5000);
  for (size_t n = 0; n < golden.size(); ++n) {
    const std::string text = outcome(path, golden.substr(0, n));
    // a file that lacks only the last newline is complete
    if ((text == "no error") != (n == golden.size() - 1)) FAIL_CHECK("cut to " << n << " bytes: " << text);
    if (text.starts_with("an error of")) FAIL_CHECK("cut to " << n << " bytes: " << text);
  }
  int accepted = 0;
  for (size_t bit = 0; bit < golden.size() * 8; ++bit) {
    std::string damaged = golden;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const std::string text = outcome(path, damaged);
    accepted += text == "no error" ? 1 : 0;
    if (text.starts_with("an error of")) FAIL_CHECK("bit " << bit << " flipped: " << text);
  }
  // '0' becomes '1', '2', '4', '8' or ' ': another pixel value is accepted, a missing pixel is not.
  CHECK(accepted > 2304 * 4);
  CHECK(accepted < 2304 * 4 + 100);
}

}  // namespace shcnn::io
