// curves.csv: one row an epoch, one column a quantity, numbers in the shortest form that reads back as the same double.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/files/atomic_file.h"

namespace shcnn::io {

/// Writes the whole table safely: it has few rows, and so it is never half a row long and equal after a resume.
/// @param columns names, without commas
/// @param rows    each as long as `columns`; a NaN is an empty cell
/// @throws Error as AtomicFile; kUsage for a row of another length
void write_curves_csv(const std::filesystem::path& path, std::span<const std::string> columns,
                      std::span<const std::vector<double>> rows, Overwrite overwrite);

}  // namespace shcnn::io
