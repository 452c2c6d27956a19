// The door to all readers: a data set's name and a path to its images, through the cache.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/cache.h"
#include "io/dataset.h"

namespace shcnn::io {

/// The data sets of faces.
enum class FaceDataset {
  kFer2013,  ///< Kaggle's csv file, or a folder that holds it
  kFerplus,  ///< a folder with FER+'s votes and images
  kFolders,  ///< folders by class
};

/// "fer2013", "ferplus", "faces". @throws Error kUsage otherwise
FaceDataset face_dataset(std::string_view name);

/// Reads a data set of faces.
/// @param rule  kFerplus: "strict" or "soft"; the others know "all" alone, which an empty rule means too
/// @param notes what happened to the cache, a line each
/// @throws Error of the readers; kUsage for a rule that the data set does not have
FaceSet load_dataset(FaceDataset dataset, const std::filesystem::path& path, std::string_view rule,
                     const CacheOptions& cache, std::vector<std::string>& notes);

}  // namespace shcnn::io
