// TensorBoard event files, restricted to scalars.
//
// File: a sequence of records, each
//   length (8 bytes, little-endian) | masked CRC-32C of the length | data | masked CRC-32C of the data.
// Data: an Event in protobuf wire format: 1 wall_time (double), 2 step (int64), 3 file_version (string; first record
// only), 5 summary { 1 value { 1 tag (string), 2 simple_value (float) } }.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/files/error.h"

namespace shcnn::io {

/// CRC-32C (Castagnoli), as in RFC 3720.
uint32_t crc32c(std::string_view bytes);

/// Name and value of a scalar.
struct Scalar {
  std::string_view tag;
  float value;
};

/// Appends scalars to a new event file. Each record is written with one write(2) call, so a concurrent reader sees
/// either the complete record or one that is cut short.
class EventLog {
 public:
  /// Creates `folder`/events.out.tfevents.<seconds>.shcnn, with a number appended if that file exists.
  /// @param wall_time seconds since 1970, as all wall times in this file
  EventLog(const std::filesystem::path& folder, double wall_time);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Appends one record with one value. @throws Error kDisk
  void add(double wall_time, int64_t step, Scalar scalar);

 private:
  void append_record(std::string_view data);

  std::filesystem::path path_;
  int fd_ = -1;
};

/// One scalar of an event file. The first record of a file holds the format version and has an empty tag.
struct LoggedScalar {
  double wall_time = 0;
  int64_t step = 0;
  std::string tag;
  float value = 0;
};

/// Reads an event file as written by EventLog, with one scalar per record. A last record that is cut short, because the
/// run is still writing or was killed, is ignored.
/// @throws Error kBadData if a record has a wrong checksum or is malformed
std::vector<LoggedScalar> read_event_log(const std::filesystem::path& path);

}  // namespace shcnn::io
