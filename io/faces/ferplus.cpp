// Reads the votes first, which determine the images needed, then the images: a csv file row by row, or PNG files on
// several threads.
#include "io/faces/ferplus.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "io/faces/fer2013.h"
#include "io/files/folder_entries.h"
#include "io/files/parallel.h"
#include "io/images/image.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 48;
constexpr size_t kImageBytes = size_t{kSide} * kSide;
constexpr const char* kVotesName = "fer2013new.csv";
constexpr const char* kLabelName = "label.csv";
// folder names of each Usage; the first has priority
constexpr std::array<std::array<const char*, 2>, 3> kFolderNames = {
    {{"FER2013Train", "Training"}, {"FER2013Valid", "PublicTest"}, {"FER2013Test", "PrivateTest"}}};

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string row_place(const VoteRow& row) { return "row " + std::to_string(row.row); }

/// The votes of all files, in order.
std::vector<VoteRow> read_votes(const FerplusFiles& files) {
  if (!files.votes.empty()) return read_ferplus_votes(files.votes);
  std::vector<VoteRow> rows;
  for (const Usage usage : kUsages) {
    const fs::path& folder = files.folders[static_cast<size_t>(usage)];
    if (folder.empty()) continue;
    std::vector<VoteRow> part = read_label_csv(folder / kLabelName, usage);
    rows.insert(rows.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
  }
  return rows;
}

/// Names of the entries of a folder.
std::unordered_set<std::string> file_names(const fs::path& folder) {
  std::unordered_set<std::string> names;
  for (const fs::path& entry : folder_entries(folder)) names.insert(entry.filename().string());
  return names;
}

/// Counts the rows affected by one Problem and remembers the first of them.
struct Tally {
  int64_t count = 0;
  std::string first;
  void add(const std::string& what) {
    if (count++ == 0) first = what;
  }
  void report(FaceSet& out, const fs::path& place, const std::string& message, const std::string& remedy) const {
    if (count == 0) return;
    out.problems.push_back(
        {place.string(), std::to_string(count) + " " + message + ", the first: " + printable(first, 100), remedy});
  }
};

/// Reports rows that are irregular but are read anyway.
void note_odd_rows(const std::vector<VoteRow>& rows, const fs::path& place, FaceSet& out) {
  Tally uneven, repeated;
  std::unordered_map<std::string, int64_t> first_row;
  for (const VoteRow& row : rows) {
    const int votes = std::accumulate(row.votes.begin(), row.votes.end(), 0);
    if (votes != kVoteColumns) uneven.add(row_place(row) + " with " + std::to_string(votes));
    if (row.image.empty()) continue;
    const auto [entry, is_new] = first_row.emplace(row.image, row.row);
    if (!is_new) repeated.add(row.image + " in rows " + std::to_string(entry->second) + ", " + std::to_string(row.row));
  }
  uneven.report(out, place, "rows do not have ten votes", "none needed: FER+ as published has one with nine");
  repeated.report(out, place, "image names are given to a second row",
                  "none needed: FER+ as published has four such names");
}

void append(FaceSet& out, const VoteRow& row, std::string name) {
  out.labels.push_back(0);
  out.usages.push_back(row.usage);
  out.names.push_back(std::move(name));
  out.votes.insert(out.votes.end(), row.votes.begin(), row.votes.end());
}

void join_csv(const FerplusFiles& files, const std::vector<VoteRow>& rows, FaceSet& out) {
  FaceSet images = read_fer2013(files.images_csv);
  if (images.size() != static_cast<int64_t>(rows.size())) {
    throw Error(ErrorKind::kBadData, files.votes, "",
                "has " + std::to_string(rows.size()) + " rows, but " + files.images_csv.filename().string() + " has " +
                    std::to_string(images.size()),
                "give the two files of the same rows, or the folders of PNG files");
  }
  Tally nameless;
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const VoteRow& row = rows[i];
    if (row.usage != images.usages[i]) {
      throw Error(ErrorKind::kBadData, files.votes, row_place(row),
                  "is of " + std::string(usage_name(row.usage)) + ", but in " + files.images_csv.filename().string() +
                      " of " + std::string(usage_name(images.usages[i])),
                  "give the two files in the same order, or the folders of PNG files");
    }
    UsageCount& count = out.counts[static_cast<size_t>(row.usage)];
    ++count.rows;
    if (row.image.empty()) {
      ++count.dropped["no image name"];
      nameless.add(row_place(row));
      continue;
    }
    std::copy_n(images.pixels.begin() + static_cast<std::ptrdiff_t>(i * kImageBytes), kImageBytes,
                images.pixels.begin() + static_cast<std::ptrdiff_t>(kept++ * kImageBytes));
    append(out, row, row.image);
  }
  images.pixels.resize(kept * kImageBytes);
  out.pixels = std::move(images.pixels);
  nameless.report(out, files.votes, "rows have no image name and are left out",
                  "none needed: FER+ as published has 173");
  out.source = files.votes.filename().string() + " with " + files.images_csv.filename().string();
}

void join_folders(const FerplusFiles& files, const std::vector<VoteRow>& rows, FaceSet& out) {
  std::array<std::unordered_set<std::string>, 3> present;
  for (const Usage usage : kUsages) {
    const auto u = static_cast<size_t>(usage);
    if (!files.folders[u].empty()) present[u] = file_names(files.folders[u]);
  }
  Tally nameless, missing, homeless;
  std::vector<fs::path> paths;
  for (const VoteRow& row : rows) {
    const auto u = static_cast<size_t>(row.usage);
    ++out.counts[u].rows;
    if (row.image.empty()) {
      ++out.counts[u].dropped["no image name"];
      nameless.add(row_place(row));
    } else if (files.folders[u].empty()) {
      ++out.counts[u].dropped["its folder is missing"];
      homeless.add(kFolderNames[u][0]);
    } else if (!present[u].contains(row.image)) {
      ++out.counts[u].dropped["its image file is missing"];
      missing.add((files.folders[u] / row.image).string());
    } else {
      paths.push_back(files.folders[u] / row.image);
      append(out, row, row.image);
    }
  }
  const fs::path place = files.votes.empty() ? files.inputs().front() : files.votes;
  nameless.report(out, place, "rows have no image name and are left out", "none needed: FER+ as published has 173");
  homeless.report(out, place, "rows are of a Usage whose folder is missing", "unpack that folder beside the others");
  missing.report(out, place, "rows name an image file that is missing", "unpack the images again");
  if (paths.empty()) {
    throw Error(ErrorKind::kBadData, place, "", "not one of its images is there",
                "unpack FER2013Train, FER2013Valid and FER2013Test beside it");
  }
  out.pixels.resize(paths.size() * kImageBytes);
  for_each_parallel(static_cast<int64_t>(paths.size()), [&](int64_t i) {
    const fs::path& path = paths[static_cast<size_t>(i)];
    const Image image = read_image(path, 1);
    if (image.height != kSide || image.width != kSide) {
      throw Error(
          ErrorKind::kBadData, path, "",
          "has " + std::to_string(image.width) + " x " + std::to_string(image.height) + " pixels, 48 x 48 are expected",
          "use FER+'s own images, or read the folders as data set 'faces'");
    }
    std::copy(image.pixels.begin(), image.pixels.end(),
              out.pixels.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(i) * kImageBytes));
  });
  out.source = files.votes.empty() ? "folders with label.csv" : files.votes.filename().string() + " with image folders";
}

}  // namespace

std::vector<fs::path> FerplusFiles::inputs() const {
  std::vector<fs::path> out;
  if (!votes.empty()) out.push_back(votes);
  if (!images_csv.empty()) {
    out.push_back(images_csv);
  } else {
    for (const fs::path& folder : folders) {
      if (!folder.empty()) out.push_back(folder);
    }
  }
  return out;
}

bool holds_ferplus(const fs::path& path) {
  if (is_file(path / kVotesName)) return true;
  for (const auto& names : kFolderNames) {
    for (const char* name : names) {
      if (is_file(path / name / kLabelName)) return true;
    }
  }
  return false;
}

FerplusFiles find_ferplus(const fs::path& path) {
  const bool names_file = is_file(path);
  const fs::path folder = names_file ? path.parent_path() : path;
  if (!names_file && !is_folder(folder)) {
    throw Error(ErrorKind::kBadData, path, "", "there is no such folder", "check the path");
  }
  FerplusFiles files;
  if (names_file) {
    files.votes = path;
  } else if (is_file(folder / kVotesName)) {
    files.votes = folder / kVotesName;
  }
  int folders = 0, labelled = 0;
  for (size_t u = 0; u < kUsages.size(); ++u) {
    for (const char* name : kFolderNames[u]) {
      if (!files.folders[u].empty() || !is_folder(folder / name)) continue;
      const bool has_labels = is_file(folder / name / kLabelName);
      if (files.votes.empty() && !has_labels) continue;  // images without votes
      files.folders[u] = folder / name;
      ++folders;
      labelled += has_labels ? 1 : 0;
    }
  }
  if (files.votes.empty() && labelled == 0) {
    throw Error(ErrorKind::kBadData, path, "", "holds neither fer2013new.csv nor a FER2013Train with label.csv",
                "put FER+'s fer2013new.csv there");
  }
  if (!files.votes.empty() && folders < static_cast<int>(kUsages.size())) {
    for (const char* name : {"fer2013.csv", "icml_face_data.csv"}) {
      if (files.images_csv.empty() && is_file(folder / name)) files.images_csv = folder / name;
    }
  }
  if (folders == 0 && files.images_csv.empty()) {
    throw Error(ErrorKind::kBadData, path, "", "holds votes but no images",
                "put fer2013.csv, or the folders FER2013Train, FER2013Valid and FER2013Test, beside fer2013new.csv");
  }
  return files;
}

FaceSet read_ferplus(const FerplusFiles& files) {
  const std::vector<VoteRow> rows = read_votes(files);
  FaceSet out;
  out.class_names.assign(ferplus_classes().begin(), ferplus_classes().end());
  out.rule = "all";
  if (!files.votes.empty()) note_odd_rows(rows, files.votes, out);
  if (files.images_csv.empty()) {
    join_folders(files, rows, out);
  } else {
    join_csv(files, rows, out);
  }
  return out;
}

}  // namespace shcnn::io
