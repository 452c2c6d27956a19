// Common entry point of all face readers: loads a data set by its name and path, through the cache.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/faces/cache.h"
#include "io/faces/dataset.h"

namespace shcnn::io {

/// The face data sets.
enum class FaceDataset {
  kFer2013,  ///< Kaggle's csv file, or a folder that holds it
  kFerplus,  ///< a folder with FER+'s votes and images
  kFolders,  ///< folders by class
};

/// Parses "fer2013", "ferplus" or "faces". @throws Error kUsage for another name
FaceDataset face_dataset(std::string_view name);

/// The data sets that folder `path` holds; kFolders only if it holds no other.
std::vector<FaceDataset> face_datasets_in(const std::filesystem::path& path);

/// The folder that holds `dataset`: if `path` is a folder without it and exactly one of its subfolders has it, that
/// subfolder; otherwise `path`. Archives often unpack into a subfolder of their own.
std::filesystem::path face_dataset_root(FaceDataset dataset, const std::filesystem::path& path);
/// The same for the first data set that is found this way; `path` if there is none.
std::filesystem::path any_face_dataset_root(const std::filesystem::path& path);

/// Reads a face data set at its face_dataset_root().
/// @param rule  kFerplus: "strict" or "soft"; the others accept only "all" or an empty rule, which means the same
/// @param notes receives one line each for what happened to the cache and where the data were found if not at `path`
/// @throws Error of the readers; kUsage for a rule that the data set does not have
FaceSet load_dataset(FaceDataset dataset, const std::filesystem::path& path, std::string_view rule,
                     const CacheOptions& cache, std::vector<std::string>& notes);

}  // namespace shcnn::io
