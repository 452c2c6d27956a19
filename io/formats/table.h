// Tables of text cells, as coding files bring them: every sheet of an .xlsx workbook, or one .csv file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "io/files/error.h"

namespace shcnn::io {

/// One row that holds something. Cells are trimmed text, by column; a row ends with its last cell that is not empty.
struct TableRow {
  int64_t number = 0;  ///< as a spreadsheet counts it, from 1
  std::vector<std::string> cells;

  /// The cell of `column`, empty where there is none.
  const std::string& cell(int column) const;
};

/// One sheet.
struct Table {
  std::filesystem::path file;
  std::string sheet;  ///< its name; empty for a csv file
  std::vector<TableRow> rows;

  /// "sheet 'Tabelle1', row 14", for messages.
  std::string place(int64_t row) const;
  /// An error about one row.
  Error bad(int64_t row, std::string_view message, std::string_view remedy) const;
};

inline constexpr int kMaxTableColumns = 256;
inline constexpr int64_t kMaxTableRows = 100000;
inline constexpr uint64_t kMaxTableCells = uint64_t{1}
                                           << 19;  ///< of all sheets, with the empty ones before a row's last
inline constexpr uint64_t kMaxTableText = uint64_t{16} << 20;  ///< bytes in all cells
inline constexpr uint64_t kMaxFieldBytes = uint64_t{1} << 20;  ///< of one cell

/// What the tables of one file hold so far, against the limits: a file of some kB can ask for gigabytes.
class TableBudget {
 public:
  explicit TableBudget(std::filesystem::path file) : file_(std::move(file)) {}
  /// @throws Error kBadData where the cells so far, with those of `row`, are too many or hold too much text
  void add_row(const Table& table, const TableRow& row);
  /// Counts a text that cells may point to; as many and as long in all as cells may be.
  void add_shared(const std::string& text);

 private:
  std::filesystem::path file_;
  uint64_t cells_ = 0, text_ = 0, shared_ = 0, shared_text_ = 0;
};

/// The sheets of `path`, which ends in .xlsx or .csv. Blank rows are left out.
/// @throws Error kBadData: another ending, damaged, or beyond the limits
std::vector<Table> read_tables(const std::filesystem::path& path);

/// One sheet from a csv file: commas, semicolons or tabs (whichever its first lines hold most), fields in double quotes
/// with "" for a quote and line breaks inside, rows of any length. UTF-8; a byte order mark is skipped.
Table read_csv_table(const std::filesystem::path& path);

}  // namespace shcnn::io
