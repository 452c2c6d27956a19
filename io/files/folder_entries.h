// What lies directly in a folder, in an order that does not hang on the file system's.
#pragma once

#include <filesystem>
#include <vector>

#include "io/files/error.h"

namespace shcnn::io {

/// Refuses a folder whose entries this user cannot list and look at. @throws Error kDisk that names the folder
void require_listable(const std::filesystem::path& folder);

/// Entries without hidden ones, sorted by name. @throws Error kDisk: the folder cannot be listed
std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder);

/// What `path` leads to through links; `not_found` where there is nothing, or a link that leads nowhere.
/// @throws Error kDisk where the system does not say, for lack of permission say
std::filesystem::file_status status_of(const std::filesystem::path& path);

/// Those of `entries` that are folders themselves, in their order. @throws Error as status_of
std::vector<std::filesystem::path> only_folders(std::vector<std::filesystem::path> entries);

}  // namespace shcnn::io
