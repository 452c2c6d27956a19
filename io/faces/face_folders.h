// Faces in one folder per class: the layout of Kaggle's image copies of FER2013 and of many private collections.
//
//   DIR/<class>/*.png|jpg|jpeg|bmp               all Training, unless a file name states another Usage
//   DIR/<split>/<class>/*.png|jpg|jpeg|bmp       <split>: train, val or valid, test; or the names of the Usages
//
// train, val and test mean Training, PublicTest and PrivateTest, like FER+'s Train, Valid and Test. A file named
// PublicTest_123.jpg has that Usage in any folder, because Kaggle's copies merge both test sets into one folder.
#pragma once

#include <filesystem>

#include "io/faces/dataset.h"

namespace shcnn::io {

/// Whether folder `path` holds class folders with images, or splits of such folders.
bool holds_face_folders(const std::filesystem::path& path);

/// Reads all images as 48 x 48 gray; images of another size are resized (bilinear). The classes are the folder names,
/// in FER2013's order if all are FER2013's classes, else sorted. Folders whose names differ only in case or in leading
/// or trailing blanks are one class. Labels are one-hot; image names are paths relative to `folder`.
/// `problems` lists JPEG files, resized images, files that are no images, and class folders without images.
/// @throws Error kBadData: no such folder, no class folders, splits and classes in the same folder, an unreadable
/// image, or no images
FaceSet read_face_folders(const std::filesystem::path& folder);

}  // namespace shcnn::io
