// Checks of output paths before work begins, so that a folder that cannot be created or written is reported immediately
// and not after hours.
#pragma once

#include <filesystem>

#include "io/files/error.h"

namespace shcnn::io {

/// Creates `folder` and its missing parent folders. @throws Error (kDisk), with the folder and the reason, if it cannot
/// be created, is a file, or is not writable
void make_output_folder(const std::filesystem::path& folder);

/// Checks that `path` could be created as a file or folder, including its missing parent folders. Creates nothing.
/// @throws Error (kDisk) if the nearest existing folder at or above `path` is not writable, or a parent is not a folder
void require_output_place(const std::filesystem::path& path);

/// Checks that `file` could be written; its folder must exist.
/// @throws Error, with the reason, if not: kUsage if `file` is a folder, kDisk otherwise
void require_output_file(const std::filesystem::path& file);

}  // namespace shcnn::io
