// Reading: xl/workbook.xml names the sheets, its relations say which part each is; xl/sharedStrings.xml holds the texts
// that cells point to.
#include "io/xlsx.h"

#include <zip.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <pugixml.hpp>
#include <utility>

#include "io/csv.h"
#include "io/input_file.h"

namespace shcnn::io {
namespace {

constexpr uint64_t kRatioExempt = uint64_t{64} << 10;
constexpr const char* kDamaged = "save the workbook again from a spreadsheet program, or as .csv";

struct ZipClose {
  void operator()(zip_t* archive) const { zip_discard(archive); }  // discards changes; frees the source too
};
struct ZipFileClose {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

/// An archive in memory, opened for reading.
class Archive {
 public:
  explicit Archive(const std::filesystem::path& path)
      : path_(path), bytes_(read_text(path, kMaxXlsxBytes, ErrorKind::kBadData)) {
    if (bytes_.empty()) throw bad("", "is empty (0 bytes)", "copy the file again");
    if (bytes_.starts_with("\xd0\xcf\x11\xe0")) {
      throw bad("", "is an old .xls workbook or protected by a password",
                "open it in a spreadsheet program and save it as plain .xlsx");
    }
    if (!bytes_.starts_with("PK")) throw bad("byte 0", "is no .xlsx workbook", kDamaged);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes_.data(), bytes_.size(), 0, &error);
    if (source != nullptr) archive_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
    if (!archive_) {
      if (source != nullptr) zip_source_free(source);
      const std::string why = zip_error_strerror(&error);
      zip_error_fini(&error);
      throw bad("", "the zip archive is damaged or cut short (" + why + ")", kDamaged);
    }
    zip_error_fini(&error);
    const zip_int64_t parts = zip_get_num_entries(archive_.get(), 0);
    if (parts > kMaxXlsxParts) {
      throw bad("", "has " + std::to_string(parts) + " parts, at most 4096 are expected", "is this the right file?");
    }
  }

  Error bad(std::string_view part, std::string_view message, std::string_view mend) const {
    return Error(ErrorKind::kBadData, path_, part, message, mend);
  }
  const std::filesystem::path& path() const { return path_; }

  bool has(const std::string& part) const { return zip_name_locate(archive_.get(), part.c_str(), 0) >= 0; }

  /// Unpacks one part, whose size is held against the limits first.
  std::string part(const std::string& name) const {
    const std::string place = "part '" + name + "'";
    zip_stat_t status;
    zip_stat_init(&status);
    if (zip_stat(archive_.get(), name.c_str(), 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0) {
      throw bad(place, "is missing", kDamaged);
    }
    if (status.valid & ZIP_STAT_ENCRYPTION_METHOD && status.encryption_method != ZIP_EM_NONE) {
      throw bad(place, "is encrypted", "save the workbook without a password");
    }
    if (status.size > kMaxXlsxPartBytes) {
      throw bad(place, "unpacks to " + std::to_string(status.size) + " bytes, at most 64 MiB are allowed",
                "is this the right file?");
    }
    const uint64_t packed = std::max<uint64_t>((status.valid & ZIP_STAT_COMP_SIZE) != 0 ? status.comp_size : 1, 1);
    if (status.size > kRatioExempt && status.size / packed > kMaxXlsxRatio) {
      throw bad(place, "unpacks to more than 100 times its packed size", "is this the right file?");
    }
    const std::unique_ptr<zip_file_t, ZipFileClose> file(zip_fopen(archive_.get(), name.c_str(), 0));
    if (!file) throw bad(place, "cannot be unpacked", kDamaged);
    std::string text(static_cast<size_t>(status.size), '\0');
    size_t done = 0;
    while (done < text.size()) {
      const zip_int64_t got = zip_fread(file.get(), text.data() + done, text.size() - done);
      if (got <= 0) throw bad(place, "is damaged or cut short", kDamaged);
      done += static_cast<size_t>(got);
    }
    char beyond = 0;  // reading past the end is what checks the part's CRC
    if (zip_fread(file.get(), &beyond, 1) != 0) throw bad(place, "is damaged: its check sum is wrong", kDamaged);
    return text;
  }

 private:
  std::filesystem::path path_;
  std::string bytes_;
  std::unique_ptr<zip_t, ZipClose> archive_;
};

/// Throws where elements nest deeper than kMaxXmlDepth. Counts tags without understanding them.
void check_depth(const Archive& archive, const std::string& name, const std::string& text) {
  int depth = 0;
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (next == '!' || next == '?') continue;
    if (next == '/') {
      --depth;
      continue;
    }
    const size_t close = text.find('>', at);
    if (close != std::string::npos && text[close - 1] == '/') continue;
    if (++depth > kMaxXmlDepth) {
      throw archive.bad("part '" + name + "', byte " + std::to_string(at), "XML elements nest deeper than 32",
                        "is this the right file?");
    }
  }
}

pugi::xml_document parse(const Archive& archive, const std::string& name) {
  const std::string text = archive.part(name);
  const std::string place = "part '" + name + "'";
  if (text.find("<!DOCTYPE") != std::string::npos) throw archive.bad(place, "declares a document type", kDamaged);
  check_depth(archive, name, text);
  pugi::xml_document document;
  // blanks alone may be a cell's text, but nobody asks for it: the default drops them
  const pugi::xml_parse_result result = document.load_buffer(text.data(), text.size(), pugi::parse_default);
  if (!result) {
    throw archive.bad(place + ", byte " + std::to_string(result.offset),
                      std::string("is no valid XML (") + result.description() + ")", kDamaged);
  }
  return document;
}

/// The name without its namespace: "x:row" and "row" are both "row".
std::string_view local_name(const char* name) {
  const char* colon = std::strchr(name, ':');
  return colon != nullptr ? colon + 1 : name;
}

bool is(const pugi::xml_node& node, std::string_view name) { return local_name(node.name()) == name; }

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node inner : node) {
    if (is(inner, name)) return inner;
  }
  return {};
}

/// All text of an <si> or <is>: plain, or in runs; what it reads like (<rPh>) is left out.
std::string rich_text(const pugi::xml_node& node) {
  std::string out;
  for (const pugi::xml_node inner : node) {
    if (is(inner, "t")) out += inner.child_value();
    if (is(inner, "r")) out += child(inner, "t").child_value();
  }
  return out;
}

std::vector<std::string> shared_strings(const Archive& archive) {
  std::vector<std::string> out;
  if (!archive.has("xl/sharedStrings.xml")) return out;
  const pugi::xml_document document = parse(archive, "xl/sharedStrings.xml");
  for (const pugi::xml_node item : document.document_element()) {
    if (is(item, "si")) out.push_back(rich_text(item));
  }
  return out;
}

/// Column of an address such as "AB12", from 0; -1 where it is none or beyond the limit.
int column_of(std::string_view address) {
  int column = 0;
  size_t letters = 0;
  while (letters < address.size() && address[letters] >= 'A' && address[letters] <= 'Z') {
    column = column * 26 + (address[letters] - 'A' + 1);
    if (++letters > 3) return -1;
  }
  return letters == 0 || column > kMaxTableColumns ? -1 : column - 1;
}

/// "46.0" and "4.6E1" are 46; other numbers stay as they are.
std::string number_text(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto whole = static_cast<int64_t>(value < 9e15 && value > -9e15 ? value : 0.5);
  if (error == std::errc() && end == text.data() + text.size() && static_cast<double>(whole) == value) {
    return std::to_string(whole);
  }
  return std::string(text);
}

std::string cell_text(const Table& table, int64_t row, const pugi::xml_node& cell,
                      const std::vector<std::string>& strings) {
  const std::string_view type = cell.attribute("t").value();
  const std::string_view value = child(cell, "v").child_value();
  if (type == "inlineStr") return rich_text(child(cell, "is"));
  if (type == "s") {
    int64_t index = 0;
    if (!parse_integer(trimmed(value), 0, static_cast<int64_t>(strings.size()) - 1, index)) {
      throw table.bad(row, "a cell points to text " + printable(value, 20) + " of " + std::to_string(strings.size()),
                      kDamaged);
    }
    return strings[static_cast<size_t>(index)];
  }
  if (type == "e") return "";  // #N/A and its like say nothing
  return type.empty() || type == "n" ? number_text(trimmed(value)) : std::string(value);
}

Table read_sheet(const Archive& archive, const std::string& part, const std::string& name,
                 const std::vector<std::string>& strings) {
  Table table;
  table.file = archive.path();
  table.sheet = name;
  const pugi::xml_document document = parse(archive, part);
  const pugi::xml_node data = child(document.document_element(), "sheetData");
  int64_t number = 0;
  for (const pugi::xml_node row : data) {
    if (!is(row, "row")) continue;
    ++number;  // a row without a number follows the one before
    if (const pugi::xml_attribute r = row.attribute("r")) {
      if (!parse_integer(r.value(), number, int64_t{1} << 20, number)) {
        throw table.bad(number, "is numbered '" + printable(r.value(), 20) + "'", kDamaged);
      }
    }
    if (number > kMaxTableRows || table.rows.size() >= static_cast<size_t>(kMaxTableRows)) {
      throw table.bad(number, "is beyond the 100,000 rows allowed", "is this the right file?");
    }
    TableRow out;
    out.number = number;
    int column = -1;
    for (const pugi::xml_node cell : row) {
      if (!is(cell, "c")) continue;
      const pugi::xml_attribute r = cell.attribute("r");
      column = r ? column_of(r.value()) : column + 1;
      if (column < 0 || column >= kMaxTableColumns) {
        throw table.bad(number,
                        "a cell has the address '" + printable(r.value(), 20) + "', columns A to IV are allowed",
                        "remove what stands so far to the right");
      }
      const std::string text = cell_text(table, number, cell, strings);
      if (trimmed(text).empty()) continue;
      if (out.cells.size() <= static_cast<size_t>(column)) out.cells.resize(static_cast<size_t>(column) + 1);
      out.cells[static_cast<size_t>(column)] = std::string(trimmed(text));
    }
    if (!out.cells.empty()) table.rows.push_back(std::move(out));
  }
  return table;
}

// --- writing ---------------------------------------------------------------------------------------------------------

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string column_letters(size_t column) {
  std::string out;
  for (size_t rest = column + 1; rest > 0; rest = (rest - 1) / 26) {
    out.insert(out.begin(), static_cast<char>('A' + (rest - 1) % 26));
  }
  return out;
}

std::string sheet_xml(std::span<const std::vector<std::string>> rows) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
      "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>\n";
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::string number = std::to_string(row + 1);
    out += "<row r=\"" + number + "\">";
    for (size_t column = 0; column < rows[row].size(); ++column) {
      const std::string& text = rows[row][column];
      if (text.empty()) continue;
      const std::string address = column_letters(column) + number;
      int64_t value = 0;
      if (parse_integer(text, 0, int64_t{1} << 50, value) && std::to_string(value) == text) {
        out += "<c r=\"" + address + "\"><v>" + text + "</v></c>";
      } else {
        out +=
            "<c r=\"" + address + "\" t=\"inlineStr\"><is><t xml:space=\"preserve\">" + escaped(text) + "</t></is></c>";
      }
    }
    out += "</row>\n";
  }
  return out + "</sheetData></worksheet>\n";
}

}  // namespace

std::vector<Table> read_xlsx(const std::filesystem::path& path) {
  const Archive archive(path);
  if (!archive.has("xl/workbook.xml")) {
    throw archive.bad("part 'xl/workbook.xml'", "is missing: this is no workbook", kDamaged);
  }
  const pugi::xml_document workbook = parse(archive, "xl/workbook.xml");
  std::map<std::string, std::string, std::less<>> targets;  // relation -> part
  const pugi::xml_document relations = parse(archive, "xl/_rels/workbook.xml.rels");
  for (const pugi::xml_node relation : relations.document_element()) {
    std::string target = relation.attribute("Target").value();
    target = target.starts_with('/') ? target.substr(1) : "xl/" + target;
    targets[relation.attribute("Id").value()] = target;
  }
  const std::vector<std::string> strings = shared_strings(archive);

  std::vector<Table> out;
  for (const pugi::xml_node sheet : child(workbook.document_element(), "sheets")) {
    if (!is(sheet, "sheet")) continue;
    std::string id;
    for (const pugi::xml_attribute attribute : sheet.attributes()) {
      if (local_name(attribute.name()) == "id" && std::strchr(attribute.name(), ':') != nullptr) id = attribute.value();
    }
    const std::string name = sheet.attribute("name").value();
    const auto target = targets.find(id);
    if (target == targets.end()) throw archive.bad("sheet '" + name + "'", "no part belongs to it", kDamaged);
    if (target->second.find("worksheets/") == std::string::npos) continue;  // a chart
    out.push_back(read_sheet(archive, target->second, name, strings));
  }
  if (out.empty()) throw archive.bad("", "holds no sheet", kDamaged);
  return out;
}

void write_xlsx(const std::filesystem::path& path, const std::string& sheet,
                std::span<const std::vector<std::string>> rows, Overwrite overwrite) {
  constexpr const char* kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
  constexpr const char* kPackage = "http://schemas.openxmlformats.org/package/2006/";
  constexpr const char* kOffice = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  constexpr const char* kMain = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  constexpr const char* kType = "application/vnd.openxmlformats-officedocument.spreadsheetml.";
  const std::pair<const char*, std::string> parts[] = {
      {"[Content_Types].xml",
       std::string(kHead) + "<Types xmlns=\"" + kPackage +
           "content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package."
           "relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override "
           "PartName=\"/xl/workbook.xml\" ContentType=\"" +
           kType + "sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"" + kType +
           "worksheet+xml\"/></Types>"},
      {"_rels/.rels", std::string(kHead) + "<Relationships xmlns=\"" + kPackage +
                          "relationships\"><Relationship Id=\"rId1\" Type=\"" + kOffice +
                          "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"},
      {"xl/workbook.xml", std::string(kHead) + "<workbook xmlns=\"" + kMain + "\" xmlns:r=\"" + kOffice +
                              "\"><sheets><sheet name=\"" + escaped(sheet) +
                              "\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"},
      {"xl/_rels/workbook.xml.rels", std::string(kHead) + "<Relationships xmlns=\"" + kPackage +
                                         "relationships\"><Relationship Id=\"rId1\" Type=\"" + kOffice +
                                         "/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"},
      {"xl/worksheets/sheet1.xml", sheet_xml(rows)},
  };

  const auto fail = [&](const char* what) {
    return Error(ErrorKind::kDisk, path, "", std::string("the workbook cannot be packed: ") + what, "is memory full?");
  };
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (buffer == nullptr) throw fail("no buffer");
  zip_source_keep(buffer);  // zip_close gives its own hold back, what was packed stays with this one
  const std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> hold(buffer, zip_source_free);
  std::unique_ptr<zip_t, ZipClose> archive(zip_open_from_source(buffer, ZIP_TRUNCATE, &error));
  if (!archive) {
    zip_source_free(buffer);
    throw fail(zip_error_strerror(&error));
  }
  for (const auto& [name, text] : parts) {
    zip_source_t* source = zip_source_buffer(archive.get(), text.data(), text.size(), 0);
    if (source == nullptr) throw fail("no buffer");
    const zip_int64_t index = zip_file_add(archive.get(), name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      throw fail(name);
    }
    constexpr zip_uint16_t kMidnight = 0, kFirstDay = 33;  // 1980-01-01 in the archive's own reckoning
    zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), kMidnight, kFirstDay, 0);
  }
  if (zip_close(archive.get()) != 0) throw fail(zip_strerror(archive.get()));
  archive.release();  // zip_close has freed it

  if (zip_source_open(buffer) != 0) throw fail("no buffer");
  zip_source_seek(buffer, 0, SEEK_END);
  std::string bytes(static_cast<size_t>(std::max<zip_int64_t>(zip_source_tell(buffer), 0)), '\0');
  zip_source_seek(buffer, 0, SEEK_SET);
  const zip_int64_t got = zip_source_read(buffer, bytes.data(), bytes.size());
  zip_source_close(buffer);
  if (got != static_cast<zip_int64_t>(bytes.size())) throw fail("its bytes cannot be read back");
  write_file(path, bytes, overwrite);
}

}  // namespace shcnn::io
