// A file that appears whole or not at all.
//
// Bytes go to a temporary in the same folder; commit() writes them out (fsync), renames the temporary onto the path and
// fsyncs the folder. Until then the path holds what it held before, whatever happens: an error, a kill, a power cut.
// A writer holds a lock on its temporary as long as it lives, so temporaries of dead writers are told from living
// ones (also across containers, where process ids mean nothing) and are removed by the next writer of the same path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "io/files/error.h"

namespace shcnn::io {

/// Whether a writer may replace a file that is already there.
enum class Overwrite { kNo, kYes };

/// Writes one file safely. Any failure throws Error (kDisk; kUsage where the file exists and may not be replaced) and
/// leaves the path as it was and no temporary behind.
class AtomicFile {
 public:
  /// Opens the temporary beside `path`, whose folder must exist.
  AtomicFile(std::filesystem::path path, Overwrite overwrite);
  /// Without commit() the temporary is removed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Makes what was written durable and gives it its name. Nothing may be written afterwards.
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

/// Writes `text` as the whole of `path`, safely.
void write_file(const std::filesystem::path& path, std::string_view text, Overwrite overwrite);

/// Removes the temporaries that dead writers left beside `path`; returns how many. Never throws: a temporary
/// that cannot be removed is not worth stopping for.
int remove_stale_temporaries(const std::filesystem::path& path) noexcept;

}  // namespace shcnn::io
