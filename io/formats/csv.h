// Reads csv files, the format of FER2013 and FER+, line by line with bounded memory.
//
// One record is one line (LF or CRLF; a byte order mark is skipped). Fields are separated by commas, or, if the header
// contains no comma, by semicolons or tabs. A field in double quotes may contain separators; blanks around a field are
// removed. A line has at most kMaxLineBytes bytes.
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

/// Reads a csv file, with or without a header, record by record.
class CsvReader {
 public:
  enum class Header { kYes, kNo };

  /// Opens `path` and reads its header. @throws Error kBadData if the file is missing, empty, an archive, UTF-16 text,
  /// or has lines that end with CR alone
  CsvReader(const std::filesystem::path& path, Header header);

  const std::filesystem::path& path() const { return file_.path(); }
  uint64_t file_bytes() const { return file_.size(); }
  /// The column names, trimmed.
  const std::vector<std::string>& header() const { return header_; }
  /// Index of column `name`, compared case-insensitively; -1 if there is none.
  int column(std::string_view name) const;
  /// As column(). @throws Error kBadData with `remedy` if it is missing
  int require_column(std::string_view name, std::string_view remedy) const;

  /// Moves to the next record; returns false at the end. Empty lines are allowed only at the end.
  /// @throws Error if the number of fields differs from the header's (or, without a header, the first record's); if no
  /// record follows, as with text after the last record, it says which lines to delete
  bool next();
  /// The fields of the current record, valid until next().
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// Index of the current record, from 0.
  int64_t row() const { return row_; }
  /// "line 14 (row 12)", for messages.
  std::string place() const;
  /// An error about the current record.
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
