// 2x2 windows at stride 2 over a map inside a zero ring, along one axis.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn {

/// Cell of the map that is first (k = 0) or second (k = 1) in pooled cell `pooled`; outside [0, extent) it lies in the
/// ring of `pad` cells, and from extent + pad on it is absent (the half window that closes an odd padded extent).
template <class Int>
SHCNN_HD Int pool_cell(Int pooled, int k, int pad) {
  return 2 * pooled + k - pad;
}

/// Pooled cell whose window holds the map's cell `cell`.
template <class Int>
SHCNN_HD Int pool_of_cell(Int cell, int pad) {
  return (cell + pad) / 2;
}

}  // namespace shcnn
