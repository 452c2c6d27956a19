// Folders by class, the cache, load_dataset for all data sets, and the report.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <opencv2/imgcodecs.hpp>

#include "io/faces/data_report.h"
#include "io/faces/dataset_writers.h"
#include "io/faces/face_folders.h"
#include "io/faces/fer2013.h"
#include "io/faces/ferplus_votes.h"
#include "io/faces/load_dataset.h"
#include "io/images/image.h"
#include "io_support.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;

Image plain_image(uint8_t value, int side = 48, int channels = 1) {
  return {side, side, channels, std::vector<uint8_t>(static_cast<size_t>(side * side * channels), value)};
}

void put_png(const std::filesystem::path& path, const Image& image) {
  std::filesystem::create_directories(path.parent_path());
  write_png(path, image, Overwrite::kYes);
}

/// Faces of two classes of FER2013; image i is filled with the value 10 + i.
FaceSet small_set(int count) {
  FaceSet faces;
  faces.class_names.assign(fer2013_classes().begin(), fer2013_classes().end());
  for (int i = 0; i < count; ++i) {
    faces.pixels.insert(faces.pixels.end(), 48 * 48, static_cast<uint8_t>(10 + i));
    faces.labels.push_back(i % 2 == 0 ? 3 : 6);
    faces.usages.push_back(static_cast<Usage>(i % 3));
    faces.names.push_back(row_name(i));
    const Votes votes = i % 4 == 0 ? Votes{5, 5} : Votes{7, 3};
    faces.votes.insert(faces.votes.end(), votes.begin(), votes.end());
  }
  return faces;
}

std::string joined(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) out += problem.message + "; " + problem.remedy + "\n";
  return out;
}

void check_equal(const FaceSet& a, const FaceSet& b) {
  CHECK(a.pixels == b.pixels);
  CHECK(a.labels == b.labels);
  CHECK(a.probabilities == b.probabilities);
  CHECK(a.usages == b.usages);
  CHECK(a.names == b.names);
  CHECK(a.votes == b.votes);
  CHECK(a.class_names == b.class_names);
  CHECK(a.rule == b.rule);
  CHECK(a.source == b.source);
  CHECK(a.summary() == b.summary());
  CHECK(joined(a.problems) == joined(b.problems));
  for (size_t u = 0; u < 3; ++u) CHECK(a.counts[u].dropped == b.counts[u].dropped);
}

}  // namespace

TEST_CASE("faces come back from folders by class", "[io][folders]") {
  TemporaryFolder folder;
  const FaceSet in = small_set(12);
  write_folders(folder.path(), in, Overwrite::kYes);
  const FaceSet out = read_face_folders(folder.path());
  REQUIRE(out.size() == 12);
  CHECK(out.class_names == in.class_names);
  for (int64_t i = 0; i < 12; ++i) {
    const auto from = static_cast<size_t>(out.image(i)[0] - 10);  // index of the image in `in`
    CHECK(out.labels[static_cast<size_t>(i)] == in.labels[from]);
    CHECK(out.usages[static_cast<size_t>(i)] == in.usages[from]);
    CHECK(out.probabilities[static_cast<size_t>(i * 7 + in.labels[from])] == 1.0f);
  }
  CHECK(out.names[0] == "PrivateTest/happy/PrivateTest_00002.png");
  CHECK_THAT(joined(out.problems), Catch::Contains("holds no images; remove the folder or fill it"));
  CHECK_THAT(error_text([&] { write_folders(folder.path(), in, Overwrite::kNo); }),
             Catch::Contains("the folder is not empty; allow overwriting"));

  TemporaryFolder one_split;
  FaceSet of_one = in;
  std::fill(of_one.usages.begin(), of_one.usages.end(), Usage::kPublicTest);
  write_folders(one_split.path(), of_one, Overwrite::kYes);
  CHECK_FALSE(std::filesystem::exists(one_split / "Training"));
  CHECK(read_face_folders(one_split.path()).class_names == in.class_names);
}

TEST_CASE("folders of other shapes are read", "[io][folders]") {
  TemporaryFolder folder;
  SECTION("classes alone, other names and sizes, a split kept in the file name") {
    put_png(folder / "zebra/a.png", plain_image(1));
    put_png(folder / "ape/b.png", plain_image(2, 96));
    put_png(folder / "ape/PublicTest_7.png", plain_image(3, 48, 3));
    put(folder / "ape/notes.txt", "x");
    put(folder / ".hidden/c.png", "no image");
    cv::imwrite((folder / "zebra/d.jpg").string(), cv::Mat(48, 48, CV_8UC1, cv::Scalar(200)));
    cv::imwrite((folder / "zebra/e.bmp").string(), cv::Mat(48, 48, CV_8UC1, cv::Scalar(90)));
    const FaceSet faces = read_face_folders(folder.path());
    CHECK(faces.class_names == std::vector<std::string>{"ape", "zebra"});
    CHECK(faces.names ==
          std::vector<std::string>{"ape/PublicTest_7.png", "ape/b.png", "zebra/a.png", "zebra/d.jpg", "zebra/e.bmp"});
    CHECK(faces.labels == std::vector<int32_t>{0, 0, 1, 1, 1});
    CHECK(faces.usages[0] == Usage::kPublicTest);
    CHECK(faces.usages[1] == Usage::kTraining);
    for (const auto& [image, value] : {std::pair{0, 3}, {1, 2}, {2, 1}, {3, 200}, {4, 90}}) {
      CHECK(faces.image(image)[1000] == value);
    }
    CHECK_THAT(joined(faces.problems), Catch::Contains("1 images are JPEG, which changes pixels; for exact results"));
    CHECK_THAT(joined(faces.problems), Catch::Contains("1 images are not 48 x 48 and were resized"));
    CHECK_THAT(joined(faces.problems), Catch::Contains("1 files are no images and are ignored"));
  }
  SECTION("splits") {
    put_png(folder / "train/happy/a.png", plain_image(1));
    put_png(folder / "Validation/happy/a.png", plain_image(2));
    put_png(folder / "test/sad/a.png", plain_image(3));
    put_png(folder / "test/sad/PublicTest_1.png", plain_image(4));
    const FaceSet faces = read_face_folders(folder.path());
    CHECK(faces.counts[0].rows == 1);
    CHECK(faces.counts[1].rows == 2);
    CHECK(faces.counts[2].rows == 1);
    CHECK(faces.classes() == 7);  // in FER2013's order, although five classes have no folder
    CHECK(faces.select(Usage::kPrivateTest).labels == std::vector<int32_t>{4});
    std::filesystem::create_directories(folder / "extra");
    CHECK(error_text([&] { read_face_folders(folder.path()); }) ==
          folder.path().string() +
              ": holds folders of splits and, beside them, 'extra'; use DIR/<class>/ alone, or "
              "DIR/train|val|test/<class>/ alone");
  }
  SECTION("nothing to read, a damaged image, a loop of links") {
    CHECK(error_text([&] { read_face_folders(folder / "none"); }) ==
          (folder / "none").string() + ": there is no such folder; check the path");
    CHECK(error_text([&] { read_face_folders(folder.path()); }) ==
          folder.path().string() +
              ": holds no images in folders by class; put images into DIR/<class>/ or "
              "DIR/train|val|test/<class>/");
    put(folder / "happy/a.jpg", std::string("\xff\xd8\xff\xe0\0\x10JFIF", 10));
    CHECK(error_text([&] { read_face_folders(folder.path()); }) ==
          (folder / "happy/a.jpg").string() + ": is cut short or damaged; copy the image again or remove the file");
    put_png(folder / "happy/a.jpg", plain_image(5));
    std::filesystem::create_directory_symlink(folder.path(), folder / "happy/loop");
    CHECK(read_face_folders(folder.path()).size() == 1);
    CHECK(manifest_of("faces", std::vector{folder.path()}).size() == 32);
  }
}

TEST_CASE("fer2013.csv gets FER2013's numbers by the classes' names", "[io][folders]") {
  TemporaryFolder folder;
  FaceSet faces = small_set(6);  // labels 3 and 6
  faces.class_names = {"Angry", "Disgust", "Fear", "Sad", "HAPPY", "neutral", " Surprise"};
  write_fer2013_csv(folder / "fer2013.csv", faces, Overwrite::kNo);
  const FaceSet read = read_fer2013(folder / "fer2013.csv");
  for (size_t i = 0; i < 6; ++i) CHECK(read.labels[i] == (faces.labels[i] == 3 ? 4 : 5));
  faces.class_names = {"angry", "disgust", "fear", "happy", "sad", "anger", "joy"};
  ErrorKind kind = ErrorKind::kDisk;
  CHECK(
      error_text([&] { write_fer2013_csv(folder / "new.csv", faces, Overwrite::kNo); }, &kind) ==
      (folder / "new.csv").string() +
          ": FER2013 has no class 'anger', 'joy', only angry, disgust, fear, happy, sad, surprise, neutral; rename the "
          "folders, or write the faces as folders or as FER+");
  CHECK(kind == ErrorKind::kUsage);
  CHECK_FALSE(std::filesystem::exists(folder / "new.csv"));
}

TEST_CASE("folders of one class that are spelt differently are one class", "[io][folders]") {
  TemporaryFolder folder;
  put_png(folder / "train/joy/a.png", plain_image(1));
  put_png(folder / "train/calm/b.png", plain_image(2));
  put_png(folder / "test/Joy /c.png", plain_image(3));
  put_png(folder / "test/calm/d.png", plain_image(4));
  FaceSet faces = read_face_folders(folder.path());
  CHECK(faces.class_names == std::vector<std::string>{"Joy", "calm"});  // spelt as in the first folder by name
  CHECK(faces.names ==
        std::vector<std::string>{"test/Joy /c.png", "test/calm/d.png", "train/calm/b.png", "train/joy/a.png"});
  CHECK(faces.labels == std::vector<int32_t>{0, 1, 1, 0});
  CHECK_THAT(joined(faces.problems), Catch::Contains("is taken for class 'Joy'; give a class's folders one name"));
  put_png(folder / "train/happy/e.png", plain_image(5));
  std::filesystem::rename(folder / "test/Joy ", folder / "test/Happy");
  std::filesystem::remove_all(folder / "train/joy");
  faces = read_face_folders(folder.path());
  CHECK(faces.class_names == std::vector<std::string>{"calm", "happy"});  // FER2013's spelling, if a folder has it
}

TEST_CASE("a data set is found one level down where one folder alone holds it", "[io][dataset]") {
  TemporaryFolder folder;
  const auto set = folder / "archive";
  put_png(set / "train/happy/a.png", plain_image(1));
  CHECK(face_dataset_root(FaceDataset::kFolders, folder.path()) == set);
  CHECK(any_face_dataset_root(folder.path()) == set);
  CHECK(face_dataset_root(FaceDataset::kFer2013, folder.path()) == folder.path());
  CHECK(face_dataset_root(FaceDataset::kFolders, set) == set);
  std::vector<std::string> notes;
  CHECK(load_dataset(FaceDataset::kFolders, folder.path(), "", {.enabled = false, .fallback = {}}, notes).size() == 1);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0] == folder.path().string() + ": the data are one level down, in " + set.string());
  put_png(folder / "second/test/sad/b.png", plain_image(2));
  CHECK(face_dataset_root(FaceDataset::kFolders, folder.path()) == folder.path());
  put(folder / "second/fer2013.csv", "x");
  CHECK(face_dataset_root(FaceDataset::kFer2013, folder.path()) == folder / "second");
  CHECK(any_face_dataset_root(folder.path()) == folder / "second");
  CHECK(face_datasets_in(folder / "second") == std::vector{FaceDataset::kFer2013});
}

TEST_CASE("resizing is bilinear between pixel centres", "[io][image]") {
  // 2 x 2 to 4 x 4: centres at -1/4, 1/4, 3/4, 5/4 of a pixel, clamped at the edges
  const Image small{2, 2, 1, {0, 100, 100, 200}};
  const Image large = resized(small, 4, 4);
  CHECK(large.pixels == std::vector<uint8_t>{0, 25, 75, 100, 25, 50, 100, 125, 75, 100, 150, 175, 100, 125, 175, 200});
}

TEST_CASE("a second reading comes from the cache until the data change", "[io][cache]") {
  TemporaryFolder data, elsewhere;
  const auto csv = data / "fer2013.csv", cache = data / ".shcnn-fer2013.safetensors";
  FaceSet in = small_set(9);
  write_fer2013_csv(csv, in, Overwrite::kNo);
  std::vector<std::string> notes;
  CacheOptions options;
  const auto load = [&] {
    notes.clear();
    return load_dataset(FaceDataset::kFer2013, data.path(), "", options, notes);
  };
  const FaceSet first = load();
  CHECK(notes.empty());
  REQUIRE(std::filesystem::exists(cache));
  // The same size and time with other content: only a cache can still return the old content.
  struct stat before {};
  REQUIRE(::stat(csv.c_str(), &before) == 0);
  const std::string good = get(csv);
  put(csv, std::string(good.size(), 'x'));
  const auto restore_time = [&] {
    const timespec times[2] = {before.st_atim, before.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, csv.c_str(), times, 0) == 0);
  };
  restore_time();
  check_equal(load(), first);
  CHECK(notes.empty());
  options.enabled = false;
  CHECK_THAT(error_text(load), Catch::Contains("there is no column"));
  options.enabled = true;

  SECTION("another time") {
    put(csv, good);
    in.labels[0] = 0;
    write_fer2013_csv(csv, in, Overwrite::kYes);
    CHECK(load().labels[0] == 0);
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Catch::Contains("the data have changed since this cache was made"));
    load();
    CHECK(notes.empty());
  }
  SECTION("a damaged cache is never trusted") {
    put(csv, good);
    restore_time();
    const std::string whole = get(cache);
    for (size_t at = 0; at < whole.size(); at += 997) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 4);
      put(cache, damaged);
      check_equal(load(), first);
      REQUIRE(notes.size() == 1);
      CHECK_THAT(notes[0], Catch::Contains("this cache is not usable and is made anew"));
      CHECK(get(cache) == whole);
    }
    put(cache, "");
    check_equal(load(), first);
    CHECK(notes.size() == 1);
  }
  SECTION("a place that cannot be written to") {
    put(csv, good);
    std::filesystem::remove(cache);
    std::filesystem::create_directory(cache);  // blocks the cache's path, even for root
    options.fallback = elsewhere.path();
    check_equal(load(), first);
    CHECK(std::filesystem::exists(elsewhere / ".shcnn-fer2013.safetensors"));
    options.fallback.clear();
    check_equal(load(), first);
    CHECK_THAT(notes.back(), Catch::Contains("no cache could be written"));
  }
}

TEST_CASE("every data set goes through the cache unchanged", "[io][cache]") {
  TemporaryFolder data;
  const FaceSet in = small_set(24);
  write_ferplus_folders(data / "ferplus", in, Overwrite::kNo);
  write_folders(data / "faces", in, Overwrite::kNo);
  for (const auto& [dataset, name, rule] : {std::tuple{FaceDataset::kFerplus, "ferplus", "strict"},
                                            {FaceDataset::kFerplus, "ferplus", "soft"},
                                            {FaceDataset::kFolders, "faces", "all"}}) {
    INFO(name << " " << rule);
    CHECK(face_dataset(name) == dataset);
    std::vector<std::string> notes;
    const FaceSet read = load_dataset(dataset, data / name, rule, {.enabled = false, .fallback = {}}, notes);
    const FaceSet first = load_dataset(dataset, data / name, rule, {}, notes);
    const FaceSet second = load_dataset(dataset, data / name, rule, {}, notes);
    CHECK(notes.empty());
    check_equal(first, read);
    check_equal(second, read);
    CHECK(second.rule == rule);
  }
  std::vector<std::string> notes;
  CHECK_THAT(error_text([&] { load_dataset(FaceDataset::kFolders, data / "faces", "soft", {}, notes); }),
             Catch::Contains("this data set has no such rule"));
  CHECK_THAT(error_text([&] { load_dataset(FaceDataset::kFerplus, data / "none", "soft", {}, notes); }),
             Catch::Contains("none: there is no such file or folder; check the path"));
  CHECK_THAT(error_text([] { face_dataset("imagenet"); }), Catch::Contains("use fer2013, ferplus or faces"));
  // a file added to a folder is detected
  put_png(data / "faces/Training/happy/new.png", plain_image(77));
  CHECK(load_dataset(FaceDataset::kFolders, data / "faces", "", {}, notes).size() == 25);
  CHECK(notes.size() == 1);
}

TEST_CASE("the report counts what is there beside what is published", "[io][report]") {
  FaceSet faces = small_set(6);
  faces.source = "fer2013.csv";
  faces.rule = "all";
  faces.counts[0].rows = 3;
  faces.counts[0].dropped["no image name"] = 1;
  faces.counts[1].rows = 2;
  // images 3 (Training) and 1 (PublicTest) repeat image 0
  std::copy_n(faces.pixels.begin(), 48 * 48, faces.pixels.begin() + 3 * 48 * 48);
  std::copy_n(faces.pixels.begin(), 48 * 48, faces.pixels.begin() + 1 * 48 * 48);
  const DataReport report = make_report(FaceDataset::kFer2013, faces);
  CHECK(report.usages[0].per_class[3] == 1);
  CHECK(report.usages[0].per_class[6] == 1);
  CHECK(report.usages[0].expected == 28709);
  CHECK(report.usages[1].expected == 3589);
  CHECK(report.usages[2].expected == 3589);
  CHECK(report.repeated_images == 1);
  CHECK(report.repeated_in_other == 1);
  const std::string text = report.text();
  CHECK_THAT(text, Catch::Contains("fer2013.csv, rule 'all'"));
  CHECK_THAT(text, Catch::Contains("1 of 7215"));
  CHECK_THAT(text, Catch::Contains("2 of 28709"));
  CHECK_THAT(text, Catch::Contains("Training: 1 dropped, no image name"));
  CHECK_THAT(text, Catch::Contains("note: fer2013.csv: has no image of PrivateTest; fine unless"));
  CHECK(make_report(FaceDataset::kFerplus, faces).usages[1].expected == 3069);
  faces.rule = "soft";
  CHECK(make_report(FaceDataset::kFerplus, faces).usages[1].expected == 3320);
  CHECK(!make_report(FaceDataset::kFolders, faces).usages[1].expected);
}

}  // namespace shcnn::io
