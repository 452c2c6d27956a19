#include "io/clips/coding_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "io/files/text.h"

namespace shcnn::io {
namespace {

constexpr std::size_t kHeaderWithin = 64;  ///< number of first rows searched for the header; SAMM's is row 14
constexpr std::int64_t kMaxFrame = 10'000'000;

enum Column { kSubject, kClip, kOnset, kApex, kApex2, kOffset, kEmotion, kColumns };

/// Column names in the editions of all three data sets, reduced to lower-case letters and digits.
struct ColumnNames {
  const char* shown;
  std::vector<std::string_view> names;
};
const std::array<ColumnNames, kColumns>& column_names() {
  static const std::array<ColumnNames, kColumns> kNames = {{
      {"Subject", {"subject", "subjects", "sub", "subjectno", "subjectnumber", "subjectid"}},
      {"Filename", {"filename", "filenames", "file", "clip", "clipname", "video", "videoname", "videofilename"}},
      {"OnsetFrame", {"onsetframe", "onsetf", "onset", "onsetframes"}},
      {"ApexFrame", {"apexframe", "apexf", "apexf1", "apex", "apex1", "apexframe1"}},
      {"ApexF2", {"apexf2", "apex2", "apexframe2"}},
      {"OffsetFrame", {"offsetframe", "offsetf", "offset", "offsetframes"}},
      {"Estimated Emotion", {"estimatedemotion", "estimatedemotions", "emotion", "emotions", "emotionlabel", "label"}},
  }};
  return kNames;
}

std::string letters_and_digits(std::string_view text) {
  std::string out;
  for (const char c : lower_case(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

using Columns = std::array<int, kColumns>;

Columns columns_of(const TableRow& row) {
  Columns out;
  out.fill(-1);
  for (std::size_t c = 0; c < row.cells.size(); ++c) {
    const std::string name = letters_and_digits(row.cells[c]);
    for (std::size_t k = 0; k < kColumns; ++k) {
      const std::vector<std::string_view>& names = column_names()[k].names;
      if (out[k] < 0 && std::find(names.begin(), names.end(), name) != names.end()) out[k] = static_cast<int>(c);
    }
  }
  return out;
}

bool is_header(const Columns& columns) {
  return columns[kSubject] >= 0 && columns[kClip] >= 0 && columns[kEmotion] >= 0;
}

/// Throws the Error for a file without a header; it names the columns missing in the best candidate row.
[[noreturn]] void no_header(const std::filesystem::path& path, const std::vector<Table>& tables) {
  const Table* best_table = nullptr;
  const TableRow* best_row = nullptr;
  std::int64_t best = 0;
  for (const Table& table : tables) {
    for (std::size_t i = 0; i < std::min(table.rows.size(), kHeaderWithin); ++i) {
      const Columns columns = columns_of(table.rows[i]);
      const auto found = std::count_if(columns.begin(), columns.end(), [](int c) { return c >= 0; });
      if (found > best) {
        best = found;
        best_table = &table;
        best_row = &table.rows[i];
      }
    }
  }
  if (best_row == nullptr) {
    throw Error(ErrorKind::kBadData, path, "", "no row names the columns Subject, Filename and Estimated Emotion",
                "is this the coding file? its header must stand in the first 64 rows");
  }
  const Columns columns = columns_of(*best_row);
  std::string missing;
  for (const Column k : {kSubject, kClip, kEmotion}) {
    if (columns[k] < 0) missing += (missing.empty() ? "'" : ", '") + std::string(column_names()[k].shown) + "'";
  }
  throw best_table->bad(best_row->number, "the header has no column " + missing + "'",
                        "add it, or name another coding file");
}

CodingTable read_rows(Table table, std::size_t header, const Columns& columns) {
  CodingTable out;
  out.header_row = table.rows[header].number;
  for (std::size_t i = header + 1; i < table.rows.size(); ++i) {
    const TableRow& row = table.rows[i];
    CodingRow coding;
    coding.number = row.number;
    coding.data_row = row.number - out.header_row - 1;
    coding.subject = row.cell(columns[kSubject]);
    coding.clip = row.cell(columns[kClip]);
    if (coding.clip.empty()) continue;  // remarks or sums below the table
    if (coding.subject.empty()) {
      throw table.bad(row.number, "clip '" + printable(coding.clip, 60) + "' has no subject", "fill the cell");
    }
    coding.onset = frame_number(row.cell(columns[kOnset]));
    coding.apex_text = row.cell(columns[kApex]);
    coding.apex = frame_number(coding.apex_text);
    if (!coding.apex && frame_number(row.cell(columns[kApex2])).value_or(0) > 0) {  // in CASME, 0 means no second apex
      coding.apex = frame_number(row.cell(columns[kApex2]));
    }
    coding.offset = frame_number(row.cell(columns[kOffset]));
    coding.emotion = emotion_word(row.cell(columns[kEmotion]));
    out.rows.push_back(std::move(coding));
  }
  out.table = std::move(table);
  return out;
}

}  // namespace

std::optional<std::int64_t> frame_number(std::string_view text) {
  text = trimmed(text);
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos) {
    if (text.substr(dot + 1).find_first_not_of('0') != std::string_view::npos) return std::nullopt;
    text = text.substr(0, dot);
  }
  std::int64_t value = 0;
  if (text.empty() || !parse_integer(text, 0, kMaxFrame, value)) return std::nullopt;
  return value;
}

std::string emotion_word(std::string_view text) {
  const std::string word = lower_case(trimmed(text));
  constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {{"other", "others"},
                                                                          {"happy", "happiness"},
                                                                          {"sad", "sadness"},
                                                                          {"angry", "anger"},
                                                                          {"disgusted", "disgust"},
                                                                          {"surprised", "surprise"},
                                                                          {"tenseness", "tense"},
                                                                          {"repressed", "repression"},
                                                                          {"fearful", "fear"},
                                                                          {"contemptuous", "contempt"},
                                                                          {"/", ""},
                                                                          {"-", ""},
                                                                          {"n/a", ""},
                                                                          {"na", ""},
                                                                          {"nan", ""},
                                                                          {"none", ""}};
  for (const auto& [from, to] : kSpellings) {
    if (word == from) return std::string(to);
  }
  return word;
}

CodingTable read_coding_table(const std::filesystem::path& path) {
  std::vector<Table> tables = read_tables(path);
  for (Table& table : tables) {
    for (std::size_t i = 0; i < std::min(table.rows.size(), kHeaderWithin); ++i) {
      const Columns columns = columns_of(table.rows[i]);
      if (!is_header(columns)) continue;
      CodingTable out = read_rows(std::move(table), i, columns);
      if (out.rows.empty()) {
        throw out.table.bad(out.header_row, "no row follows the header", "is this the whole coding file?");
      }
      return out;
    }
  }
  no_header(path, tables);
}

}  // namespace shcnn::io
