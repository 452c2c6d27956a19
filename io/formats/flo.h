// Optical flow in Middlebury's .flo format: "PIEH" (202021.25 as a little-endian float), width and height as 32-bit
// integers, then (height, width, 2) floats: displacement to the right and down, in pixels. A component whose magnitude
// exceeds 1e9 marks an unknown vector.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/files/error.h"

namespace shcnn::io {

/// A flow field as stored in a file.
struct FlowArray {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<float> values;  ///< (height, width, 2), px
};

inline constexpr float kUnknownFlow = 1e9f;  ///< px; a component of larger magnitude marks an unknown vector

/// Reads a .flo file. The size in the header is checked against the file size before memory is allocated.
/// @throws Error kBadData if it is not a .flo file, its size does not match the header, or it contains NaN
FlowArray read_flo(const std::filesystem::path& path);

/// Writes a .flo file atomically. @throws Error as AtomicFile; kUsage if values.size() is not 2 * height * width
void write_flo(const std::filesystem::path& path, int64_t height, int64_t width, std::span<const float> values,
               Overwrite overwrite);

}  // namespace shcnn::io
