// Floating-point arrays in numpy's .npy format: "\x93NUMPY", version, header length, a Python dict with element type,
// order and shape, padded so that the elements start at a multiple of 64 bytes, then the elements, last index fastest.
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

/// Reads an array of type '<f4' in C order with at most 8 dimensions, format version 1 or 2.
/// @throws Error kBadData if it is not a .npy file, has another type or order, does not match its shape in length, or
///         contains NaN
NpyArray read_npy(const std::filesystem::path& path);

/// Writes format version 1.0 with type '<f4' or '<f8' atomically, with the same bytes as numpy.save.
/// @throws Error as AtomicFile; kUsage if the shape does not match the number of values
void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape, std::span<const float> values,
               Overwrite overwrite);
void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape, std::span<const double> values,
               Overwrite overwrite);

}  // namespace shcnn::io
