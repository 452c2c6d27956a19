// Atomic file writes: a file appears complete or not at all.
//
// Bytes go to a temporary file in the same folder. commit() flushes it to disk (fsync), renames it to the final path
// and syncs the folder. Until then the path keeps its previous content, even after an error, a kill or a power failure.
// A writer locks its temporary file for its whole lifetime. An unlocked temporary therefore belongs to a dead writer
// (this also works across containers, where process ids are not comparable); the next writer of the same path removes
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "io/files/error.h"

namespace shcnn::io {

/// Whether a writer may replace an existing file.
enum class Overwrite { kNo, kYes };

/// Writes one file atomically. A failure throws Error (kDisk; kUsage if the file exists and must not be replaced),
/// removes the temporary file and leaves the path unchanged, unless commit() fails after the rename.
class AtomicFile {
 public:
  /// Opens the temporary file in the folder of `path`, which must exist.
  AtomicFile(std::filesystem::path path, Overwrite overwrite);
  /// Removes the temporary file if commit() was not called.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Makes the written bytes durable and renames the file to its final path. Nothing may be written afterwards.
  void commit();

 private:
  void flush();
  void write_through(std::span<const std::byte> bytes);
  [[noreturn]] void fail(int error_number, const char* doing);
  void discard() noexcept;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  Overwrite overwrite_;
  int fd_ = -1;
  uint64_t written_ = 0;
  std::string buffer_;
};

/// Writes `text` as the complete content of `path`, atomically.
void write_file(const std::filesystem::path& path, std::string_view text, Overwrite overwrite);

/// Removes the temporary files that dead writers of `path` left in its folder; returns how many. Files that cannot be
/// removed are ignored.
int remove_stale_temporaries(const std::filesystem::path& path) noexcept;

}  // namespace shcnn::io
