// FER+ on disk: its votes joined with its images, in any of the layouts in use.
//
//   fer2013new.csv + fer2013.csv                             row i of the one is row i of the other
//   fer2013new.csv + FER2013Train, FER2013Valid, FER2013Test   by the column `Image name`, never by row
//   fer2013new.csv + Training, PublicTest, PrivateTest         the same with the authors' names of folders
//   the folders alone, each with its label.csv
#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "io/faces/dataset.h"
#include "io/faces/ferplus_votes.h"

namespace shcnn::io {

/// Where the parts of FER+ lie; an empty path is a part that is not there.
struct FerplusFiles {
  std::filesystem::path votes;                   ///< fer2013new.csv
  std::filesystem::path images_csv;              ///< fer2013.csv or icml_face_data.csv; used where it is set
  std::array<std::filesystem::path, 3> folders;  ///< by Usage
  /// The files and folders that the data are read from.
  std::vector<std::filesystem::path> inputs() const;
};

/// Whether folder `path` holds votes of FER+.
bool holds_ferplus(const std::filesystem::path& path);

/// Finds the parts in folder `path` (or beside the file `path`). Where images are there twice, the folders are taken if
/// all three are there, else the csv file. @throws Error kBadData where votes or images are not to be found
FerplusFiles find_ferplus(const std::filesystem::path& path);

/// Reads every row that has an image, with its votes; no rule is applied yet, so probabilities are empty and labels 0.
/// Rows without image name, whose image file or whole folder is missing, are dropped and counted; they, names given
/// twice, and rows without ten votes stand in `problems`.
/// @throws Error kBadData: bad csv files, csv files of unequal length or order, an image that is empty or not 48 x 48
FaceSet read_ferplus(const FerplusFiles& files);

}  // namespace shcnn::io
