// Tables, coding files and clips: the content read equals the content written, the columns of every edition are found,
// every planted gap is reported, and every bad file gives a one-line error that names the place.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "io/clips/clip_check.h"
#include "io/clips/clip_classes.h"
#include "io/clips/clip_set.h"
#include "io/clips/coding_table.h"
#include "io/formats/xlsx.h"
#include "io/images/image.h"
#include "io/synth/clip_motion.h"
#include "io/synth/clips.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;
using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(const Table& table) {
  Rows out;
  for (const TableRow& row : table.rows) out.push_back(row.cells);
  return out;
}

/// A clip's folder of tiny frames with these frame numbers.
void put_frames(const std::filesystem::path& folder, const std::string& prefix, std::initializer_list<int> numbers) {
  for (const int n : numbers) put(folder / (prefix + std::to_string(n) + ".jpg"), "not decoded by the readers");
}

bool tells(const ClipSet& clips, const std::string& where, const std::string& what) {
  return std::any_of(clips.problems.begin(), clips.problems.end(), [&](const Problem& p) {
    return p.place.find(where) != std::string::npos && p.message.find(what) != std::string::npos && !p.remedy.empty();
  });
}

}  // namespace

TEST_CASE("A workbook is read as it was written, and written the same twice", "[xlsx]") {
  const TemporaryFolder folder;
  const Rows rows = {{"Subject", "Filename"}, {"1", "EP02_01f", "", "46"}, {}, {"a<b & \"c\"", "", "007", "3.5"}};
  write_xlsx(folder / "a.xlsx", "Sheet & 1", rows, Overwrite::kNo);
  write_xlsx(folder / "b.xlsx", "Sheet & 1", rows, Overwrite::kNo);
  CHECK(get(folder / "a.xlsx") == get(folder / "b.xlsx"));
  const std::vector<Table> tables = read_tables(folder / "a.xlsx");
  REQUIRE(tables.size() == 1);
  CHECK(tables[0].sheet == "Sheet & 1");
  CHECK(rows_of(tables[0]) == Rows{rows[0], rows[1], rows[3]});
  CHECK(tables[0].rows[2].number == 4);  // blank rows count
}

TEST_CASE("Every workbook cut short, and every turned byte, is read or refused in one line", "[xlsx]") {
  const TemporaryFolder folder;
  write_xlsx(folder / "whole.xlsx", "S", Rows{{"Subject", "Filename", "Emotion"}, {"1", "EP01", "happiness"}},
             Overwrite::kNo);
  const std::string whole = get(folder / "whole.xlsx");
  const auto path = folder / "bad.xlsx";
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    put(path, whole.substr(0, length));
    ErrorKind kind{};
    const std::string text = error_text([&] { read_tables(path); }, &kind);
    INFO(length << ": " << text);
    CHECK(text.find("bad.xlsx: ") != std::string::npos);
    CHECK(kind == ErrorKind::kBadData);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string turned = whole;
    turned[at] = static_cast<char>(turned[at] ^ (1 << (at % 8)));
    put(path, turned);
    const std::string text = error_text([&] { read_tables(path); });
    INFO(at << ": " << text);
    CHECK((text == "no error" || text.find("bad.xlsx: ") != std::string::npos));
  }
}

TEST_CASE("Workbooks beyond the limits are refused before they are unpacked", "[xlsx]") {
  const TemporaryFolder folder;
  // a megabyte of one letter is compressed to a thousandth of its size
  write_xlsx(folder / "bomb.xlsx", "S", Rows{{std::string(std::size_t{1} << 20, 'x')}}, Overwrite::kNo);
  CHECK_THAT(error_text([&] { read_tables(folder / "bomb.xlsx"); }),
             Catch::Contains("sheet1.xml") && Catch::Contains("more than 100 times"));
  put(folder / "old.xlsx", std::string("\xd0\xcf\x11\xe0") + std::string(100, '\0'));
  CHECK_THAT(error_text([&] { read_tables(folder / "old.xlsx"); }), Catch::Contains("old .xls workbook"));
  put(folder / "a.xls", "x");
  CHECK_THAT(error_text([&] { read_tables(folder / "a.xls"); }), Catch::Contains("save it as .xlsx"));
  Rows wide(1);
  wide[0].assign(300, "x");
  write_xlsx(folder / "wide.xlsx", "S", wide, Overwrite::kNo);
  CHECK_THAT(error_text([&] { read_tables(folder / "wide.xlsx"); }),
             Catch::Contains("row 1") && Catch::Contains("'IW1'"));
}

TEST_CASE("Tables hold so many cells and so much text, whatever the file's size", "[xlsx][csv]") {
  const TemporaryFolder folder;
  std::string sparse;
  for (int row = 0; row < 2100; ++row) sparse += std::string(255, ',') + "x\n";
  put(folder / "sparse.csv", sparse);  // the limit of 524,288 cells is 2,048 such rows
  CHECK_THAT(error_text([&] { read_tables(folder / "sparse.csv"); }),
             Catch::Contains("row 2049: goes beyond the 524,288 cells"));
  put(folder / "fits.csv", sparse.substr(0, 256 * 2048 + 2048));
  CHECK(read_csv_table(folder / "fits.csv").rows.size() > 2040);
  put(folder / "long.csv", "a,\"" + std::string((std::size_t{1} << 20) + 1, 'x') + "\"\n");
  CHECK_THAT(error_text([&] { read_tables(folder / "long.csv"); }),
             Catch::Contains("row 1: a field is longer than 1 MiB"));
}

TEST_CASE("Csv tables: quotes, line breaks in fields, semicolons, rows of any length", "[csv]") {
  const TemporaryFolder folder;
  put(folder / "a.csv",
      "\xef\xbb\xbfprose\r\n\r\nSubject,Filename,Notes\r\n1,a,\"two\r\nlines, \"\"quoted\"\"\"\r\n2,b,\r\n");
  const Table table = read_csv_table(folder / "a.csv");
  CHECK(rows_of(table) ==
        Rows{{"prose"}, {"Subject", "Filename", "Notes"}, {"1", "a", "two\r\nlines, \"quoted\""}, {"2", "b"}});
  put(folder / "b.csv", "a;b;c\n1;2,5;3\n");
  CHECK(rows_of(read_csv_table(folder / "b.csv")) == Rows{{"a", "b", "c"}, {"1", "2,5", "3"}});
  put(folder / "c.csv", "a,b\n1,\"open\n");
  CHECK_THAT(error_text([&] { read_csv_table(folder / "c.csv"); }), Catch::Contains("row 2: a quote is opened"));
  put(folder / "d.csv", std::string("\xff\xfe", 2) + "a");
  CHECK_THAT(error_text([&] { read_csv_table(folder / "d.csv"); }), Catch::Contains("not UTF-8"));
}

TEST_CASE("The header is found by its names in every known edition", "[coding]") {
  const TemporaryFolder folder;
  const auto rows = [&](const Rows& sheet) {
    write_xlsx(folder / "t.xlsx", "S", sheet, Overwrite::kYes);
    return read_coding_table(folder / "t.xlsx").rows;
  };
  const auto casme2 = rows(
      {{"Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units", "Estimated Emotion"},
       {"4", "EP12_01f", "", "100", "/", "160", "", "4+L10", " Others "}});
  REQUIRE(casme2.size() == 1);
  CHECK(casme2[0].onset == 100);
  CHECK_FALSE(casme2[0].apex);
  CHECK(casme2[0].apex_text == "/");
  CHECK(casme2[0].offset == 160);
  CHECK(casme2[0].emotion == "others");
  const auto casme = rows({{"Subject", "Filename", "", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "", "Emotion", "AUs"},
                           {"1", "EP01_5", "", "10", "", "14", "20", "", "Tense", "4"}});
  CHECK(casme.at(0).apex == 14);
  CHECK(casme.at(0).emotion == "tense");
  Rows samm(13, {"prose"});
  samm.push_back({"Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
                  "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"});
  samm.push_back({"6", "006_1_2", "1", "5562", "5588", "5632", "71", "Micro - 1/2", "6+12", "Other", "4", ""});
  const auto found = rows(samm);
  CHECK(found.at(0).number == 15);
  CHECK(found.at(0).data_row == 0);
  CHECK(found.at(0).emotion == "others");
  CHECK_THAT(error_text([&] {
               rows({{"Subject", "Filename"}, {"1", "x"}});
             }),
             Catch::Contains("sheet 'S', row 1") && Catch::Contains("'Estimated Emotion'"));
  CHECK_THAT(error_text([&] {
               rows({{"Subject", "Filename", "Emotion"}, {"", "EP01", "fear"}});
             }),
             Catch::Contains("row 2") && Catch::Contains("has no subject"));
}

TEST_CASE("Frames are taken by their numbers, and each hole is filled or reported", "[clips]") {
  const TemporaryFolder folder;
  const auto root = folder.path() / "Cropped";
  put_frames(root / "sub01" / "EP01", "reg_img", {8, 9, 10, 11, 12, 100});
  put_frames(root / "sub02" / "EP02", "img", {1, 2, 4});
  put_frames(root / "sub02" / "EP09", "img", {1, 2, 3});
  put(root / "sub02" / "EP02" / "img3.jpg", "");
  put(root / "sub02" / "EP02" / "Thumbs.db", "x");
  put_frames(folder.path() / "CASME2_RAW_selected" / "sub01" / "EP01", "img", {8, 9, 10});
  put(folder / "CASME2-coding-20140508.csv",
      "Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion\n"
      "1,EP01,,9,11,12,,12,happiness\n1.0,ep_01,,9,11,12,,12,happiness\n2,EP02,,1,/"
      ",4,,4,others\n3,EP05,,1,2,3,,4,others\n");
  const ClipSet clips = read_clips(layout_at(folder.path()), folder.path());
  REQUIRE(clips.layout == ClipLayout::kCasme2);
  REQUIRE(clips.clips.size() == 2);
  std::vector<std::string> names;
  for (const auto& frame : clips.clips[0].frames) names.push_back(frame.filename().string());
  CHECK(names == std::vector<std::string>{"reg_img9.jpg", "reg_img10.jpg", "reg_img11.jpg", "reg_img12.jpg"});
  CHECK(clips.clips[0].name == "sub01/EP01");
  CHECK(clips.clips[0].apex == 2);
  CHECK(clips.clips[1].apex == -1);
  CHECK(clips.clips[1].span() == 3);
  CHECK(tells(clips, "row 4 (sub02/EP02)", "without bytes"));
  CHECK(tells(clips, "row 4 (sub02/EP02)", "1 frames between the first and the last are missing"));
  CHECK(tells(clips, "row 4 (sub02/EP02)", "the apex frame is '/'"));
  CHECK(tells(clips, "row 3", "has a row already"));
  CHECK(tells(clips, "row 5 (sub03/EP05)", "there is no folder"));
  CHECK(tells(clips, "sub02/EP09", "no row"));
  CHECK(tells(clips, folder.path().string(), "2 folders of subjects; 'Cropped' is read"));
  ClipReadOptions whole;
  whole.span = ClipSpan::kFolder;
  CHECK(read_clips(ClipLayout::kCasme2, folder.path(), whole).clips[0].span() == 6);
  ClipReadOptions raw;
  raw.frames = "raw";
  CHECK(read_clips(ClipLayout::kCasme2, folder.path(), raw).clips[0].span() == 2);
}

namespace {

/// Result of reading a clip with frames of these names: the frame names in order, and the texts of the problems.
struct ReadClip {
  std::vector<std::string> frames;
  std::string problems;
};

ReadClip read_one(const std::vector<std::string>& names, const std::string& onset, const std::string& offset) {
  const TemporaryFolder folder;
  for (const std::string& name : names) put(folder / ("Cropped/sub01/EP01/" + name), "not decoded by the readers");
  put(folder / "CASME2-coding.csv", "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Emotion\n1,EP01," + onset + "," +
                                        onset + "," + offset + ",fear\n");
  const ClipSet clips = read_clips(ClipLayout::kCasme2, folder.path());
  ReadClip out;
  for (const auto& frame : clips.clips.at(0).frames) out.frames.push_back(frame.filename().string());
  for (const Problem& p : clips.problems) out.problems += p.place + ": " + p.message + "; " + p.remedy + "\n";
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("Copies are no frames and hide no missing one", "[clips]") {
  for (const char* copy : {"img6 (1).jpg", "img6(1).jpg", "img6 - Copy.jpg", "img6 copy 2.jpg"}) {
    INFO(copy);
    const ReadClip whole = read_one({"img4.jpg", "img5.jpg", "img6.jpg", "img7.jpg", copy}, "4", "7");
    CHECK(whole.frames == Names{"img4.jpg", "img5.jpg", "img6.jpg", "img7.jpg"});
    CHECK_THAT(whole.problems, Catch::Contains(std::string("copies of frames are left out: '") + copy + "'"));
    const ReadClip hole = read_one({"img1.jpg", "img2.jpg", "img4.jpg", "img5.jpg", copy}, "1", "6");
    CHECK(hole.frames == Names{"img1.jpg", "img2.jpg", "img4.jpg", "img5.jpg"});
    CHECK_THAT(hole.problems, Catch::Contains("missing: 3;") && Catch::Contains("named like copies"));
  }
  const ReadClip renamed = read_one({"sub01 (1).jpg", "sub01 (2).jpg", "sub01 (10).jpg"}, "1", "10");
  CHECK(renamed.frames == Names{"sub01 (1).jpg", "sub01 (2).jpg", "sub01 (10).jpg"});
  const ReadClip again = read_one({"img1 (1).jpg", "img2 (1).jpg", "img3 (1).jpg"}, "1", "3");
  CHECK(again.frames == Names{"img1 (1).jpg", "img2 (1).jpg", "img3 (1).jpg"});
}

TEST_CASE("Frames of a second name or format are taken where they go on, and left out where they double", "[clips]") {
  const ReadClip doubled =
      read_one({"img1.jpg", "img2.jpg", "img3.jpg", "img1.png", "img2.png", "reg_img3.jpg", "img4.jpg"}, "1", "4");
  CHECK(doubled.frames == Names{"img1.jpg", "img2.jpg", "img3.jpg", "img4.jpg"});
  CHECK_THAT(doubled.problems, Catch::Contains("with the same numbers, are left out: 'img1.png' and 2 more"));
  const ReadClip joined = read_one({"img1.jpg", "img2.jpg", "img3.jpg", "img4.png"}, "1", "4");
  CHECK(joined.frames == Names{"img1.jpg", "img2.jpg", "img3.jpg", "img4.png"});
  CHECK_THAT(joined.problems,
             Catch::Contains("another name or format than 'img1.jpg' are taken by their numbers: 'img4.png'"));
  const ReadClip padded = read_one({"img1.jpg", "img2.jpg", "img02.jpg", "img3.jpg"}, "1", "3");
  CHECK(padded.frames.size() == 3);
  CHECK_THAT(padded.problems, Catch::Contains("have one number"));
  const ReadClip small = read_one({"img1_x2.jpg", "img2_x2.jpg", "img3_x2.jpg"}, "1", "3");
  CHECK(small.frames == Names{"img1_x2.jpg", "img2_x2.jpg", "img3_x2.jpg"});
}

TEST_CASE("Files that are no frames are named, those of the system are not spoken of", "[clips]") {
  const ReadClip other =
      read_one({"img1.jpg", "img2.jpg", "img3.tga", "img4.tga", "Thumbs.db", "desktop.ini", ".DS_Store", "._img1.jpg"},
               "1", "2");
  CHECK(other.frames == Names{"img1.jpg", "img2.jpg"});
  CHECK_THAT(other.problems, Catch::Contains("2 files are left out") && Catch::Contains("'img3.tga' and 1 more"));
  CHECK_THAT(other.problems, !Catch::Contains("Thumbs") && !Catch::Contains("desktop") && !Catch::Contains("._"));
}

namespace {

/// A folder with these clips of two frames each and a coding file with these rows.
class ClipsOnDisk {
 public:
  ClipsOnDisk(const std::vector<std::string>& clips, const Rows& rows,
              const std::string& coding = "CASME2-coding.csv") {
    for (const std::string& clip : clips) put_frames(folder / ("Cropped/" + clip), "", {1, 2});
    std::string text = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Emotion\n";
    for (const auto& row : rows) text += row[0] + "," + row[1] + ",1,2,2," + row[2] + "\n";
    put(folder / coding, text);
  }
  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("A clip with two labels is an error that names both rows", "[clips]") {
  const ClipsOnDisk two({"sub01/EP01", "sub02/EP02"},
                        {{"1", "EP01", "fear"}, {"2", "EP02", "happiness"}, {"01", "ep_01", "disgust"}});
  CHECK_THAT(error_text([&] { read_clips(ClipLayout::kCasme2, two.folder.path()); }),
             Catch::Contains("CASME2-coding.csv: rows 2 ('fear') and 4 ('disgust')") &&
                 Catch::Contains("sub01/ep_01 two labels"));
  const ClipsOnDisk same({"sub01/EP01", "sub02/EP02"},
                         {{"1", "EP01", ""}, {"2", "EP02", "happiness"}, {"01", "EP01", "fear"}});
  const ClipSet clips = read_clips(ClipLayout::kCasme2, same.folder.path());
  CHECK(clips.clips.size() == 2);
  CHECK(clips.clips.at(0).emotion == "fear");
  CHECK(tells(clips, "row 2", "has a row already (row 4)"));
}

TEST_CASE("A row's own folder is taken before one of a similar name", "[clips]") {
  const ClipsOnDisk disk({"sub01/EP01_1 (1)", "sub01/EP01_11",
                          "sub02/\xe7\x94\xb2"
                          "1",
                          "sub02/\xe4\xb9\x99"
                          "1"},
                         {{"1", "EP01_11", "fear"},
                          {"2",
                           "\xe7\x94\xb2"
                           "1",
                           "fear"},
                          {"2",
                           "\xe4\xb9\x99"
                           "1",
                           "disgust"}});
  const ClipSet clips = read_clips(ClipLayout::kCasme2, disk.folder.path());
  REQUIRE(clips.clips.size() == 3);
  CHECK(clips.clips[0].frames[0].parent_path().filename() == "EP01_11");
  CHECK(tells(clips, "EP01_1 (1)", "no row"));
}

TEST_CASE("Names of subjects and clips as labs write them", "[clips]") {
  const ClipsOnDisk casme2({"s1/EP01", "Sub 2/EP02", "subject3/EP03"},
                           {{"1", "EP01", "fear"}, {"s2", "EP02", "disgust"}, {"sub03", "EP03", "fear"}});
  CHECK(read_clips(layout_at(casme2.folder.path()), casme2.folder.path()).clips.size() == 3);
  const ClipsOnDisk samm({"6/6_1_2", "006/006_1_7", "11/011_1_1"},
                         {{"6", "006_1_2", "fear"}, {"006", "6_1_7", "anger"}, {"11", "11_1_1", "fear"}},
                         "SAMM_codes.csv");
  const ClipSet clips = read_clips(layout_at(samm.folder.path()), samm.folder.path());
  REQUIRE(clips.clips.size() == 3);
  CHECK(clips.clips[0].name == "006/006_1_2");
  CHECK(clips.clips[1].name == "006/006_1_7");
  CHECK(clips.clips[2].subject == "011");
}

TEST_CASE("Where no clip is found, row, folder and labels are named", "[clips]") {
  const ClipsOnDisk lost({"sub01/take1", "sub01/take2"}, {{"1", "EP01", "fear"}, {"1", "EP02", "disgust"}});
  CHECK_THAT(error_text([&] { read_clips(ClipLayout::kCasme2, lost.folder.path()); }),
             Catch::Contains("none of the 2 clips") && Catch::Contains("row 2 names 'sub01/EP01'") &&
                 Catch::Contains("the folders are 'sub01/take1' and 1 more"));
  const ClipsOnDisk numbers({"sub01/EP01", "sub01/EP02", "sub01/EP03"},
                            {{"1", "EP01", "3"}, {"1", "EP02", "3"}, {"1", "EP03", "\xe9\xab\x98\xe5\x85\xb4"}});
  ClipSet clips = read_clips(ClipLayout::kCasme2, numbers.folder.path());
  CHECK_THAT(error_text([&] { apply_class_map(clips, class_map("paper", ClipLayout::kCasme2)); }),
             Catch::Contains("the labels found are '3' (2), '\xe9\xab\x98\xe5\x85\xb4' (1)") &&
                 Catch::Contains("'happiness'"));
}

TEST_CASE("Coding files: lock files, other names, old workbooks", "[clips]") {
  const ClipsOnDisk disk({"sub01/EP01", "sub01/EP02"}, {{"1", "EP01", "fear"}, {"1", "EP02", "disgust"}});
  put(disk.folder / "~$CASME2-coding.xlsx", "user");
  put(disk.folder / "~$CASME2-coding-20200101.csv", "user");
  CHECK(read_clips(ClipLayout::kCasme2, disk.folder.path()).coding_file.filename() == "CASME2-coding.csv");
  ClipReadOptions lock;
  lock.coding_file = disk.folder / "~$CASME2-coding.xlsx";
  CHECK_THAT(error_text([&] { read_clips(ClipLayout::kCasme2, disk.folder.path(), lock); }),
             Catch::Contains("name the workbook itself"));

  const ClipsOnDisk renamed({"s1/EP01", "s1/EP02"}, {{"1", "EP01", "fear"}, {"1", "EP02", "disgust"}}, "labels.csv");
  put(renamed.folder / "prices.csv", "a,b\n1,2\n");
  CHECK_THAT(error_text([&] { layout_at(renamed.folder.path()); }), Catch::Contains("no coding file"));
  const auto seen = unnamed_clips_at(renamed.folder.path());
  REQUIRE(seen);
  CHECK(seen->example == "Cropped/s1/EP01");
  CHECK(seen->layouts == std::vector<ClipLayout>{ClipLayout::kCasme2, ClipLayout::kCasme});
  CHECK(seen->tables == Names{"labels.csv", "prices.csv"});
  const ClipSet clips = read_clips(ClipLayout::kCasme2, renamed.folder.path());
  CHECK(clips.coding_file.filename() == "labels.csv");
  CHECK(tells(clips, "", "'labels.csv' has its header and is read"));
  put(renamed.folder / "more.csv", get(renamed.folder / "labels.csv"));
  CHECK_THAT(error_text([&] { read_clips(ClipLayout::kCasme2, renamed.folder.path()); }),
             Catch::Contains("several tables") && Catch::Contains("'labels.csv', 'more.csv'"));

  const ClipsOnDisk old({"6/6_1_1"}, {}, "labels.xls");
  CHECK_THAT(error_text([&] { read_clips(ClipLayout::kSamm, old.folder.path()); }),
             Catch::Contains("only 'labels.xls'") && Catch::Contains("save it as .xlsx"));
  CHECK(unnamed_clips_at(old.folder.path())->layouts == std::vector<ClipLayout>{ClipLayout::kSamm});
}

TEST_CASE("Every frame is decoded: what cannot be used is named and counted", "[clips][check]") {
  const TemporaryFolder folder;
  synth::ClipSynthOptions options;
  options.layout = ClipLayout::kCasme2;
  options.seed = shcnn::test::options().seed;
  options.subjects = 2;
  options.clips = 5;
  options.size = 32;
  options.least_frames = 14;
  options.most_frames = 14;
  synth::write_made_clips(folder.path(), options, Overwrite::kNo);
  const ClipSet clips = read_clips(ClipLayout::kCasme2, folder.path());
  const FrameCheck whole = check_frames(clips, {});
  CHECK(whole.frames == clips.frame_count());
  CHECK(whole.bad() == 0);
  CHECK(whole.problems.empty());

  const auto& first = clips.clips[0].frames;
  const std::string jpeg = get(first[3]);
  put(first[3], jpeg.substr(0, jpeg.size() / 2));
  put(first[0], "this is a text");  // the other frames are not compared with the first one
  write_png(folder / "large.png", Image{40, 36, 1, std::vector<uint8_t>(40 * 36, 7)}, Overwrite::kNo);
  put(first[5], get(folder / "large.png"));
  for (const auto& frame : clips.clips[2].frames) put(frame, "no image");
  std::int64_t calls = 0, last = 0;
  const FrameCheck check = check_frames(clips, [&](std::int64_t done, std::int64_t total) {
    ++calls;
    CHECK(done == last + 1);
    last = done;
    CHECK(total == whole.frames);
  });
  CHECK(calls == whole.frames);
  CHECK(check.unreadable == 2 + 14);
  CHECK(check.other_size == 1);
  CHECK(check.clips == 2);
  REQUIRE(check.problems.size() == 3 + 11);
  const auto is_about = [&](std::size_t i, const std::filesystem::path& frame, const std::string& what) {
    INFO(check.problems[i].place << ": " << check.problems[i].message);
    CHECK(check.problems[i].place == frame.lexically_relative(clips.folder).string());
    CHECK_THAT(check.problems[i].message, Catch::Contains(what));
  };
  is_about(0, first[0], "is no ");
  is_about(1, first[3], "cut short");
  is_about(2, first[5], "has 36 x 40 pixels, most frames of its clip 32 x 32");
  CHECK_THAT(check.problems.back().message, Catch::Contains("4 more frames cannot be used, 14 of 14"));
}

TEST_CASE("Class maps: the paper's, MEGC's, all, and a user's own", "[classes]") {
  const auto set = [](std::initializer_list<const char*> emotions) {
    ClipSet clips;
    int n = 0;
    for (const char* emotion : emotions) clips.clips.push_back({"c" + std::to_string(n++), "s", emotion, -1, {}, -1});
    return clips;
  };
  const auto labels = [](const ClipSet& clips) {
    std::vector<int> out;
    for (const Clip& clip : clips.clips) out.push_back(clip.label);
    return out;
  };
  ClipSet samm = set({"anger", "happiness", "sadness", "others", "surprise", "contempt"});
  apply_class_map(samm, class_map("paper", ClipLayout::kSamm));
  CHECK(labels(samm) == std::vector<int>{0, 1, 0, 2, 0});
  CHECK(samm.dropped.at("class others") == 1);
  ClipSet casme2 = set({"repression", "others", "happiness"});
  apply_class_map(casme2, class_map("composite", ClipLayout::kCasme2));
  CHECK(labels(casme2) == std::vector<int>{0, 1});
  ClipSet all = set({"fear", "anger", "fear"});
  apply_class_map(all, class_map("all", ClipLayout::kCasme));
  CHECK(all.class_names == std::vector<std::string>{"anger", "fear"});
  const TemporaryFolder folder;
  put(folder / "own.csv", "emotion,class\nfear,bad\nhappiness,good\nanger,bad\n");
  ClipSet own = set({"anger", "happiness"});
  apply_class_map(own, read_class_map(folder / "own.csv"));
  CHECK(labels(own) == std::vector<int>{0, 1});
  put(folder / "own.csv", "emotion,class\nfear,bad\nFear,good\n");
  CHECK_THAT(error_text([&] { read_class_map(folder / "own.csv"); }),
             Catch::Contains("row 3") && Catch::Contains("has a class already"));
  ClipSet one = set({"fear", "fear"});
  CHECK_THAT(error_text([&] { apply_class_map(one, class_map("all", ClipLayout::kSamm)); }),
             Catch::Contains("fewer than two classes"));
}

TEST_CASE("Made clips are read back whole in every layout, and every planted hole is told", "[made]") {
  for (const ClipLayout layout : {ClipLayout::kCasme, ClipLayout::kCasme2, ClipLayout::kSamm}) {
    INFO(layout_name(layout));
    const TemporaryFolder folder;
    synth::ClipSynthOptions options;
    options.layout = layout;
    options.seed = shcnn::test::options().seed;
    options.subjects = 3;
    options.clips = 18;
    options.size = 32;
    options.least_frames = 6;
    options.most_frames = 8;
    options.holes = true;
    options.csv = layout == ClipLayout::kCasme;
    const synth::MadeClips made = synth::write_made_clips(folder.path(), options, Overwrite::kNo);
    CHECK(layout_at(folder.path()) == layout);
    ClipSet clips = read_clips(layout, folder.path());
    CHECK(clips.clips.size() == 18);
    CHECK(clips.frame_count() == made.frames);
    CHECK(clips.rows == 18 + 3);
    CHECK(made.holes.size() >= 7);
    for (const synth::PlantedHole& hole : made.holes) {
      INFO(hole.clip << " " << hole.what);
      CHECK(tells(clips, hole.clip, hole.what));
    }
    apply_class_map(clips, class_map("paper", layout));
    CHECK(clips.clips.size() == 18);
    CHECK(clips.subjects().size() == 3);
    // the labels are those that the clips were generated with
    const synth::MadeClip first = synth::make_clip(options, 0);
    const auto same = std::find_if(clips.clips.begin(), clips.clips.end(),
                                   [&](const Clip& c) { return c.name == first.subject + "/" + first.name; });
    REQUIRE(same != clips.clips.end());
    CHECK(same->emotion == first.emotion);
  }
}

TEST_CASE("A made clip moves as its true flow says: small, in the face, and back again", "[made]") {
  synth::ClipSynthOptions options;
  options.seed = shcnn::test::options().seed;
  options.subjects = 2;
  options.clips = 5;
  for (int index = 0; index < options.clips; ++index) {
    const synth::MadeClip clip = synth::make_clip(options, index);
    double most = 0;
    for (std::size_t i = 0; i < clip.flow.size(); i += 2)
      most = std::max(most, std::hypot(double(clip.flow[i]), double(clip.flow[i + 1])));
    CHECK(most > 0.3);
    CHECK(most < 3.2);  // 2 px and the head's drift
    // The apex frame warped by the true flow is closer to the first frame than the unwarped one.
    const int n = options.size;
    const auto& first = clip.frames.front().pixels;
    const auto& apex = clip.frames[static_cast<std::size_t>(clip.apex)].pixels;
    double still = 0, warped = 0;
    for (int y = 4; y < n - 4; ++y) {
      for (int x = 4; x < n - 4; ++x) {
        const auto at = static_cast<std::size_t>(y * n + x);
        const double u = x + double(clip.flow[2 * at]), v = y + double(clip.flow[2 * at + 1]);
        const int i = static_cast<int>(u), j = static_cast<int>(v);
        const double a = u - i, b = v - j;
        const auto pixel = [&](int c, int r) { return double(apex[static_cast<std::size_t>(r * n + c)]); };
        const double moved = (1 - b) * ((1 - a) * pixel(i, j) + a * pixel(i + 1, j)) +
                             b * ((1 - a) * pixel(i, j + 1) + a * pixel(i + 1, j + 1));
        still += std::pow(apex[at] - double(first[at]), 2);
        warped += std::pow(moved - double(first[at]), 2);
      }
    }
    INFO("clip " << index << " (" << clip.emotion << "): still " << still << ", warped " << warped);
    CHECK(warped < 0.85 * still);  // the remaining difference: noise, flicker, JPEG
  }
}

TEST_CASE("The inverse of the motion is its inverse", "[made]") {
  synth::RandomStream random(shcnn::test::options().seed, 1);
  for (const std::string_view emotion : synth::moving_emotions()) {
    const synth::ClipMotion motion(emotion, synth::FaceParameters{}, 2.0 / 120, random);
    for (int k = 0; k < 200; ++k) {
      const synth::Vec2 p = {random.uniform(0, 1), random.uniform(0, 1)};
      const synth::Vec2 back = motion.backward(motion.forward(p, 1, 1), 1, 1);
      CHECK(std::hypot(back.x - p.x, back.y - p.y) < 1e-5);
    }
  }
}

}  // namespace shcnn::io
