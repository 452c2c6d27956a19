// Position of a crop in its image. An entry of an epoch's order is image * 16 + crop; crop 0..4 = corners (top left,
// top right, bottom left, bottom right) and middle, 5..9 the same mirrored left-right.
#pragma once

#include <cstdint>

#include "kernels/math/host_device.h"

namespace shcnn {

inline constexpr std::int32_t kCropsAnEntry = 16;
inline constexpr std::int32_t kCropPlaces = 5;

struct CropPlace {
  std::int64_t image;
  std::int64_t top, left, width;
  bool mirrored;
  /// Image column of the patch's column j. column(j) - left is its own inverse.
  SHCNN_HD std::int64_t column(std::int64_t j) const { return left + (mirrored ? width - 1 - j : j); }
};

/// Position of `entry`'s patch of patch_height x patch_width in an image of height x width.
SHCNN_HD CropPlace crop_place(std::int32_t entry, std::int64_t patch_height, std::int64_t patch_width,
                              std::int64_t height, std::int64_t width) {
  const std::int64_t spare_rows = height - patch_height, spare_columns = width - patch_width;
  const std::int32_t crop = entry % kCropsAnEntry, place = crop % kCropPlaces;
  const bool is_middle = place == 4;
  return {entry / kCropsAnEntry, is_middle ? spare_rows / 2 : place / 2 * spare_rows,
          is_middle ? spare_columns / 2 : place % 2 * spare_columns, patch_width, crop >= kCropPlaces};
}

}  // namespace shcnn
