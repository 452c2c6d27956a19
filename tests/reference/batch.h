// Source cells of the ten crops: five places cut from the image, and the same five mirrored left-right.
#pragma once

#include "kernels/ops.h"
#include "support/tensor.h"

namespace shcnn::test::reference {

/// Top left corner (row, column) of crop place 0..4 in an image of `rows` x `columns`.
inline std::pair<std::int64_t, std::int64_t> place_corner(int place, std::int64_t rows, std::int64_t columns,
                                                          const CropPlan& plan) {
  const std::int64_t bottom = rows - plan.height, right = columns - plan.width;
  switch (place) {
    case 0:
      return {0, 0};
    case 1:
      return {0, right};
    case 2:
      return {bottom, 0};
    case 3:
      return {bottom, right};
    default:
      return {bottom / 2, right / 2};
  }
}

/// Image cell that cell (i, j) of crop `crop` shows. Mirrored crops are cut at the same place, then mirrored.
inline std::pair<std::int64_t, std::int64_t> source_cell(int crop, std::int64_t i, std::int64_t j, std::int64_t rows,
                                                         std::int64_t columns, const CropPlan& plan) {
  const auto [top, left] = place_corner(crop < 5 ? crop : crop - 5, rows, columns, plan);
  const std::int64_t column = crop < 5 ? j : plan.width - 1 - j;
  return {top + i, left + column};
}

}  // namespace shcnn::test::reference
