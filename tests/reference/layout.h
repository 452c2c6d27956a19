// The references in this folder implement the paper's definitions directly: maps are (N,C,H,W) arrays of whole planes,
// padding is stored as zeros, and convolutions scatter instead of gather like the plain loops. This header converts
// between that layout and the (C,H,W,N) of the ops.
#pragma once

#include <cstdint>
#include <vector>

#include "support/tensor.h"

namespace shcnn::test::reference {

/// One channel of one sample, with its zero padding stored.
template <class T>
class Plane {
 public:
  Plane(std::int64_t rows, std::int64_t columns)
      : columns_(columns), cells_(static_cast<std::size_t>(rows * columns), T(0)) {}
  T& operator()(std::int64_t row, std::int64_t column) {
    return cells_[static_cast<std::size_t>(row * columns_ + column)];
  }

 private:
  std::int64_t columns_;
  std::vector<T> cells_;
};

/// Offset of (c, y, x, n) in a (C,H,W,N) tensor.
inline std::int64_t chwn(const Shape& s, std::int64_t c, std::int64_t y, std::int64_t x, std::int64_t n) {
  return ((c * s[1] + y) * s[2] + x) * s[3] + n;
}

/// Channel c of sample n, with `begin` zero rows and columns before it and `end` after it.
template <class T>
Plane<T> padded_plane(const Tensor<T>& map, std::int64_t c, std::int64_t n, int begin, int end) {
  Plane<T> plane(map.shape[1] + begin + end, map.shape[2] + begin + end);
  for (std::int64_t y = 0; y < map.shape[1]; ++y) {
    for (std::int64_t x = 0; x < map.shape[2]; ++x) plane(y + begin, x + begin) = map[chwn(map.shape, c, y, x, n)];
  }
  return plane;
}

}  // namespace shcnn::test::reference
