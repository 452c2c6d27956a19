// FER2013 as Kaggle gives it: fer2013.csv (emotion,pixels,Usage), icml_face_data.csv (emotion, Usage, pixels) and
// train.csv (emotion,pixels).
#pragma once

#include <filesystem>

#include "io/faces/dataset.h"

namespace shcnn::io {

/// Whether folder `path` holds a file called fer2013.csv, icml_face_data.csv or train.csv.
bool holds_fer2013(const std::filesystem::path& path);

/// Finds the csv file: `path` itself, or fer2013.csv, icml_face_data.csv or train.csv in folder `path`.
/// @throws Error kBadData where there is none
std::filesystem::path find_fer2013_csv(const std::filesystem::path& path);

/// Reads the file. Columns are found by name, in any order. A file called train.csv may lack the Usage column: its
/// rows are Training. A Usage that no row has is no error. Labels are one-hot, names row_name(row), the rule is "all".
/// @throws Error kBadData naming file, line, row and the remedy: a missing column, a row of more or fewer than 2,304
/// pixels, a pixel that is no number from 0 to 255, an emotion that is none of 0 .. 6, an unknown Usage, no rows at all
FaceSet read_fer2013(const std::filesystem::path& csv);

}  // namespace shcnn::io
