// TensorBoard's event files, as far as scalars need them.
//
// File: records of  length (8 bytes, little-endian) | masked CRC-32C of these 8 | data | masked CRC-32C of the data.
// Data: an Event in protobuf's wire format: 1 wall_time (double), 2 step (int64), 3 file_version (string; the first
// record), 5 summary { 1 value { 1 tag (string), 2 simple_value (float) } }.
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

/// One scalar's name and value.
struct Scalar {
  std::string_view tag;
  float value;
};

/// Appends scalars to a new event file. A record is written by one call, so a reader sees it whole or its end missing.
class EventLog {
 public:
  /// Makes `folder`/events.out.tfevents.<seconds>.shcnn, with a number appended where that is there already.
  /// @param wall_time seconds since 1970, as all wall times here
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

/// One scalar of an event file; the file's first record has an empty tag.
struct LoggedScalar {
  double wall_time = 0;
  int64_t step = 0;
  std::string tag;
  float value = 0;
};

/// Reads an event file of EventLog's kind: one scalar a record. A last record that is cut short, as a run that is going
/// on or was killed leaves it, ends the list. @throws Error kBadData on a record whose check sum or form is wrong
std::vector<LoggedScalar> read_event_log(const std::filesystem::path& path);

}  // namespace shcnn::io
