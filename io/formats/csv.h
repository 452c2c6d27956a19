// Comma-separated files, line by line and with bounded memory: what FER2013 and FER+ arrive in.
//
// One record is one line (LF or CRLF; a byte order mark is skipped). Commas separate fields, or semicolons or tabs
// where the header holds no comma. A field may stand in double quotes and then hold separators; blanks round a field
// are dropped. No line is longer than kMaxLineBytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/files/error.h"
#include "io/files/input_file.h"

namespace shcnn::io {

inline constexpr size_t kMaxLineBytes = size_t{1} << 20;

/// Reads a csv file with a header (or without one) record after record.
class CsvReader {
 public:
  enum class Header { kYes, kNo };

  /// Opens `path` and reads its header. @throws Error kBadData where the file is missing, empty, or no such text: an
  /// archive, UTF-16, lines that end with CR alone
  CsvReader(const std::filesystem::path& path, Header header);

  const std::filesystem::path& path() const { return file_.path(); }
  uint64_t file_bytes() const { return file_.size(); }
  /// The header's names, trimmed.
  const std::vector<std::string>& header() const { return header_; }
  /// Position of column `name`, compared without case; -1 where there is none.
  int column(std::string_view name) const;
  /// As column(). @throws Error kBadData with `remedy` where it is missing
  int require_column(std::string_view name, std::string_view remedy) const;

  /// Moves to the next record; false at the end. Empty lines are allowed at the end alone.
  /// @throws Error where the number of fields is not the header's (or, without one, the first record's); it says which
  /// lines to delete where no record follows, as behind text that stands after the last one
  bool next();
  /// The fields of this record, valid until next().
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// Number of this record from 0.
  int64_t row() const { return row_; }
  /// "line 14 (row 12)", for messages.
  std::string place() const;
  /// An error about this record.
  Error bad(std::string_view message, std::string_view remedy) const;

 private:
  bool next_line(std::string_view& line);
  void fill();
  void refuse_other_formats() const;
  void split(std::string_view line);
  bool looks_like_a_record(std::string_view line) const;
  Error no_record(const std::string& where, const std::string& what);

  InputFile file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // unread part of buffer_
  size_t end_ = 0;
  bool at_end_ = false;
  int64_t line_ = 0;
  int64_t row_ = -1;
  char separator_ = ',';
  bool has_header_;
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;
  size_t expected_fields_ = 0;
};

}  // namespace shcnn::io
