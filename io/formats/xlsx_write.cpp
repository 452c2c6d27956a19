// Writing. All parts except the sheet are fixed texts.
#include <zip.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "io/files/text.h"
#include "io/formats/xlsx.h"

namespace shcnn::io {
namespace {

struct ZipClose {
  void operator()(zip_t* archive) const { zip_discard(archive); }  // discards changes; frees the source too
};

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
  zip_source_keep(buffer);  // zip_close releases its own reference; this one keeps the packed bytes
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
    constexpr zip_uint16_t kMidnight = 0, kFirstDay = 33;  // 1980-01-01 in MS-DOS format
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
