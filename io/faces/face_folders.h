// Faces in folders by class, as Kaggle's image copies of FER2013 and many own collections come.
//
//   DIR/<class>/*.png|jpg|jpeg|bmp               all Training, unless a file name says otherwise
//   DIR/<split>/<class>/*.png|jpg|jpeg|bmp       <split>: train, val or valid, test; or the names of the Usages
//
// train, val, test are Training, PublicTest, PrivateTest (as FER+'s Train, Valid, Test are). A file called
// PublicTest_123.jpg keeps its Usage whatever the folder: Kaggle's copies merge both tests into one folder.
#pragma once

#include <filesystem>

#include "io/faces/dataset.h"

namespace shcnn::io {

/// Whether folder `path` holds folders of images, or splits of such folders.
bool holds_face_folders(const std::filesystem::path& path);

/// Reads all images as 48 x 48 gray, resized (bilinear) where they have another size. Classes are the folders' names in
/// FER2013's order where they are its classes, else sorted; folders whose names differ in case or in blanks at the ends
/// are one class. Labels are one-hot, names the paths below `folder`.
/// `problems` tells of JPEG files, resized images, other files and classes without images.
/// @throws Error kBadData: no such folder, no class folders, splits and classes side by side, an unreadable image, none
FaceSet read_face_folders(const std::filesystem::path& folder);

}  // namespace shcnn::io
