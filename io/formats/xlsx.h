// Workbooks (.xlsx): a zip archive of XML parts, of which the texts of cells are read, and the least that a spreadsheet
// program opens is written. libzip unpacks and packs, expat parses.
//
// Nothing in the archive is believed: see zip_archive.h, xml_reader.h and TableBudget for the limits, which hold for
// all parts together.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/formats/table.h"

namespace shcnn::io {

/// The sheets of a workbook in its order. A formula's cell is its stored result; numbers are the text that the file
/// holds, whole ones without ".0".
/// @throws Error kBadData naming the part, sheet and row, and the remedy
std::vector<Table> read_xlsx(const std::filesystem::path& path);

/// Writes a workbook of one sheet: cells that are whole numbers as numbers, others as text. The same rows give the same
/// bytes. @throws Error as AtomicFile
void write_xlsx(const std::filesystem::path& path, const std::string& sheet,
                std::span<const std::vector<std::string>> rows, Overwrite overwrite);

}  // namespace shcnn::io
