// FER+: votes joined with images by row of a csv file or by name of an image file, the two rules compared with a direct
// implementation, and the errors for bad files, which name the place.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "io/faces/dataset_writers.h"
#include "io/faces/ferplus.h"
#include "io/images/image.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;

const std::string kHeader =
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

/// Faces with votes: image i is filled with the value i.
FaceSet voted_faces(uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  FaceSet faces;
  faces.class_names.assign(fer2013_classes().begin(), fer2013_classes().end());
  for (int i = 0; i < count; ++i) {
    faces.pixels.insert(faces.pixels.end(), 48 * 48, static_cast<uint8_t>(i));
    faces.labels.push_back(static_cast<int32_t>(random() % 7));
    faces.usages.push_back(static_cast<Usage>(i % 3));
    faces.names.push_back(row_name(i));
    Votes votes{};
    const size_t favourite = random() % 10;
    for (int v = 0; v < 10; ++v) ++votes[random() % 2 == 0 ? favourite : random() % 10];
    faces.votes.insert(faces.votes.end(), votes.begin(), votes.end());
  }
  return faces;
}

/// The rules as the paper states them, as fractions: p_c = v_c / (10 - u), with u votes for unknown.
bool keeps(bool strict, const uint8_t* votes) {
  if (votes[8] == 10) return false;
  bool any = false;
  long sum = 0;
  for (int c = 0; c < 8; ++c) {
    const long twice_numerator = 2L * votes[c], denominator = 10L - votes[8];
    any = any || (strict ? twice_numerator > denominator : twice_numerator >= denominator);
    sum += votes[c];
  }
  return any && (!strict || sum == 10 - votes[8]);
}

void check_rule(const FaceSet& all, const char* name) {
  INFO("rule " << name);
  const FaceSet out = apply_rule(all, ferplus_rule(name));
  CHECK(out.rule == name);
  CHECK(out.classes() == 8);
  size_t kept = 0;
  for (size_t i = 0; i < static_cast<size_t>(all.size()); ++i) {
    const uint8_t* votes = all.votes.data() + i * 10;
    if (!keeps(std::string(name) == "strict", votes)) continue;
    REQUIRE(kept < static_cast<size_t>(out.size()));
    CHECK(out.names[kept] == all.names[i]);
    CHECK(out.usages[kept] == all.usages[i]);
    CHECK(std::ranges::equal(out.image(static_cast<int64_t>(kept)), all.image(static_cast<int64_t>(i))));
    CHECK(std::equal(votes, votes + 10, out.votes.data() + kept * 10));
    int best = 0;
    for (int c = 0; c < 8; ++c) {
      CHECK(out.probabilities[kept * 8 + static_cast<size_t>(c)] ==
            static_cast<float>(votes[c]) / static_cast<float>(10 - votes[8]));
      if (votes[c] > votes[best]) best = c;
    }
    CHECK(out.labels[kept] == best);
    ++kept;
  }
  CHECK(kept == static_cast<size_t>(out.size()));
  CHECK(kept > 0);
  CHECK(kept < static_cast<size_t>(all.size()));
  int64_t counted = 0;
  for (const UsageCount& count : out.counts) counted += count.kept();
  CHECK(counted == out.size());
}

std::string outcome(const std::filesystem::path& folder) {
  ErrorKind kind = ErrorKind::kBadData;
  const std::string text = error_text([&] { read_ferplus(find_ferplus(folder)); }, &kind);
  if (kind != ErrorKind::kBadData) return "an error of another kind: " + text;
  const std::string prefix = folder.string();
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

Image face_image(int side = 48) { return {side, side, 1, std::vector<uint8_t>(static_cast<size_t>(side * side), 100)}; }

}  // namespace

TEST_CASE("votes with images by row, by name and from folders alone are the same set", "[io][ferplus]") {
  const uint64_t seed = shcnn::test::options().seed;
  INFO("seed " << seed);
  const FaceSet in = voted_faces(seed, 90);
  TemporaryFolder csv, folders;
  write_fer2013_csv(csv / "fer2013.csv", in, Overwrite::kNo);
  write_ferplus_csv(csv / "fer2013new.csv", in, Overwrite::kNo);
  write_ferplus_folders(folders.path(), in, Overwrite::kNo);

  const FaceSet by_row = read_ferplus(find_ferplus(csv.path()));
  CHECK(by_row.source == "fer2013new.csv with fer2013.csv");
  CHECK(by_row.pixels == in.pixels);
  CHECK(by_row.votes == in.votes);
  CHECK(by_row.usages == in.usages);
  CHECK(by_row.names[5] == "fer0000005.png");
  CHECK(read_ferplus(find_ferplus(csv / "fer2013new.csv")).pixels == in.pixels);

  const FaceSet by_name = read_ferplus(find_ferplus(folders.path()));
  CHECK(by_name.source == "fer2013new.csv with image folders");
  CHECK(by_name.pixels == in.pixels);
  CHECK(by_name.votes == in.votes);
  CHECK(by_name.names == by_row.names);

  std::filesystem::remove(folders / "fer2013new.csv");
  const FaceSet alone = read_ferplus(find_ferplus(folders.path()));
  CHECK(alone.source == "folders with label.csv");
  REQUIRE(alone.size() == 90);  // in the order of the folders
  for (int64_t i = 0; i < 90; ++i) CHECK(alone.image(i)[0] == i % 30 * 3 + i / 30);

  // the authors' folder names
  write_ferplus_csv(folders / "fer2013new.csv", in, Overwrite::kNo);
  std::filesystem::rename(folders / "FER2013Train", folders / "Training");
  std::filesystem::rename(folders / "FER2013Valid", folders / "PublicTest");
  std::filesystem::rename(folders / "FER2013Test", folders / "PrivateTest");
  CHECK(read_ferplus(find_ferplus(folders.path())).pixels == in.pixels);

  check_rule(by_row, "strict");
  check_rule(by_row, "soft");
  CHECK_THAT(apply_rule(by_row, FerplusRule::kSoft).summary(),
             Catch::Matches("fer2013new.csv with fer2013.csv, rule 'soft': Training [0-9]+ of 30, "
                            "PublicTest [0-9]+ of 30, PrivateTest [0-9]+ of 30"));
}

TEST_CASE("the rules at their edges", "[io][ferplus]") {
  const auto both = [](Votes votes) {
    CHECK(counts_under(FerplusRule::kStrict, votes) == keeps(true, votes.data()));
    CHECK(counts_under(FerplusRule::kSoft, votes) == keeps(false, votes.data()));
    return std::pair(counts_under(FerplusRule::kStrict, votes), counts_under(FerplusRule::kSoft, votes));
  };
  CHECK(both({6, 4}) == std::pair(true, true));
  CHECK(both({5, 5}) == std::pair(false, true));
  CHECK(both({4, 3, 3}) == std::pair(false, false));
  CHECK(both({6, 3, 0, 0, 0, 0, 0, 0, 0, 1}) == std::pair(false, true));  // one annotator voted "no face"
  CHECK(both({4, 3, 0, 0, 0, 0, 0, 0, 3, 0}) == std::pair(true, true));   // 4 of 7
  CHECK(both({0, 0, 0, 0, 0, 0, 0, 0, 10, 0}) == std::pair(false, false));
  CHECK(both({0, 0, 0, 0, 0, 0, 0, 0, 0, 10}) == std::pair(false, false));
  CHECK(both({9}) == std::pair(false, true));  // nine votes: the sum is not 1
  CHECK_THAT(error_text([] { ferplus_rule("hard"); }), Catch::Contains("there is no such rule; use strict"));
}

TEST_CASE("images are found by name, and what is missing is counted and told", "[io][ferplus]") {
  TemporaryFolder folder;
  put(folder / "fer2013new.csv", kHeader +
                                     "Training,fer0000001.png,10,0,0,0,0,0,0,0,0,0\n"  // row 0 is not image 0
                                     "Training,,0,0,0,0,0,0,0,0,0,10\n"
                                     "Training,fer0000000.png,0,9,0,0,0,0,0,0,0,0\n"
                                     "Training,fer0000007.png,0,0,10,0,0,0,0,0,0,0\n"
                                     "Training,fer0000000.png,0,0,0,10,0,0,0,0,0,0\n"
                                     "PublicTest,fer0000009.png,0,10,0,0,0,0,0,0,0,0\n");
  std::filesystem::create_directories(folder / "FER2013Train");
  Image image = face_image();
  write_png(folder / "FER2013Train/fer0000000.png", image, Overwrite::kNo);
  image.pixels[0] = 1;
  write_png(folder / "FER2013Train/fer0000001.png", image, Overwrite::kNo);
  const FaceSet faces = read_ferplus(find_ferplus(folder.path()));
  REQUIRE(faces.size() == 3);
  CHECK(faces.image(0)[0] == 1);
  CHECK(faces.image(1)[0] == 100);
  CHECK(faces.image(2)[0] == 100);
  CHECK(faces.counts[0].rows == 5);
  CHECK(faces.counts[0].kept() == 3);
  CHECK(faces.counts[0].dropped.at("no image name") == 1);
  CHECK(faces.counts[0].dropped.at("its image file is missing") == 1);
  CHECK(faces.counts[1].dropped.at("its folder is missing") == 1);
  std::string problems;
  for (const Problem& problem : faces.problems) problems += problem.message + "; " + problem.remedy + "\n";
  CHECK_THAT(problems, Catch::Contains("1 rows do not have ten votes, the first: row 2 with 9"));
  CHECK_THAT(problems,
             Catch::Contains("1 image names are given to a second row, the first: fer0000000.png in rows 2, 4"));
  CHECK_THAT(problems, Catch::Contains("1 rows have no image name and are left out, the first: row 1"));
  CHECK_THAT(problems, Catch::Contains("1 rows name an image file that is missing, the first: "));
  CHECK_THAT(problems, Catch::Contains("1 rows are of a Usage whose folder is missing, the first: FER2013Valid"));
}

TEST_CASE("bad FER+ data are refused with file, row and remedy", "[io][ferplus]") {
  const FaceSet faces = voted_faces(1, 6);
  TemporaryFolder folder;
  CHECK(outcome(folder.path()) ==
        ": holds neither fer2013new.csv nor a FER2013Train with label.csv; put FER+'s fer2013new.csv there");
  CHECK(outcome(folder / "none") == ": there is no such folder; check the path");
  const auto votes = folder / "fer2013new.csv";
  write_ferplus_csv(votes, faces, Overwrite::kNo);
  CHECK(
      outcome(folder.path()) ==
      ": holds votes but no images; put fer2013.csv, or the folders FER2013Train, FER2013Valid and FER2013Test, beside "
      "fer2013new.csv");
  write_fer2013_csv(folder / "fer2013.csv", faces, Overwrite::kNo);
  REQUIRE(outcome(folder.path()) == "no error");
  const std::string good = get(votes);

  SECTION("csv files that do not belong together") {
    put(votes, good.substr(0, good.rfind('\n', good.size() - 2) + 1));
    CHECK(outcome(folder.path()) ==
          "/fer2013new.csv: has 5 rows, but fer2013.csv has 6; give the two files of the same rows, or the folders of "
          "PNG "
          "files");
    std::string swapped = good;
    swapped.replace(swapped.find("PublicTest"), 10, "PrivateTest");
    put(votes, swapped);
    CHECK(outcome(folder.path()) ==
          "/fer2013new.csv: row 1: is of PrivateTest, but in fer2013.csv of PublicTest; give the two files in the same "
          "order, or the folders of PNG files");
  }
  SECTION("votes") {
    const std::string row = "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n";
    const auto with = [&](const std::string& from, const std::string& to) {
      std::string changed = row;
      changed.replace(changed.find(from), from.size(), to);
      put(votes, kHeader + row + changed);
      return outcome(folder.path());
    };
    const std::string remedy = "; correct the row or download the file again";
    for (const char* value : {"x", "", "11", "-1", "2.5", "255", "99999999999999999999"}) {
      CHECK(with("4,0,0,1", "4,0," + std::string(value) + ",1") ==
            "/fer2013new.csv: line 3 (row 1): the vote for surprise is '" + std::string(value) +
                "', not a number from 0 to 10" + remedy);
    }
    CHECK(with("Training", "Train") ==
          "/fer2013new.csv: line 3 (row 1): unknown Usage 'Train'; use Training, PublicTest or PrivateTest");
    CHECK(with("fer0000000.png", "../../etc/passwd") ==
          "/fer2013new.csv: line 3 (row 1): image name '../../etc/passwd' is no plain file name; write names like "
          "fer0000000.png");
    CHECK(with(",0,0\n", ",0\n") ==
          "/fer2013new.csv: line 3 (row 1): has 11 fields, 12 are expected, and no row follows; delete line 3 if it "
          "is text behind the last row; a file cut short ends like this too: download that again");
    put(votes, kHeader);
    CHECK(outcome(folder.path()) == "/fer2013new.csv: holds no rows; download or copy the file again");
    for (const char* column : {"Usage", "Image name", "contempt", "NF"}) {
      std::string header = kHeader;
      header.replace(header.find(column), std::string(column).size(), "x");
      put(votes, header + row);
      CHECK(outcome(folder.path()) == "/fer2013new.csv: line 1: there is no column '" + std::string(column) +
                                          "'; use FER+'s fer2013new.csv as it is published");
    }
  }
  SECTION("images") {
    std::filesystem::remove(folder / "fer2013.csv");
    for (const char* part : {"FER2013Train", "FER2013Valid", "FER2013Test"}) {
      std::filesystem::create_directories(folder / part);
    }
    CHECK(outcome(folder.path()) ==
          "/fer2013new.csv: not one of its images is there; unpack FER2013Train, FER2013Valid "
          "and FER2013Test beside it");
    const auto png = folder / "FER2013Train/fer0000003.png";
    const auto damaged = [&](const std::string& bytes) {
      put(png, bytes);
      return outcome(folder.path()).substr(std::string("/FER2013Train/fer0000003.png: ").size());
    };
    const std::string again = "; copy the image again or remove the file";
    CHECK(damaged("") == "is empty (0 bytes)" + again);
    CHECK(damaged("no image") == "is no PNG, JPEG, BMP, WebP, TIFF or GIF image; convert it to PNG or remove the file");
    write_png(png, face_image(), Overwrite::kYes);
    const std::string bytes = get(png);
    for (size_t n = 8; n < bytes.size(); ++n) CHECK(damaged(bytes.substr(0, n)) == "is cut short or damaged" + again);
    write_png(png, face_image(64), Overwrite::kYes);
    CHECK(outcome(folder.path()) ==
          "/FER2013Train/fer0000003.png: has 64 x 64 pixels, 48 x 48 are expected; use FER+'s own images, or read the "
          "folders as data set 'faces'");
    std::string other_size = bytes;
    other_size.replace(16, 8, std::string("\x7f\xff\xff\xff\x7f\xff\xff\xff", 8));
    CHECK(damaged(other_size) == "is cut short or damaged (IHDR: CRC error)" + again);
    // With several bad images, the error names the first one, whatever the order of the threads.
    put(png, "");
    put(folder / "FER2013Train/fer0000000.png", "");
    CHECK(outcome(folder.path()).starts_with("/FER2013Train/fer0000000.png: is empty"));
  }
  SECTION("label.csv") {
    std::filesystem::remove(votes);
    const auto labels = folder / "FER2013Train/label.csv";
    put(labels, "fer0000000.png,\"(0, 0, 48, 48)\",4,0,0,1,3,2,0,0,0\n");
    CHECK(outcome(folder.path()) ==
          "/FER2013Train/label.csv: line 1 (row 0): has 11 fields, 12 are expected; write name, "
          "box and ten votes, as FER+ does");
    put(labels, "fer0000000.png,\"(0, 0, 48, 48)\",4,0,0,1,3,2,0,0,0,z\n");
    CHECK(outcome(folder.path()) ==
          "/FER2013Train/label.csv: line 1 (row 0): the vote for NF is 'z', not a number from 0 "
          "to 10; correct the row or download the file again");
  }
}

}  // namespace shcnn::io
