// Reads and writes .xlsx workbooks, which are zip archives of XML parts (libzip, expat). Only the text of cells is
// read; a written file contains the minimum that spreadsheet programs require.
//
// Input is untrusted: see zip_archive.h, xml_reader.h and TableBudget for the limits, which apply to all parts
// together.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/formats/table.h"

namespace shcnn::io {

/// The sheets of a workbook in their order. The value of a formula cell is its stored result. Numbers are the text in
/// the file; integers are written without fraction or exponent ("46" for "46.0").
/// @throws Error kBadData, with the part or the sheet and row
std::vector<Table> read_xlsx(const std::filesystem::path& path);

/// Writes a workbook with one sheet. Cells that contain a non-negative integer are written as numbers, others as text.
/// Equal rows give equal bytes. @throws Error as AtomicFile; kDisk if the archive cannot be built
void write_xlsx(const std::filesystem::path& path, const std::string& sheet,
                std::span<const std::vector<std::string>> rows, Overwrite overwrite);

}  // namespace shcnn::io
