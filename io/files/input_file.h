// A regular file opened for reading: its size is known before anything is read, and every read is checked.
//
// Plain reads instead of a memory map: a file that shrinks while it is read is then an Error, never a SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "io/files/error.h"

namespace shcnn::io {

/// Read access to one regular file. Move-only; the descriptor is closed on destruction.
class InputFile {
 public:
  /// Opens `path`. Folders, pipes and devices are refused (a pipe could block for ever).
  /// @param bad the kind of error for a file that is no file or ends early; what the system refuses is kDisk,
  ///            a file that is not there is `bad` as well, since the remedy is to name the right one
  InputFile(std::filesystem::path path, ErrorKind bad);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Size in bytes when it was opened.
  uint64_t size() const noexcept { return size_; }
  /// Reads the next bytes into `out`; returns how many, less than asked for only at the end of the file.
  size_t read_some(std::span<std::byte> out);
  /// Goes on at byte `position`, which may lie beyond the end.
  void seek(uint64_t position);
  /// Reads exactly out.size() bytes or throws (`bad`) naming the byte where the file ends.
  void read_exactly(std::span<std::byte> out);

 private:
  std::filesystem::path path_;
  ErrorKind bad_;
  int fd_ = -1;
  uint64_t size_ = 0;
  uint64_t position_ = 0;
};

/// The whole of a small file. @throws Error (`bad`) where it is larger than `limit` bytes
std::string read_text(const std::filesystem::path& path, uint64_t limit, ErrorKind bad);

/// The system's words for an errno value, such as "No space left on device".
std::string system_message(int error_number);

}  // namespace shcnn::io
