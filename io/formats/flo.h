// Optical flow in Middlebury's .flo: "PIEH" (202021.25 as a little-endian float), width and height as 32-bit integers,
// then (height, width, 2) floats, to the right and down, in pixels. A component beyond 1e9 means "not known".
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/files/error.h"

namespace shcnn::io {

/// A flow field as a file holds it.
struct FlowArray {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<float> values;  ///< (height, width, 2), px
};

inline constexpr float kUnknownFlow = 1e9f;  ///< px; a component of larger size marks an unknown vector

/// @throws Error kBadData: no .flo file, another size than its header says, NaN; the size is held against the file's
///         before memory is taken
FlowArray read_flo(const std::filesystem::path& path);

/// Writes a .flo safely. @throws Error as AtomicFile; kUsage where values.size() is not 2 * height * width
void write_flo(const std::filesystem::path& path, int64_t height, int64_t width, std::span<const float> values,
               Overwrite overwrite);

}  // namespace shcnn::io
