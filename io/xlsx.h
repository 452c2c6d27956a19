// Workbooks (.xlsx): a zip archive of XML parts, of which the texts of cells are read, and the least that a spreadsheet
// program opens is written. libzip unpacks and packs, pugixml parses.
//
// Nothing in the archive is believed: its parts and their unpacked sizes are held against limits before they are
// unpacked, the depth of an XML part before it is parsed, the address of a cell before memory is taken for it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "io/table.h"

namespace shcnn::io {

inline constexpr uint64_t kMaxXlsxBytes = uint64_t{64} << 20;      ///< of the file
inline constexpr uint64_t kMaxXlsxPartBytes = uint64_t{64} << 20;  ///< of one part, unpacked
inline constexpr int64_t kMaxXlsxParts = 4096;
inline constexpr uint64_t kMaxXlsxRatio = 100;  ///< unpacked : packed; parts under 64 KiB are exempt
inline constexpr int kMaxXmlDepth = 32;

/// The sheets of a workbook in its order. A formula's cell is its stored result; numbers are the text that the file
/// holds, whole ones without ".0".
/// @throws Error kBadData naming the part, sheet and row, and the mend
std::vector<Table> read_xlsx(const std::filesystem::path& path);

/// Writes a workbook of one sheet: cells that are whole numbers as numbers, others as text. The same rows give the same
/// bytes. @throws Error as AtomicFile
void write_xlsx(const std::filesystem::path& path, const std::string& sheet,
                std::span<const std::vector<std::string>> rows, Overwrite overwrite);

}  // namespace shcnn::io
