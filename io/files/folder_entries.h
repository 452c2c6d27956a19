// Lists the direct entries of a folder in an order that does not depend on the file system.
#pragma once

#include <filesystem>
#include <vector>

#include "io/files/error.h"

namespace shcnn::io {

/// Checks that the user may list the folder and access its entries. @throws Error kDisk, naming the folder, if not
void require_listable(const std::filesystem::path& folder);

/// The entries of `folder` without hidden ones, sorted by name. @throws Error kDisk if the folder cannot be listed
std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder);

/// The status of `path` after following symbolic links; `not_found` if it does not exist or the link is broken.
/// @throws Error kDisk if the status cannot be determined, for example for lack of permission
std::filesystem::file_status status_of(const std::filesystem::path& path);

/// The `entries` that are folders, in the same order. @throws Error as status_of
std::vector<std::filesystem::path> only_folders(std::vector<std::filesystem::path> entries);

}  // namespace shcnn::io
