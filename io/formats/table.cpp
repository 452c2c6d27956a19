#include "io/formats/table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "io/files/input_file.h"
#include "io/files/text.h"
#include "io/formats/xlsx.h"

namespace shcnn::io {
namespace {

constexpr uint64_t kMaxCsvBytes = uint64_t{16} << 20;
constexpr const char* kWrongFile = "is this the right file?";

/// Comma, semicolon or tab: the most frequent one in the first 8 KiB.
char separator_of(std::string_view text) {
  constexpr std::array<char, 3> kSeparators = {',', ';', '\t'};
  constexpr size_t kLookedAt = 8192;
  const std::string_view head = text.substr(0, kLookedAt);
  char best = kSeparators[0];
  for (const char separator : kSeparators) {
    if (std::count(head.begin(), head.end(), separator) > std::count(head.begin(), head.end(), best)) best = separator;
  }
  return best;
}

void end_row(Table& table, TableBudget& budget, int64_t number, std::vector<std::string>& cells) {
  for (std::string& cell : cells) cell = std::string(trimmed(cell));
  while (!cells.empty() && cells.back().empty()) cells.pop_back();
  if (!cells.empty()) {
    cells.shrink_to_fit();  // spare capacity would add up over 100,000 rows
    table.rows.push_back({number, std::move(cells)});
    budget.add_row(table, table.rows.back());
  }
  cells.clear();
}

}  // namespace

const std::string& TableRow::cell(int column) const {
  static const std::string kEmpty;
  return column >= 0 && static_cast<size_t>(column) < cells.size() ? cells[static_cast<size_t>(column)] : kEmpty;
}

std::string Table::place(int64_t row) const {
  return (sheet.empty() ? "" : "sheet '" + printable(sheet, 60) + "', ") + "row " + std::to_string(row);
}

Error Table::bad(int64_t row, std::string_view message, std::string_view remedy) const {
  return Error(ErrorKind::kBadData, file, place(row), message, remedy);
}

void TableBudget::add_row(const Table& table, const TableRow& row) {
  cells_ += row.cells.size();
  for (const std::string& cell : row.cells) text_ += cell.size();
  if (cells_ > kMaxTableCells) throw table.bad(row.number, "goes beyond the 524,288 cells allowed", kWrongFile);
  if (text_ > kMaxTableText) throw table.bad(row.number, "goes beyond the 16 MiB of text allowed", kWrongFile);
}

void TableBudget::add_shared(const std::string& text) {
  shared_text_ += text.size();
  if (++shared_ <= kMaxTableCells && shared_text_ <= kMaxTableText) return;
  throw Error(ErrorKind::kBadData, file_, "shared text " + std::to_string(shared_),
              "goes beyond the 524,288 texts of 16 MiB in all that are allowed", kWrongFile);
}

Table read_csv_table(const std::filesystem::path& path) {
  const std::string text = read_text(path, kMaxCsvBytes, ErrorKind::kBadData);
  std::string_view rest = text;
  if (rest.starts_with("\xff\xfe") || rest.starts_with("\xfe\xff") || rest.substr(0, 4096).find('\0') != rest.npos) {
    throw Error(ErrorKind::kBadData, path, "byte 0", "is not UTF-8 text", "save it as 'CSV UTF-8', or as .xlsx");
  }
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  const char separator = separator_of(rest);

  Table table;
  table.file = path;
  TableBudget budget(path);
  std::vector<std::string> cells(1);
  int64_t row = 1;
  bool quoted = false, any = false;
  for (size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    std::string& cell = cells.back();
    any = true;
    if (quoted) {
      if (c != '"') {
        cell += c;
      } else if (i + 1 < rest.size() && rest[i + 1] == '"') {
        cell += c;
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"' && trimmed(cell).empty()) {
      cell.clear();
      quoted = true;
    } else if (c == separator) {
      if (cells.size() == kMaxTableColumns) throw table.bad(row, "has more than 256 columns", kWrongFile);
      cells.emplace_back();
    } else if (c == '\n') {
      end_row(table, budget, row++, cells);
      cells.emplace_back();
      any = false;
      if (row > kMaxTableRows) throw table.bad(row, "is beyond the 100,000 rows allowed", kWrongFile);
    } else {
      cell += c;
    }
    if (cells.back().size() > kMaxFieldBytes) throw table.bad(row, "a field is longer than 1 MiB", kWrongFile);
  }
  if (quoted) throw table.bad(row, "a quote is opened but not closed", "correct the row: end the field with a quote");
  if (any) end_row(table, budget, row, cells);
  return table;
}

std::vector<Table> read_tables(const std::filesystem::path& path) {
  if (path.filename().string().starts_with("~$")) {
    throw Error(ErrorKind::kBadData, path, "", "is what Excel keeps beside a workbook while it is open",
                "name the workbook itself");
  }
  const std::string ending = lower_case(path.extension().string());
  if (ending == ".xlsx") return read_xlsx(path);
  if (ending == ".csv") return {read_csv_table(path)};
  throw Error(ErrorKind::kBadData, path, "", "is neither .xlsx nor .csv",
              ending == ".xls" ? "open it in a spreadsheet program and save it as .xlsx" : "name a coding file");
}

}  // namespace shcnn::io
