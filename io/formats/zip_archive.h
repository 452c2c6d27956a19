// A zip archive that is read part by part, with limits on what comes out of it.
//
// Nothing in the archive is believed: the number of its parts is looked at before they are listed, the unpacked size of
// a part and of all parts together before anything is unpacked, and check sums at each part's end.
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

inline constexpr uint64_t kMaxZipBytes = uint64_t{16} << 20;       ///< of the file
inline constexpr uint64_t kMaxUnpackedBytes = uint64_t{64} << 20;  ///< of all parts that are read, together
inline constexpr int64_t kMaxZipParts = 4096;
/// Unpacked : packed. A part of up to 64 KiB, and 1 MiB in all, may be packed better: XML often is.
inline constexpr uint64_t kMaxZipRatio = 100;

class ZipArchive {
 public:
  /// @param remedy what to do about a damaged archive
  /// @throws Error kBadData: empty, no archive, damaged, or beyond the limits
  ZipArchive(const std::filesystem::path& path, std::string remedy);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool has(const std::string& part) const;
  /// Unpacks a part and hands it over piece by piece; what `take` throws goes through.
  /// @throws Error kBadData: missing, encrypted, damaged, or beyond `limit` bytes or the limits of the archive
  void read(const std::string& part, uint64_t limit, const std::function<void(std::string_view)>& take);

  /// An error about a part or a place in it.
  Error bad(std::string_view place, std::string_view message, std::string_view remedy) const;
  /// An error about damage.
  Error damaged(std::string_view place, std::string_view message) const { return bad(place, message, remedy_); }

 private:
  struct Close {
    void operator()(zip* archive) const;
  };

  std::filesystem::path path_;
  std::string remedy_;
  std::string bytes_;  ///< the file, which archive_ reads from
  std::unique_ptr<zip, Close> archive_;
  uint64_t unpacked_ = 0;  ///< bytes of the parts read so far
};

}  // namespace shcnn::io
