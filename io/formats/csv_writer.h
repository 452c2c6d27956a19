// Writes csv text as in RFC 4180: fields that contain a comma, a quote or a line break are enclosed in double quotes,
// and quotes inside them are doubled. Lines end with LF.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace shcnn::io {

/// Builds the text of a csv file field by field.
class CsvWriter {
 public:
  CsvWriter& field(std::string_view text);
  CsvWriter& field(std::integral auto number) { return field(std::string_view(std::to_string(number))); }
  /// As printf's %.<digits>g.
  CsvWriter& significant(double number, int digits);
  /// As printf's %.<digits>f.
  CsvWriter& fixed(double number, int digits);
  void end_row();

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool row_has_field_ = false;
};

}  // namespace shcnn::io
