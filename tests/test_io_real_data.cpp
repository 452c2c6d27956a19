// The real FER+ and FER2013: expected counts and reading times. Needs the folder named by SHCNN_TEST_DATA with
// ferplus/FER2013Train.tar, ferplus/FER2013Test.tar and ferplus/fer2013new.csv; without it the test is skipped.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>

#include "io/faces/ferplus.h"
#include "io/faces/load_dataset.h"
#include "io_support.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

/// The folder of the real data.
fs::path data_folder() {
  const char* value = std::getenv("SHCNN_TEST_DATA");
  if (value == nullptr) throw std::runtime_error("SHCNN_TEST_DATA is not set");
  return value;
}

/// FER+ unpacked into a temporary folder.
struct Unpacked {
  test::TemporaryFolder folder{fs::temp_directory_path()};
  Unpacked() {
    for (const char* part : {"FER2013Train.tar", "FER2013Test.tar"}) {
      const std::string command =
          "tar -x -f '" + (data_folder() / "ferplus" / part).string() + "' -C '" + folder.path().string() + "'";
      if (std::system(command.c_str()) != 0) throw std::runtime_error("cannot unpack: " + command);
    }
    fs::copy_file(data_folder() / "ferplus/fer2013new.csv", folder / "fer2013new.csv");
  }
};

}  // namespace

TEST_CASE("FER+ has the counts of the paper and of the authors' list", "[io][golden]") {
  const Unpacked data;
  const FaceSet all = read_ferplus(find_ferplus(data.folder.path()));
  CHECK(all.counts[0].rows == 28709);
  CHECK(all.counts[1].rows == 0);
  CHECK(all.counts[2].rows == 3589);
  CHECK(all.counts[0].dropped.at("no image name") == 148);
  CHECK(all.counts[2].dropped.at("no image name") == 15);

  const FaceSet strict = apply_rule(all, FerplusRule::kStrict);
  CHECK(strict.counts[0].kept() == 23974);
  CHECK(strict.counts[2].kept() == 3024);
  CHECK(strict.select(Usage::kPrivateTest).size() == 3024);
  const FaceSet soft = apply_rule(all, FerplusRule::kSoft);
  CHECK(soft.counts[0].kept() == 26186);
  CHECK(soft.counts[2].kept() == 3280);

  // The same counts from the folders' label.csv, which list only the rows with an image.
  fs::remove(data.folder / "fer2013new.csv");
  const FaceSet alone = read_ferplus(find_ferplus(data.folder.path()));
  CHECK(alone.counts[0].rows == 28558);
  CHECK(alone.counts[2].rows == 3573);
}

TEST_CASE("a second reading of FER+ is the first one, in a fraction of its time", "[io][golden]") {
  const Unpacked data;
  std::vector<std::string> notes;
  const auto load = [&](double& seconds) {
    const auto start = std::chrono::steady_clock::now();
    FaceSet faces = load_dataset(FaceDataset::kFerplus, data.folder.path(), "soft", {}, notes);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return faces;
  };
  double first_seconds = 0, second_seconds = 0;
  const FaceSet first = load(first_seconds), second = load(second_seconds);
  CHECK(notes.empty());
  CHECK(first.size() == 26186 + 3280);
  CHECK(second.pixels == first.pixels);
  CHECK(second.probabilities == first.probabilities);
  CHECK(second.names == first.names);
  CHECK(second.summary() == first.summary());
  WARN("FER+ read in " << first_seconds << " s, from the cache in " << second_seconds << " s");
  CHECK(second_seconds < first_seconds);
}

TEST_CASE("FER+'s votes have the published majorities", "[io][golden]") {
  // neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF, tie
  constexpr std::array<std::array<int, 11>, 2> kMajorities = {
      {{9365, 7410, 3378, 3403, 2399, 175, 648, 162, 170, 150, 1449},
       {1166, 909, 421, 424, 316, 22, 92, 26, 27, 16, 170}}};
  std::array<std::array<int, 11>, 2> counted{};
  for (const VoteRow& row : read_ferplus_votes(data_folder() / "ferplus/fer2013new.csv")) {
    const auto most = std::max_element(row.votes.begin(), row.votes.end());
    const bool tie = std::count(row.votes.begin(), row.votes.end(), *most) > 1;
    ++counted[row.usage == Usage::kTraining ? 0 : 1][tie ? 10 : static_cast<size_t>(most - row.votes.begin())];
  }
  CHECK(counted == kMajorities);
}

}  // namespace shcnn::io
