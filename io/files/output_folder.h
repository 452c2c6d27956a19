// The places that results go to, looked at before work begins: a folder that cannot be made or written is found out at
// once, not after hours.
#pragma once

#include <filesystem>

#include "io/files/error.h"

namespace shcnn::io {

/// Makes `folder` and what lies above it, where they are missing. @throws Error (kDisk) naming the folder and the
/// reason where it cannot be made, is a file, or cannot be written
void make_output_folder(const std::filesystem::path& folder);

/// @throws Error (kDisk) where `path` could not be made, a file or a folder with the folders above it: where the
/// nearest folder above it that exists cannot be written. Makes nothing.
void require_output_place(const std::filesystem::path& path);

/// @throws Error (kDisk; kUsage where `file` is a folder) where a file of that name could not be written, with the
/// reason
void require_output_file(const std::filesystem::path& file);

}  // namespace shcnn::io
