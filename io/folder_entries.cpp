#include "io/folder_entries.h"

#include <algorithm>
#include <string>

namespace shcnn::io {

namespace fs = std::filesystem;

std::vector<fs::path> folder_entries(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with('.')) out.push_back(entry->path());
  }
  if (error) {
    throw Error(ErrorKind::kDisk, folder, "", "cannot list the folder: " + error.message(),
                "make it readable for this user");
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<fs::path> only_folders(std::vector<fs::path> entries) {
  std::error_code ignored;
  std::erase_if(entries, [&](const fs::path& path) { return !fs::is_directory(path, ignored); });
  return entries;
}

}  // namespace shcnn::io
