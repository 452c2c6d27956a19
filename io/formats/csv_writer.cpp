// Uses std::to_chars, whose output does not depend on the locale.
#include "io/formats/csv_writer.h"

#include <charconv>

namespace shcnn::io {
namespace {

constexpr std::size_t kMostDigits = 400;  ///< enough for a double in fixed format: up to 309 before the point

std::string digits_of(double number, std::chars_format format, int digits) {
  char out[kMostDigits];
  return {out, std::to_chars(out, out + sizeof out, number, format, digits).ptr};
}

}  // namespace

CsvWriter& CsvWriter::field(std::string_view text) {
  if (row_has_field_) text_ += ',';
  row_has_field_ = true;
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) {
    text_ += text;
    return *this;
  }
  text_ += '"';
  for (const char c : text) {
    if (c == '"') text_ += '"';
    text_ += c;
  }
  text_ += '"';
  return *this;
}

CsvWriter& CsvWriter::significant(double number, int digits) {
  return field(digits_of(number, std::chars_format::general, digits));
}

CsvWriter& CsvWriter::fixed(double number, int digits) {
  return field(digits_of(number, std::chars_format::fixed, digits));
}

void CsvWriter::end_row() {
  text_ += '\n';
  row_has_field_ = false;
}

}  // namespace shcnn::io
