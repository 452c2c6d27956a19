// Reading. xl/workbook.xml lists the sheets, and its relations file maps each sheet to a part; xl/sharedStrings.xml
// contains the texts that cells refer to. Each part is read once and parsed while it is unpacked; only cells that are
// not empty are kept.
#include "io/formats/xlsx.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "io/files/text.h"
#include "io/formats/xml_reader.h"
#include "io/formats/zip_archive.h"

namespace shcnn::io {
namespace {

constexpr const char* kDamaged = "save the workbook again from a spreadsheet program, or as .csv";
constexpr const char* kWrongFile = "is this the right file?";
constexpr uint64_t kMaxIndexBytes = uint64_t{4} << 20;  ///< of each part that lists the sheets
constexpr uint64_t kMaxElements = uint64_t{4} << 20;    ///< in all parts together; parsed in about two seconds

/// The archive of a workbook, and how much of its limits has been used.
struct Workbook {
  explicit Workbook(const std::filesystem::path& path) : archive(path, kDamaged), budget(path) {}
  ZipArchive archive;
  TableBudget budget;
  uint64_t elements = 0;
};

/// Base of the readers of parts; enforces the limit on the number of elements.
class PartReader : public XmlReader {
 public:
  explicit PartReader(Workbook& workbook) : workbook_(workbook) {}
  void begin(std::string_view name, const XmlAttributes& attributes) final {
    if (++workbook_.elements > kMaxElements) {
      throw workbook_.archive.bad("", "holds more than 4 million XML elements", kWrongFile);
    }
    element(name, attributes);
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}

 protected:
  virtual void element(std::string_view name, const XmlAttributes& attributes) = 0;
  Workbook& workbook_;
};

void parse(Workbook& workbook, const std::string& part, uint64_t limit, PartReader& reader) {
  XmlParser parser(reader);
  try {
    workbook.archive.read(part, limit, [&](std::string_view piece) { parser.feed(piece); });
    parser.finish();
  } catch (const XmlProblem& problem) {
    throw workbook.archive.damaged("part '" + part + "', byte " + std::to_string(problem.byte), problem.message);
  }
}

/// Collects the text of an <si> or <is> element, plain or in runs. Phonetic text (<rPh>) is omitted.
class RichText {
 public:
  void begin(std::string_view name) {
    if (name == "rPh") ++pronunciation_;
    in_text_ = name == "t" && pronunciation_ == 0;
  }
  void end(std::string_view name) {
    if (name == "rPh") --pronunciation_;
    in_text_ = false;
  }
  void text(std::string_view piece) {
    if (in_text_) value_ += piece;
  }
  std::size_t size() const { return value_.size(); }
  std::string take() { return std::exchange(value_, {}); }

 private:
  std::string value_;
  int pronunciation_ = 0;
  bool in_text_ = false;
};

/// xl/sharedStrings.xml: the texts that cells refer to.
class SharedStrings final : public PartReader {
 public:
  using PartReader::PartReader;
  std::vector<std::string> strings;

  void end(std::string_view name) override {
    rich_.end(name);
    if (name != "si") return;
    in_item_ = false;
    strings.push_back(rich_.take());
    workbook_.budget.add_shared(strings.back());
  }
  void text(std::string_view piece) override {
    if (!in_item_) return;
    rich_.text(piece);
    if (rich_.size() > kMaxFieldBytes) {
      throw workbook_.archive.bad("shared text " + std::to_string(strings.size() + 1), "holds more than 1 MiB of text",
                                  kWrongFile);
    }
  }

 private:
  void element(std::string_view name, const XmlAttributes&) override {
    if (name == "si") in_item_ = true;
    rich_.begin(name);
  }
  RichText rich_;
  bool in_item_ = false;
};

/// xl/_rels/workbook.xml.rels: maps relation ids to parts.
class Relations final : public PartReader {
 public:
  using PartReader::PartReader;
  std::map<std::string, std::string, std::less<>> targets;

 private:
  void element(std::string_view name, const XmlAttributes& attributes) override {
    const char *id = attributes.find("Id"), *target = attributes.find("Target");
    if (name != "Relationship" || id == nullptr || target == nullptr) return;
    targets[id] = *target == '/' ? std::string(target + 1) : "xl/" + std::string(target);
  }
};

/// xl/workbook.xml: names and relation ids of the sheets.
class SheetList final : public PartReader {
 public:
  using PartReader::PartReader;
  struct Sheet {
    std::string name, relation;
  };
  std::vector<Sheet> sheets;

 private:
  void element(std::string_view name, const XmlAttributes& attributes) override {
    if (name != "sheet") return;
    const char *title = attributes.find("name"), *id = attributes.find_prefixed("id");
    sheets.push_back({title != nullptr ? title : "", id != nullptr ? id : ""});
  }
};

/// Column index, from 0, of an address such as "AB12"; -1 if it is invalid.
int column_of(std::string_view address) {
  int column = 0;
  size_t letters = 0;
  while (letters < address.size() && address[letters] >= 'A' && address[letters] <= 'Z') {
    column = column * 26 + (address[letters] - 'A' + 1);
    if (++letters > 3) return -1;
  }
  return column - 1;
}

/// "46.0" and "4.6E1" become "46"; texts that are not integers are returned unchanged.
std::string number_text(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto whole = static_cast<int64_t>(value < 9e15 && value > -9e15 ? value : 0.5);
  if (error == std::errc() && end == text.data() + text.size() && static_cast<double>(whole) == value) {
    return std::to_string(whole);
  }
  return std::string(text);
}

/// xl/worksheets/sheetN.xml: the cells of one sheet.
class Sheet final : public PartReader {
 public:
  Sheet(Workbook& workbook, std::string name, const std::vector<std::string>& strings)
      : PartReader(workbook), strings_(strings) {
    table.file = workbook.archive.path();
    table.sheet = std::move(name);
  }
  Table table;

  void end(std::string_view name) override {
    rich_.end(name);
    if (name == "v") in_value_ = false;
    if (name == "is") in_inline_ = false;
    if (name == "c" && in_cell_) end_cell();
    if (name == "row" && in_row_) end_row();
    if (name == "sheetData") in_data_ = false;
  }
  void text(std::string_view piece) override {
    if (in_value_) value_ += piece;
    if (in_inline_) rich_.text(piece);
    if (std::max(value_.size(), rich_.size()) > kMaxFieldBytes) {
      throw table.bad(row_.number, "a cell holds more than 1 MiB of text", kWrongFile);
    }
  }

 private:
  void element(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "sheetData") in_data_ = true;
    if (name == "row" && in_data_) begin_row(attributes);
    if (name == "c" && in_row_) begin_cell(attributes);
    if (name == "v" && in_cell_) in_value_ = true;
    if (name == "is" && in_cell_) in_inline_ = true;
    if (in_inline_) rich_.begin(name);
  }

  void begin_row(const XmlAttributes& attributes) {
    int64_t number = row_.number + 1;  // a row without a number follows the previous one
    if (const char* r = attributes.find("r")) {
      if (!parse_integer(r, number, int64_t{1} << 20, number)) {
        throw table.bad(row_.number + 1, "is numbered '" + printable(r, 20) + "'", kDamaged);
      }
    }
    row_ = {number, {}};
    column_ = -1;
    in_row_ = true;
  }
  void end_row() {
    in_row_ = false;
    if (row_.cells.empty()) return;
    if (row_.number > kMaxTableRows) throw table.bad(row_.number, "is beyond the 100,000 rows allowed", kWrongFile);
    workbook_.budget.add_row(table, row_);
    row_.cells.shrink_to_fit();
    table.rows.push_back({row_.number, std::exchange(row_.cells, {})});
  }
  void begin_cell(const XmlAttributes& attributes) {
    const char *r = attributes.find("r"), *type = attributes.find("t");
    address_ = r != nullptr ? r : "";
    column_ = r != nullptr ? column_of(r) : column_ + 1;
    type_ = type != nullptr ? type : "";
    value_.clear();
    in_cell_ = true;
  }
  void end_cell() {
    in_cell_ = false;
    const std::string whole = cell_text();
    const std::string_view text = trimmed(whole);
    if (text.empty()) return;
    if (column_ < 0 || column_ >= kMaxTableColumns) {
      throw table.bad(row_.number,
                      "a cell has the address '" + printable(address_, 20) + "', columns A to IV are allowed",
                      "remove what stands so far to the right");
    }
    const auto column = static_cast<size_t>(column_);
    if (row_.cells.size() <= column) row_.cells.resize(column + 1);
    row_.cells[column] = std::string(text);
  }
  std::string cell_text() {
    const std::string rich = rich_.take();
    const std::string_view value = trimmed(value_);
    if (type_ == "inlineStr") return rich;
    if (type_ == "e") return "";  // error values such as #N/A count as empty
    if (type_ == "s") {
      int64_t index = 0;
      if (!parse_integer(value, 0, static_cast<int64_t>(strings_.size()) - 1, index)) {
        throw table.bad(row_.number,
                        "a cell points to text " + printable(value, 20) + " of " + std::to_string(strings_.size()),
                        kDamaged);
      }
      return strings_[static_cast<size_t>(index)];
    }
    return type_.empty() || type_ == "n" ? number_text(value) : std::string(value);
  }

  const std::vector<std::string>& strings_;
  TableRow row_;
  int column_ = -1;
  std::string address_, type_, value_;
  RichText rich_;
  bool in_data_ = false, in_row_ = false, in_cell_ = false, in_value_ = false, in_inline_ = false;
};

}  // namespace

std::vector<Table> read_xlsx(const std::filesystem::path& path) {
  Workbook workbook(path);
  const ZipArchive& archive = workbook.archive;
  if (!archive.has("xl/workbook.xml")) {
    throw archive.damaged("part 'xl/workbook.xml'", "is missing: this is no workbook");
  }
  SheetList list(workbook);
  parse(workbook, "xl/workbook.xml", kMaxIndexBytes, list);
  Relations relations(workbook);
  parse(workbook, "xl/_rels/workbook.xml.rels", kMaxIndexBytes, relations);
  SharedStrings shared(workbook);
  if (archive.has("xl/sharedStrings.xml")) parse(workbook, "xl/sharedStrings.xml", kMaxUnpackedBytes, shared);

  std::vector<Table> out;
  std::set<std::string> read;  // parts already read
  for (const SheetList::Sheet& entry : list.sheets) {
    const std::string place = "sheet '" + printable(entry.name, 60) + "'";
    const auto target = relations.targets.find(entry.relation);
    if (target == relations.targets.end()) throw archive.damaged(place, "no part belongs to it");
    if (target->second.find("worksheets/") == std::string::npos) continue;  // a chart
    if (!read.insert(target->second).second) throw archive.damaged(place, "has the same part as a sheet before it");
    Sheet sheet(workbook, entry.name, shared.strings);
    parse(workbook, target->second, kMaxUnpackedBytes, sheet);
    out.push_back(std::move(sheet.table));
  }
  if (out.empty()) throw archive.damaged("", "holds no sheet");
  return out;
}

}  // namespace shcnn::io
