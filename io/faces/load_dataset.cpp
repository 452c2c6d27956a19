// One branch per data set: find its files, read them or their cache, apply the rule.
#include "io/faces/load_dataset.h"

#include <algorithm>

#include "io/faces/face_folders.h"
#include "io/faces/fer2013.h"
#include "io/faces/ferplus.h"
#include "io/files/error.h"
#include "io/files/folder_entries.h"
#include "io/files/memory.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? path : path.parent_path();
}

void require_rule_all(std::string_view rule) {
  if (rule.empty() || rule == "all") return;
  throw Error(ErrorKind::kUsage, "rule '" + std::string(rule) + "'", "", "this data set has no such rule",
              "leave the rule out; strict and soft are FER+'s");
}

void require_file(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw Error(ErrorKind::kBadData, path, "", "there is no such file or folder", "check the path");
  }
}

}  // namespace

FaceDataset face_dataset(std::string_view name) {
  if (name == "fer2013") return FaceDataset::kFer2013;
  if (name == "ferplus") return FaceDataset::kFerplus;
  if (name == "faces") return FaceDataset::kFolders;
  throw Error(ErrorKind::kUsage, "data set '" + std::string(name) + "'", "", "there is no such data set",
              "use fer2013, ferplus or faces (image folders by class)");
}

std::vector<FaceDataset> face_datasets_in(const fs::path& path) {
  std::vector<FaceDataset> found;
  if (holds_fer2013(path)) found.push_back(FaceDataset::kFer2013);
  if (holds_ferplus(path)) found.push_back(FaceDataset::kFerplus);
  if (found.empty() && holds_face_folders(path)) found.push_back(FaceDataset::kFolders);
  return found;
}

fs::path face_dataset_root(FaceDataset dataset, const fs::path& path) {
  std::error_code ignored;
  const auto holds = [&](const fs::path& folder) {
    const std::vector<FaceDataset> found = face_datasets_in(folder);
    return std::find(found.begin(), found.end(), dataset) != found.end();
  };
  if (!fs::is_directory(path, ignored) || holds(path)) return path;
  const std::vector<fs::path> below = only_folders(folder_entries(path));
  const auto first = std::find_if(below.begin(), below.end(), holds);
  if (first == below.end() || std::find_if(first + 1, below.end(), holds) != below.end()) return path;
  return *first;
}

fs::path any_face_dataset_root(const fs::path& path) {
  // csv files first: a subfolder that holds a csv file and a picture of its faces would be taken for a class folder
  for (const FaceDataset dataset : {FaceDataset::kFer2013, FaceDataset::kFerplus, FaceDataset::kFolders}) {
    const fs::path root = face_dataset_root(dataset, path);
    const std::vector<FaceDataset> found = face_datasets_in(root);
    if (std::find(found.begin(), found.end(), dataset) != found.end()) return root;
  }
  return path;
}

namespace {

FaceSet load(FaceDataset dataset, const fs::path& given, std::string_view rule, const CacheOptions& cache,
             std::vector<std::string>& notes) {
  require_file(given);
  const fs::path path = face_dataset_root(dataset, given);
  if (path != given) notes.push_back(given.string() + ": the data are one level down, in " + path.string());
  switch (dataset) {
    case FaceDataset::kFer2013: {
      require_rule_all(rule);
      const std::vector<fs::path> inputs = {find_fer2013_csv(path)};
      return read_cached(
          "fer2013", inputs[0].parent_path(), inputs, cache, [&] { return read_fer2013(inputs[0]); }, notes);
    }
    case FaceDataset::kFerplus: {
      const FerplusRule ferplus = ferplus_rule(rule);
      const FerplusFiles files = find_ferplus(path);
      return apply_rule(
          read_cached(
              "ferplus", folder_of(path), files.inputs(), cache, [&] { return read_ferplus(files); }, notes),
          ferplus);
    }
    case FaceDataset::kFolders: {
      require_rule_all(rule);
      const std::vector<fs::path> inputs = {path};
      return read_cached(
          "faces", folder_of(path), inputs, cache, [&] { return read_face_folders(path); }, notes);
    }
  }
  throw Error(ErrorKind::kUsage, path, "", "an unknown data set", "use fer2013, ferplus or faces");
}

}  // namespace

FaceSet load_dataset(FaceDataset dataset, const fs::path& path, std::string_view rule, const CacheOptions& cache,
                     std::vector<std::string>& notes) {
  return with_memory_for(path, [&] { return load(dataset, path, rule, cache, notes); });
}

}  // namespace shcnn::io
