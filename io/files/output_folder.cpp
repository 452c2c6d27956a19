#include "io/files/output_folder.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "io/files/input_file.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "choose a place that this user may write to";

void require_writable(const fs::path& folder) {
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
  throw Error(ErrorKind::kDisk, folder, "", "the folder cannot be written: " + system_message(errno), kRemedy);
}

}  // namespace

void make_output_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && !fs::is_directory(folder, error) && !error) error = std::make_error_code(std::errc::not_a_directory);
  if (error) throw Error(ErrorKind::kDisk, folder, "", "cannot make the folder: " + error.message(), kRemedy);
  require_writable(folder);
}

void require_output_place(const fs::path& path) {
  std::error_code error;
  fs::path folder = fs::absolute(path, error).lexically_normal();
  if (error) throw Error(ErrorKind::kDisk, path, "", "cannot be looked up: " + error.message(), kRemedy);
  while (folder.has_relative_path() && !fs::exists(folder, error) && !error) folder = folder.parent_path();
  if (!error && !fs::is_directory(folder, error) && folder != fs::absolute(path).lexically_normal()) {
    throw Error(ErrorKind::kDisk, path, "", "cannot be made: " + folder.string() + " is no folder", kRemedy);
  }
  if (error) throw Error(ErrorKind::kDisk, folder, "", "cannot be looked at: " + error.message(), kRemedy);
  require_writable(fs::is_directory(folder, error) ? folder : folder.parent_path());
}

void require_output_file(const fs::path& file) {
  std::error_code error;
  if (fs::is_directory(file, error)) throw Error(ErrorKind::kUsage, file, "", "is a folder", "name a file");
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::exists(folder, error) && !error) {
    throw Error(ErrorKind::kDisk, folder, "", "there is no such folder", "make it, or choose another place");
  }
  if (!fs::is_directory(folder, error)) {
    const std::string why = error ? error.message() : "it is no folder";
    throw Error(ErrorKind::kDisk, file, "", "its folder cannot be used: " + why, kRemedy);
  }
  require_writable(folder);
}

}  // namespace shcnn::io
