// One branch a data set: find its files, read them (or their cache), apply the rule.
#include "io/load_dataset.h"

#include "io/error.h"
#include "io/face_folders.h"
#include "io/fer2013.h"
#include "io/ferplus.h"
#include "io/memory.h"

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

namespace {

FaceSet load(FaceDataset dataset, const fs::path& path, std::string_view rule, const CacheOptions& cache,
             std::vector<std::string>& notes) {
  require_file(path);
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
