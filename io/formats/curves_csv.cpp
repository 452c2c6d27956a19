// Uses std::to_chars: it gives the shortest text that reads back exactly and does not depend on the locale.
#include "io/formats/curves_csv.h"

#include <charconv>
#include <cmath>

namespace shcnn::io {

void write_curves_csv(const std::filesystem::path& path, std::span<const std::string> columns,
                      std::span<const std::vector<double>> rows, Overwrite overwrite) {
  std::string text;
  for (size_t c = 0; c < columns.size(); ++c) text += (c > 0 ? "," : "") + columns[c];
  text += '\n';
  for (const std::vector<double>& row : rows) {
    if (row.size() != columns.size()) {
      throw Error(
          ErrorKind::kUsage, path, "",
          "a row has " + std::to_string(row.size()) + " values for " + std::to_string(columns.size()) + " columns",
          "pass one value a column");
    }
    for (size_t c = 0; c < row.size(); ++c) {
      if (c > 0) text += ',';
      char digits[32];
      if (!std::isnan(row[c])) text.append(digits, std::to_chars(digits, digits + sizeof digits, row[c]).ptr);
    }
    text += '\n';
  }
  write_file(path, text, overwrite);
}

}  // namespace shcnn::io
