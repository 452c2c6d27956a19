#include "io/files/folder_entries.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "io/files/input_file.h"

namespace shcnn::io {

namespace fs = std::filesystem;

void require_listable(const fs::path& folder) {
  // X_OK: if a folder can be listed but not entered, all its entries look like broken links
  if (::access(folder.c_str(), R_OK | X_OK) == 0) return;
  const int error = errno;
  throw Error(ErrorKind::kDisk, folder, "", "cannot list the folder: " + system_message(error),
              error == EACCES ? "give this user permission to read and enter it" : "check the path and the disk");
}

std::vector<fs::path> folder_entries(const fs::path& folder) {
  require_listable(folder);
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with('.')) out.push_back(entry->path());
  }
  if (error) {
    throw Error(ErrorKind::kDisk, folder, "", "cannot list the folder: " + error.message(), "check the disk");
  }
  std::sort(out.begin(), out.end());
  return out;
}

fs::file_status status_of(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() != fs::file_type::none) return status;
  if (error == std::errc::too_many_symbolic_link_levels) return fs::file_status(fs::file_type::not_found);
  throw Error(ErrorKind::kDisk, path.has_parent_path() ? path.parent_path() : fs::path("."), "",
              "cannot look at '" + path.filename().string() + "' in this folder: " + error.message(),
              "make the folder readable and searchable for this user");
}

std::vector<fs::path> only_folders(std::vector<fs::path> entries) {
  std::erase_if(entries, [](const fs::path& path) { return !fs::is_directory(status_of(path)); });
  return entries;
}

}  // namespace shcnn::io
