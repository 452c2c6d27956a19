// Coding files: emotion and onset, apex and offset frame of each clip. The header row is found by its column names,
// because its position varies (first row in CASME and CASME II, after explanatory text in SAMM) and the editions differ
// in the names and order of their columns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/files/problem.h"
#include "io/formats/table.h"

namespace shcnn::io {

/// One clip's row.
struct CodingRow {
  std::int64_t number = 0;                          ///< row in the sheet, from 1
  std::int64_t data_row = 0;                        ///< row after the header, from 0, as pandas counts
  std::string subject;                              ///< as written in the cell: "1", "sub01", "006"
  std::string clip;                                 ///< "EP02_01f", "006_1_2"
  std::optional<std::int64_t> onset, apex, offset;  ///< frame numbers; empty if the cell holds none
  std::string apex_text;                            ///< text of the apex cell, such as "/"
  std::string emotion;                              ///< see emotion_word(); empty: no label
};

struct CodingTable {
  Table table;
  std::int64_t header_row = 0;
  std::vector<CodingRow> rows;
};

/// Reads the first sheet of `path` whose header has a subject, a clip and an emotion column.
/// @throws Error kBadData: no such sheet (names the missing columns), no rows, or a row with a clip but no subject
CodingTable read_coding_table(const std::filesystem::path& path);

/// Unifies the spelling of an emotion: "Happy " and "HAPPINESS" give "happiness", "Other" gives "others", "/" and "n/a"
/// give an empty string.
std::string emotion_word(std::string_view text);

/// Parses a frame number: digits, optionally followed by ".0"; empty for any other text.
std::optional<std::int64_t> frame_number(std::string_view text);

}  // namespace shcnn::io
