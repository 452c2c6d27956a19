#include "io/formats/zip_archive.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <utility>

#include "io/files/input_file.h"

namespace shcnn::io {
namespace {

constexpr uint64_t kPartMayPackBetter = uint64_t{64} << 10;
constexpr uint64_t kAllMayPackBetter = uint64_t{1} << 20;
constexpr const char* kWrongFile = "is this the right file?";

struct ZipFileClose {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

/// The number of parts according to the record at the end of the archive. It is read here because libzip allocates
/// memory for each part when it opens the archive. 0 if there is no such record; libzip then reports the error.
uint64_t announced_parts(std::string_view bytes) {
  constexpr size_t kRecord = 22, kCountAt = 10, kLongestComment = 65535;
  const size_t from = bytes.size() - std::min(bytes.size(), kRecord + kLongestComment);
  const size_t at = bytes.substr(from).rfind("PK\x05\x06");
  if (at == std::string_view::npos || bytes.size() - (from + at) < kRecord) return 0;
  const auto byte = [&](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(bytes[from + at + i])); };
  return byte(kCountAt) | byte(kCountAt + 1) << 8;
}

}  // namespace

void ZipArchive::Close::operator()(zip* archive) const { zip_discard(archive); }  // nothing was changed

ZipArchive::ZipArchive(const std::filesystem::path& path, std::string remedy)
    : path_(path), remedy_(std::move(remedy)), bytes_(read_text(path, kMaxZipBytes, ErrorKind::kBadData)) {
  if (bytes_.empty()) throw bad("", "is empty (0 bytes)", "copy the file again");
  if (bytes_.starts_with("\xd0\xcf\x11\xe0")) {
    throw bad("", "is an old .xls workbook or protected by a password",
              "open it in a spreadsheet program and save it as plain .xlsx");
  }
  if (!bytes_.starts_with("PK")) throw damaged("byte 0", "is no .xlsx workbook");
  if (const uint64_t parts = announced_parts(bytes_); parts > static_cast<uint64_t>(kMaxZipParts)) {
    throw bad("", "has " + std::to_string(parts) + " parts or more, at most 4096 are expected", kWrongFile);
  }
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes_.data(), bytes_.size(), 0, &error);
  if (source != nullptr) archive_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (!archive_) {
    if (source != nullptr) zip_source_free(source);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw damaged("", "the zip archive is damaged or cut short (" + why + ")");
  }
  zip_error_fini(&error);
}

ZipArchive::~ZipArchive() = default;

Error ZipArchive::bad(std::string_view place, std::string_view message, std::string_view remedy) const {
  return Error(ErrorKind::kBadData, path_, place, message, remedy);
}

bool ZipArchive::has(const std::string& part) const { return zip_name_locate(archive_.get(), part.c_str(), 0) >= 0; }

void ZipArchive::read(const std::string& part, uint64_t limit, const std::function<void(std::string_view)>& take) {
  const std::string place = "part '" + part + "'";
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_stat(archive_.get(), part.c_str(), 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0) {
    throw damaged(place, "is missing");
  }
  if ((status.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && status.encryption_method != ZIP_EM_NONE) {
    throw bad(place, "is encrypted", "save the workbook without a password");
  }
  if (status.size > limit || status.size > kMaxUnpackedBytes - unpacked_) {
    throw bad(place,
              "unpacks to " + std::to_string(status.size) + " bytes, at most " +
                  std::to_string(std::min(limit, kMaxUnpackedBytes - unpacked_)) + " are allowed" +
                  (unpacked_ > 0 ? " beside the parts before it" : ""),
              kWrongFile);
  }
  const uint64_t packed = std::max<uint64_t>((status.valid & ZIP_STAT_COMP_SIZE) != 0 ? status.comp_size : 1, 1);
  if (status.size > kPartMayPackBetter && status.size / packed > kMaxZipRatio) {
    throw bad(place, "unpacks to more than 100 times its packed size", kWrongFile);
  }
  unpacked_ += status.size;
  if (unpacked_ > kAllMayPackBetter && unpacked_ / bytes_.size() > kMaxZipRatio) {
    throw bad(place, "and the parts before it unpack to more than 100 times the file's size", kWrongFile);
  }
  const std::unique_ptr<zip_file_t, ZipFileClose> file(zip_fopen(archive_.get(), part.c_str(), 0));
  if (!file) throw damaged(place, "cannot be unpacked");
  std::array<char, 1 << 16> piece;
  uint64_t done = 0;
  for (;;) {
    const zip_int64_t got = zip_fread(file.get(), piece.data(), piece.size());
    if (got < 0) throw damaged(place, "is damaged: " + std::string(zip_file_strerror(file.get())));
    if (got == 0) break;  // end of the part; libzip has verified the checksum
    done += static_cast<uint64_t>(got);
    if (done > status.size) throw damaged(place, "is longer than the archive says");
    take(std::string_view(piece.data(), static_cast<size_t>(got)));
  }
  if (done != status.size) throw damaged(place, "is damaged or cut short");
}

}  // namespace shcnn::io
