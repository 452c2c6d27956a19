// The door to all readers: a data set's name and a path to its images, through the cache.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/faces/cache.h"
#include "io/faces/dataset.h"

namespace shcnn::io {

/// The data sets of faces.
enum class FaceDataset {
  kFer2013,  ///< Kaggle's csv file, or a folder that holds it
  kFerplus,  ///< a folder with FER+'s votes and images
  kFolders,  ///< folders by class
};

/// "fer2013", "ferplus", "faces". @throws Error kUsage otherwise
FaceDataset face_dataset(std::string_view name);

/// The data sets that folder `path` holds; kFolders only where it is no other.
std::vector<FaceDataset> face_datasets_in(const std::filesystem::path& path);

/// `path`; or, where that is a folder that does not hold `dataset` while one alone of the folders in it does, that one:
/// archives are unpacked into a folder of their own.
std::filesystem::path face_dataset_root(FaceDataset dataset, const std::filesystem::path& path);
/// The same for the first data set that is found so; `path` where none is.
std::filesystem::path any_face_dataset_root(const std::filesystem::path& path);

/// Reads a data set of faces at its face_dataset_root.
/// @param rule  kFerplus: "strict" or "soft"; the others know "all" alone, which an empty rule means too
/// @param notes what happened to the cache, and where the data were found if not at `path`, a line each
/// @throws Error of the readers; kUsage for a rule that the data set does not have
FaceSet load_dataset(FaceDataset dataset, const std::filesystem::path& path, std::string_view rule,
                     const CacheOptions& cache, std::vector<std::string>& notes);

}  // namespace shcnn::io
