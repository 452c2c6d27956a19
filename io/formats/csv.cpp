// Reads through a buffer of up to 4 MiB. A line that crosses the end of the buffer is moved to its front, and reading
// continues behind it.
#include "io/formats/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "io/files/text.h"

namespace shcnn::io {
namespace {

constexpr size_t kBufferBytes = 4 * kMaxLineBytes;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// A format other than csv text: its first bytes, its name, and how to get csv text from it.
struct OtherFormat {
  std::string_view begin;
  std::string_view what, remedy;
};
constexpr std::string_view kUnpack = "unpack it and name the file in it";
constexpr std::string_view kSaveAsUtf8 = "save it as UTF-8 ('CSV UTF-8')";
constexpr std::array<OtherFormat, 8> kOtherFormats = {{
    {"\x1f\x8b", "is a gzip archive", kUnpack},
    {"PK\x03\x04", "is a zip archive (or a workbook)", "unpack it and name the file in it, or save it as CSV"},
    {"BZh", "is a bzip2 archive", kUnpack},
    {"\xfd\x37zXZ", "is an xz archive", kUnpack},
    {"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", kUnpack},
    {"Rar!", "is a RAR archive", kUnpack},
    {"\xff\xfe", "is UTF-16 text", kSaveAsUtf8},
    {"\xfe\xff", "is UTF-16 text", kSaveAsUtf8},
}};

/// Comma; if `header` contains none, semicolon or tab.
char separator_of(std::string_view header) {
  for (const char separator : {',', ';', '\t'}) {
    if (header.find(separator) != std::string_view::npos) return separator;
  }
  return ',';
}

}  // namespace

CsvReader::CsvReader(const std::filesystem::path& path, Header header)
    : file_(path, ErrorKind::kBadData),
      buffer_(static_cast<size_t>(std::min<uint64_t>(kBufferBytes, file_.size() + 1))),
      has_header_(header == Header::kYes) {
  std::string_view line;
  if (file_.size() == 0) throw Error(ErrorKind::kBadData, path, "", "is empty", "download or copy it again");
  fill();
  refuse_other_formats();
  if (!has_header_) return;
  if (!next_line(line)) throw Error(ErrorKind::kBadData, path, "", "is empty", "download or copy it again");
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  separator_ = separator_of(line);
  split(line);
  for (const std::string_view field : fields_) header_.emplace_back(field);
  expected_fields_ = header_.size();
}

int CsvReader::column(std::string_view name) const {
  for (size_t i = 0; i < header_.size(); ++i) {
    if (lower_case(header_[i]) == lower_case(name)) return static_cast<int>(i);
  }
  return -1;
}

int CsvReader::require_column(std::string_view name, std::string_view remedy) const {
  const int found = column(name);
  if (found < 0) {
    throw Error(ErrorKind::kBadData, path(), "line 1", "there is no column '" + std::string(name) + "'", remedy);
  }
  return found;
}

std::string CsvReader::place() const {
  const std::string line = "line " + std::to_string(line_);
  return row_ < 0 ? line : line + " (row " + std::to_string(row_) + ")";
}

Error CsvReader::bad(std::string_view message, std::string_view remedy) const {
  return Error(ErrorKind::kBadData, path(), place(), message, remedy);
}

/// Moves the unread part to the front of the buffer and fills the rest.
void CsvReader::fill() {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.begin() + static_cast<std::ptrdiff_t>(end_),
            buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(kBufferBytes);  // a small file has grown since it was opened
  const size_t got = file_.read_some(std::as_writable_bytes(std::span(buffer_).subspan(end_)));
  at_end_ = got < buffer_.size() - end_;
  end_ += got;
}

/// Rejects files that are often mistaken for csv text, recognised by their first bytes.
void CsvReader::refuse_other_formats() const {
  const std::string_view head(buffer_.data(), end_);
  for (const OtherFormat& format : kOtherFormats) {
    if (head.starts_with(format.begin)) throw Error(ErrorKind::kBadData, path(), "", format.what, format.remedy);
  }
  const std::string_view first = head.substr(0, head.find('\n'));
  const size_t carriage_return = first.find('\r');
  if (carriage_return != std::string_view::npos && carriage_return + 1 < first.size()) {
    throw Error(ErrorKind::kBadData, path(), "byte " + std::to_string(carriage_return),
                "its lines end with CR alone, as on old Macs", "save it with line ends LF or CRLF");
  }
}

bool CsvReader::next_line(std::string_view& line) {
  for (;;) {
    const char* from = buffer_.data() + begin_;
    const void* newline = begin_ < end_ ? std::memchr(from, '\n', end_ - begin_) : nullptr;
    if (newline != nullptr || (at_end_ && begin_ < end_)) {
      const size_t length =
          newline != nullptr ? static_cast<size_t>(static_cast<const char*>(newline) - from) : end_ - begin_;
      ++line_;
      if (length > kMaxLineBytes) break;
      line = std::string_view(from, length);
      begin_ = std::min(end_, begin_ + length + 1);
      return true;
    }
    if (at_end_) return false;
    if (end_ - begin_ > kMaxLineBytes) {
      ++line_;
      break;
    }
    fill();
  }
  throw Error(ErrorKind::kBadData, path(), "line " + std::to_string(line_), "is longer than 1 MiB",
              "is this the right csv file?");
}

void CsvReader::split(std::string_view line) {
  fields_.clear();
  for (;;) {
    while (!line.empty() && is_blank(line.front()) && line.front() != separator_) line.remove_prefix(1);
    size_t field_end = 0;
    if (!line.empty() && line.front() == '"') {
      const size_t close = line.find('"', 1);
      if (close == std::string_view::npos) throw bad("a quote is opened but not closed", "correct the line");
      fields_.push_back(trimmed(line.substr(1, close - 1)));
      field_end = std::min(line.find(separator_, close), line.size());
      if (!trimmed(line.substr(close + 1, field_end - close - 1)).empty()) {
        throw bad("text follows a closing quote", "correct the line");
      }
    } else {
      field_end = std::min(line.find(separator_), line.size());
      fields_.push_back(trimmed(line.substr(0, field_end)));
    }
    if (field_end == line.size()) return;
    line.remove_prefix(field_end + 1);
  }
}

bool CsvReader::looks_like_a_record(std::string_view line) const {
  return std::count(line.begin(), line.end(), separator_) + 1 >= static_cast<std::ptrdiff_t>(expected_fields_);
}

/// The error for the current line, which is not a record. The remedy depends on whether records follow it.
Error CsvReader::no_record(const std::string& where, const std::string& what) {
  const int64_t first = line_;
  int64_t last = line_;
  std::string_view line;
  while (next_line(line)) {
    if (trimmed(line).empty()) continue;
    last = line_;
    if (looks_like_a_record(line)) {
      return Error(ErrorKind::kBadData, path(), where, what, "correct or delete the line, or download the file again");
    }
  }
  const std::string lines = first == last ? "line " + std::to_string(first)
                                          : "lines " + std::to_string(first) + " to " + std::to_string(last);
  return Error(ErrorKind::kBadData, path(), where, what + ", and no row follows",
               "delete " + lines +
                   " if it is text behind the last row; a file cut short ends like this too: " + "download that again");
}

bool CsvReader::next() {
  std::string_view line;
  if (!next_line(line)) return false;
  if (trimmed(line).empty()) {
    const int64_t empty_line = line_;
    while (next_line(line)) {
      if (trimmed(line).empty()) continue;
      if (!looks_like_a_record(line)) {
        throw no_record("line " + std::to_string(line_),
                        "is no row of " + std::to_string(expected_fields_) + " fields");
      }
      throw Error(ErrorKind::kBadData, path(), "line " + std::to_string(empty_line), "is empty, but rows follow it",
                  "remove the line, or download the file again");
    }
    return false;
  }
  ++row_;
  if (!has_header_ && row_ == 0 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  split(line);
  if (expected_fields_ == 0) expected_fields_ = fields_.size();
  if (fields_.size() != expected_fields_) {
    throw no_record(place(), "has " + std::to_string(fields_.size()) + " fields, " + std::to_string(expected_fields_) +
                                 " are expected");
  }
  return true;
}

}  // namespace shcnn::io
