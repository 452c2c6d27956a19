// Coding files: which clip shows what, and its onset, apex and offset frames. The header is looked for by its names,
// wherever it stands: CASME and CASME II begin with it, SAMM has a page of prose before it, and the editions name and
// order their columns differently.
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
  std::int64_t number = 0;                          ///< in the sheet, from 1
  std::int64_t data_row = 0;                        ///< from 0 behind the header, as pandas counts
  std::string subject;                              ///< as it stands: "1", "sub01", "006"
  std::string clip;                                 ///< "EP02_01f", "006_1_2"
  std::optional<std::int64_t> onset, apex, offset;  ///< frame numbers; nothing where the cell holds none
  std::string apex_text;                            ///< what the apex cell holds: "/" and its like
  std::string emotion;                              ///< lower case, one spelling; empty: no label
};

struct CodingTable {
  Table table;
  std::int64_t header_row = 0;
  std::vector<CodingRow> rows;
};

/// The first sheet of `path` that has a header with a subject, a clip and an emotion, and its rows.
/// @throws Error kBadData where there is none (naming the columns that miss), or a row names a clip without subject
CodingTable read_coding_table(const std::filesystem::path& path);

/// "Happy " and "HAPPINESS" are "happiness"; "Other" is "others"; "/" and "n/a" are empty.
std::string emotion_word(std::string_view text);

/// A frame number: digits, perhaps with ".0". Nothing else is one.
std::optional<std::int64_t> frame_number(std::string_view text);

}  // namespace shcnn::io
