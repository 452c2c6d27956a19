// FER+ on disk: joins its votes with its images, in any of these layouts:
//
//   fer2013new.csv + fer2013.csv                               joined by row: row i belongs to row i
//   fer2013new.csv + FER2013Train, FER2013Valid, FER2013Test   joined by the column `Image name`, never by row
//   fer2013new.csv + Training, PublicTest, PrivateTest         the same with the authors' folder names
//   the folders alone, each with its label.csv
#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "io/faces/dataset.h"
#include "io/faces/ferplus_votes.h"

namespace shcnn::io {

/// Paths of the parts of FER+; an empty path means that the part does not exist.
struct FerplusFiles {
  std::filesystem::path votes;                   ///< fer2013new.csv
  std::filesystem::path images_csv;              ///< fer2013.csv or icml_face_data.csv; if set, used instead of folders
  std::array<std::filesystem::path, 3> folders;  ///< indexed by Usage
  /// The files and folders from which the data are read.
  std::vector<std::filesystem::path> inputs() const;
};

/// Whether folder `path` holds FER+ votes.
bool holds_ferplus(const std::filesystem::path& path);

/// Finds the parts in folder `path`, or beside the file `path`. If images exist both in folders and in a csv file, the
/// folders are used if all three exist, else the csv file. @throws Error kBadData if votes or images are not found
FerplusFiles find_ferplus(const std::filesystem::path& path);

/// Reads every row that has an image, with its votes. No rule is applied yet: probabilities are empty, labels are 0.
/// Rows without an image name, and rows whose image file or whole folder is missing, are dropped and counted.
/// `problems` lists these, names that occur twice, and rows whose votes do not sum to ten.
/// @throws Error kBadData: bad csv files, csv files of unequal length or order, an image that is empty or not 48 x 48
FaceSet read_ferplus(const FerplusFiles& files);

}  // namespace shcnn::io
