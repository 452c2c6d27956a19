// FaceSets to the layouts that the readers read: Kaggle's csv, FER+'s csv of votes, and folders of images.
#pragma once

#include <filesystem>

#include "io/faces/dataset.h"
#include "io/files/atomic_file.h"

namespace shcnn::io {

/// Writes Kaggle's fer2013.csv: header `emotion,pixels,Usage`, one row an image. Labels must be FER2013's seven.
/// @throws Error as AtomicFile; kUsage where the set is not of 48 x 48 gray images with those labels
void write_fer2013_csv(const std::filesystem::path& path, const FaceSet& faces, Overwrite overwrite);

/// Writes FER+'s fer2013new.csv: `Usage,Image name,neutral,...,NF`, row i the votes of image i. An image whose name
/// does not end in .png is called ferNNNNNNN.png by its number in the set. @throws Error as above; kUsage without votes
void write_ferplus_csv(const std::filesystem::path& path, const FaceSet& faces, Overwrite overwrite);

/// Writes folders by class, DIR/<Usage>/<class>/<Usage>_NNNNN.png with the image's number in the set.
/// DIR must not exist or be empty unless overwriting is allowed (files of the same name are then replaced).
void write_folders(const std::filesystem::path& folder, const FaceSet& faces, Overwrite overwrite);

/// Writes FER+'s folders: DIR/FER2013Train|Valid|Test/ferNNNNNNN.png with their label.csv, and DIR/fer2013new.csv.
void write_ferplus_folders(const std::filesystem::path& folder, const FaceSet& faces, Overwrite overwrite);

}  // namespace shcnn::io
