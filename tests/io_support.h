// Helpers of the tests of io/: temporary folders, writing and reading files, and texts of errors.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "io/files/error.h"

namespace shcnn::io::test {

/// Folder for test files of a few kB: in memory if /dev/shm is writable, because fsync is cheap there.
inline std::filesystem::path small_file_folder() {
  return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path();
}

/// A temporary folder, deleted by the destructor.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& parent = small_file_folder()) {
    std::string pattern = (parent / "shcnn-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// Number of entries, including hidden ones.
  long entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path path_;
};

inline void put(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("the test cannot write " + path.string());
}

inline std::string get(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("the test cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The text of the io::Error that `call` throws, checked to be one line; "no error" if it throws none.
template <class Call>
std::string error_text(Call call, ErrorKind* kind = nullptr) {
  try {
    call();
  } catch (const Error& error) {
    if (kind != nullptr) *kind = error.kind();
    const std::string text = error.what();
    if (text.find('\n') != std::string::npos) return "an error of more than one line: " + text;
    return text;
  }
  return "no error";
}

}  // namespace shcnn::io::test
