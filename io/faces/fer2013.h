// FER2013 in Kaggle's formats: fer2013.csv (emotion,pixels,Usage), icml_face_data.csv (emotion, Usage, pixels) and
// train.csv (emotion,pixels).
#pragma once

#include <filesystem>

#include "io/faces/dataset.h"

namespace shcnn::io {

/// Whether folder `path` holds a file named fer2013.csv, icml_face_data.csv or train.csv.
bool holds_fer2013(const std::filesystem::path& path);

/// Finds the csv file: `path` itself, or fer2013.csv, icml_face_data.csv or train.csv in folder `path`.
/// @throws Error kBadData if there is none
std::filesystem::path find_fer2013_csv(const std::filesystem::path& path);

/// Reads the file. Columns are found by name, in any order. A file named train.csv may lack the Usage column; its rows
/// are then Training. A Usage without rows is not an error. Labels are one-hot, names are row_name(row), rule is "all".
/// @throws Error kBadData naming file, line, row and remedy: a missing column, a row with more or fewer than 2,304
/// pixels, a pixel that is not a number from 0 to 255, an emotion that is not 0 .. 6, an unknown Usage, or no rows
FaceSet read_fer2013(const std::filesystem::path& csv);

}  // namespace shcnn::io
