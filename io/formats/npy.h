// Arrays of floats in numpy's .npy: "\x93NUMPY", version, a Python dict of type, order and shape padded to 64 bytes,
// then the elements, last index fastest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/files/error.h"

namespace shcnn::io {

struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<float> values;  ///< in C order
};

/// Reads '<f4' in C order, version 1 or 2, of 8 dimensions at most.
/// @throws Error kBadData: no .npy file, another type or order, a length that is not the shape's, NaN
NpyArray read_npy(const std::filesystem::path& path);

/// Writes version 1.0 safely, byte for byte as numpy.save does, as '<f4' or '<f8'. @throws Error as AtomicFile; kUsage
/// where the shape is not that of the values
void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape, std::span<const float> values,
               Overwrite overwrite);
void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape, std::span<const double> values,
               Overwrite overwrite);

}  // namespace shcnn::io
