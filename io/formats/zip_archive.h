// Reads a zip archive part by part, with limits on the unpacked size.
//
// Input is untrusted: the number of parts is checked before they are listed, the unpacked size of a part and of all
// parts together before unpacking, and the checksum at the end of each part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/files/error.h"

struct zip;

namespace shcnn::io {

inline constexpr uint64_t kMaxZipBytes = uint64_t{16} << 20;       ///< size of the file
inline constexpr uint64_t kMaxUnpackedBytes = uint64_t{64} << 20;  ///< total size of all parts that are read
inline constexpr int64_t kMaxZipParts = 4096;
/// Maximum ratio of unpacked to packed size. Parts up to 64 KiB and totals up to 1 MiB are exempt, because XML often
/// compresses better.
inline constexpr uint64_t kMaxZipRatio = 100;

class ZipArchive {
 public:
  /// @param remedy remedy in the error message for a damaged archive
  /// @throws Error kBadData if the file is empty, not a zip archive, damaged or beyond the limits
  ZipArchive(const std::filesystem::path& path, std::string remedy);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool has(const std::string& part) const;
  /// Unpacks a part and passes it to `take` piece by piece. Exceptions of `take` propagate.
  /// @throws Error kBadData if the part is missing, encrypted, damaged, or larger than `limit` bytes or the limits of
  ///         the archive
  void read(const std::string& part, uint64_t limit, const std::function<void(std::string_view)>& take);

  /// An error about the archive or a place in it.
  Error bad(std::string_view place, std::string_view message, std::string_view remedy) const;
  /// An error about a damaged place; its remedy is that of the constructor.
  Error damaged(std::string_view place, std::string_view message) const { return bad(place, message, remedy_); }

 private:
  struct Close {
    void operator()(zip* archive) const;
  };

  std::filesystem::path path_;
  std::string remedy_;
  std::string bytes_;  ///< content of the file; archive_ reads from it
  std::unique_ptr<zip, Close> archive_;
  uint64_t unpacked_ = 0;  ///< total unpacked size of the parts read so far
};

}  // namespace shcnn::io
