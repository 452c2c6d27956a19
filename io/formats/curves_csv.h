// curves.csv: one row per epoch, one column per quantity. Numbers are written in the shortest form that reads back as
// the same double.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/files/atomic_file.h"

namespace shcnn::io {

/// Writes the whole table atomically. Since it is never appended to, it has no partial rows, and a resumed run writes
/// the same file as an uninterrupted one.
/// @param columns column names, without commas
/// @param rows    one value per column; NaN is written as an empty cell
/// @throws Error as AtomicFile; kUsage if a row has another number of values
void write_curves_csv(const std::filesystem::path& path, std::span<const std::string> columns,
                      std::span<const std::vector<double>> rows, Overwrite overwrite);

}  // namespace shcnn::io
