// A regular file opened for reading. Its size is known before the first read, and every read is checked.
//
// Uses read(2), not a memory map: a file that shrinks while it is read then causes an Error, not a SIGBUS.
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
  /// Opens `path`. Rejects folders, pipes and devices (a pipe could block forever).
  /// @param bad the error kind if the path is missing or not a regular file, or if the file ends early
  /// @throws Error `bad`, or kDisk if a system call fails for another reason
  InputFile(std::filesystem::path path, ErrorKind bad);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Size in bytes at the time of opening.
  uint64_t size() const noexcept { return size_; }
  /// Reads the next bytes into `out`; returns their number, which is less than out.size() only at the end of the file.
  size_t read_some(std::span<std::byte> out);
  /// Sets the position of the next read, in bytes; it may lie beyond the end.
  void seek(uint64_t position);
  /// Reads exactly out.size() bytes. @throws Error (`bad`) with the byte at which the file ends, if it ends early
  void read_exactly(std::span<std::byte> out);

 private:
  std::filesystem::path path_;
  ErrorKind bad_;
  int fd_ = -1;
  uint64_t size_ = 0;
  uint64_t position_ = 0;
};

/// The complete content of a small file. @throws Error (`bad`) if it is larger than `limit` bytes
std::string read_text(const std::filesystem::path& path, uint64_t limit, ErrorKind bad);

/// The system's message for an errno value, such as "No space left on device".
std::string system_message(int error_number);

}  // namespace shcnn::io
