// Tables of text cells, read from coding files: all sheets of an .xlsx workbook, or one .csv file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "io/files/error.h"

namespace shcnn::io {

/// One row that is not empty. Cells are trimmed text, indexed by column, up to the last cell that is not empty.
struct TableRow {
  int64_t number = 0;  ///< row number as in a spreadsheet, from 1
  std::vector<std::string> cells;

  /// The cell in `column`; an empty text if there is none.
  const std::string& cell(int column) const;
};

/// One sheet.
struct Table {
  std::filesystem::path file;
  std::string sheet;  ///< sheet name; empty for a csv file
  std::vector<TableRow> rows;

  /// "sheet 'Tabelle1', row 14", for messages.
  std::string place(int64_t row) const;
  /// An error about one row.
  Error bad(int64_t row, std::string_view message, std::string_view remedy) const;
};

inline constexpr int kMaxTableColumns = 256;
inline constexpr int64_t kMaxTableRows = 100000;
inline constexpr uint64_t kMaxTableCells = uint64_t{1}
                                           << 19;  ///< of all sheets, including empty cells before a row's last
inline constexpr uint64_t kMaxTableText = uint64_t{16} << 20;  ///< bytes in all cells
inline constexpr uint64_t kMaxFieldBytes = uint64_t{1} << 20;  ///< in one cell

/// Counts the content of all tables of one file and enforces the limits, since a file of a few kB can expand to
/// gigabytes.
class TableBudget {
 public:
  explicit TableBudget(std::filesystem::path file) : file_(std::move(file)) {}
  /// Counts the cells of `row`. @throws Error kBadData if there are now too many cells or too much text
  void add_row(const Table& table, const TableRow& row);
  /// Counts a shared text that cells may refer to. The limits on number and total length are those of cells.
  /// @throws Error kBadData if they are exceeded
  void add_shared(const std::string& text);

 private:
  std::filesystem::path file_;
  uint64_t cells_ = 0, text_ = 0, shared_ = 0, shared_text_ = 0;
};

/// The sheets of `path`, which ends in .xlsx or .csv. Blank rows are omitted.
/// @throws Error kBadData if the file has another extension, is damaged or exceeds the limits
std::vector<Table> read_tables(const std::filesystem::path& path);

/// Reads a csv file as one sheet. The separator is comma, semicolon or tab, whichever is most frequent in the first
/// 8 KiB. Fields in double quotes may contain line breaks, and "" for a quote. Rows may differ in length. The text is
/// UTF-8; a byte order mark is skipped.
Table read_csv_table(const std::filesystem::path& path);

}  // namespace shcnn::io
