// Arrays of floats as .npy files (NumPy's format, version 1.0): what numpy.load reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "io/atomic_file.h"

namespace shcnn::io {

/// Writes `values`, as many as the extents of `shape` multiply to, in C order, little-endian, as '<f4' or '<f8'.
/// @throws Error as AtomicFile; std::invalid_argument if the count does not agree
void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape, const float* values, size_t count,
               Overwrite overwrite);
void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape, const double* values, size_t count,
               Overwrite overwrite);

}  // namespace shcnn::io
