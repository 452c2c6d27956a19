// Writes FaceSets in the layouts that the readers accept: Kaggle's csv, FER+'s csv of votes, and folders of images.
#pragma once

#include <filesystem>

#include "io/faces/dataset.h"
#include "io/files/atomic_file.h"

namespace shcnn::io {

/// Writes Kaggle's fer2013.csv: header `emotion,pixels,Usage`, one row per image. All classes must be FER2013's.
/// @throws Error as AtomicFile; kUsage if the images are not 48 x 48 gray or have other classes
void write_fer2013_csv(const std::filesystem::path& path, const FaceSet& faces, Overwrite overwrite);

/// Writes FER+'s fer2013new.csv: `Usage,Image name,neutral,...,NF`; row i holds the votes of image i. An image whose
/// name does not end in .png is written as ferNNNNNNN.png with its index in the set.
/// @throws Error as AtomicFile; kUsage if the set has no votes
void write_ferplus_csv(const std::filesystem::path& path, const FaceSet& faces, Overwrite overwrite);

/// Writes folders by class, DIR/<Usage>/<class>/<Usage>_NNNNN.png, where NNNNN is the image's index in the set.
/// Unless overwriting is allowed, DIR must not exist or must be empty. Overwriting replaces files of the same name.
/// @throws Error kUsage if DIR is not empty
void write_folders(const std::filesystem::path& folder, const FaceSet& faces, Overwrite overwrite);

/// Writes FER+'s folders: DIR/FER2013Train|Valid|Test/ferNNNNNNN.png, each folder with its label.csv, and
/// DIR/fer2013new.csv. @throws Error kUsage if DIR is not empty, images are not 48 x 48 gray or votes are missing
void write_ferplus_folders(const std::filesystem::path& folder, const FaceSet& faces, Overwrite overwrite);

}  // namespace shcnn::io
