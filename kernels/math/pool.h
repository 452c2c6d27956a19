// 2x2 windows at stride 2 over a map with a zero border, along one axis.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn {

/// Map index of the first (k = 0) or second (k = 1) cell of window `pooled`. An index outside [0, extent) is in the
/// border of `pad` cells. An index >= extent + pad does not exist: the padded extent is odd and the last window has one
/// cell.
template <class Int>
SHCNN_HD Int pool_cell(Int pooled, int k, int pad) {
  return 2 * pooled + k - pad;
}

/// Index of the window that contains the map's cell `cell`.
template <class Int>
SHCNN_HD Int pool_of_cell(Int cell, int pad) {
  return (cell + pad) / 2;
}

}  // namespace shcnn
