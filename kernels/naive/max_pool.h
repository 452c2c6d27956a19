// Bias, LeakyReLU, zero border and 2x2 max-pool at stride 2, forward and backward in plain loops.
//
//   a = leaky(z + b), zero in the border of `pad` cells;  y = max over the window, the first maximum in scan order.
//
// z (C,H,W,N), b (C), y and winner (C,Hy,Wy,N); y's row r is row `first + r` of the pooled padded map. If the padded
// extent is odd, the last window is partial; cells beyond the padded extent are ignored. One task per channel.
#pragma once

#include <algorithm>

#include "kernels/math/leaky_relu.h"
#include "kernels/math/pool.h"
#include "kernels/naive/index.h"
#include "kernels/naive/parallel.h"
#include "kernels/ops.h"

namespace shcnn::naive {

inline constexpr int kWindowCells = 4;

/// Row and column of z of `cell` (0 .. 3) in the window of y's row or column `r`.
inline std::int64_t pooled_to_row(MaxPool pool, std::int64_t r, int cell) {
  return pool_cell(pool.first + r, cell / 2, pool.pad);
}
inline std::int64_t pooled_to_column(MaxPool pool, std::int64_t r, int cell) {
  return pool_cell(pool.first + r, cell % 2, pool.pad);
}

/// Checks the shape of y and that every stored window begins inside the padded map.
template <class Z, class Y>
void require_max_pool(const char* op, MaxPool pool, const View<Z>& z, const View<Y>& y) {
  require_shape(op, "y", y, Shape(z[0], y[1], y[2], z[3]));
  require(2 * (pool.first + y[1] - 1) < z[1] + 2 * pool.pad && 2 * (pool.first + y[2] - 1) < z[2] + 2 * pool.pad, op,
          "y has more cells than the padded map has windows");
}

template <class T>
void max_pool_forward(const Context& context, MaxPool pool, T slope, View<const T> z, View<const T> b, View<T> y,
                      View<std::uint8_t> winner) {
  require_max_pool("max_pool_forward", pool, z, y);
  require_shape("max_pool_forward", "b", b, Shape(z[0]));
  require_shape("max_pool_forward", "winner", winner, y.shape);
  const std::int64_t end_row = z[1] + pool.pad, end_column = z[2] + pool.pad;  // end of the border
  parallel_for(context, z[0], [&](std::int64_t c) {
    for (std::int64_t r = 0; r < y[1]; ++r) {
      for (std::int64_t s = 0; s < y[2]; ++s) {
        for (std::int64_t n = 0; n < z[3]; ++n) {
          T best = 0;
          std::uint8_t best_cell = 0;
          for (int cell = 0; cell < kWindowCells; ++cell) {
            const std::int64_t row = pooled_to_row(pool, r, cell), column = pooled_to_column(pool, s, cell);
            if (row >= end_row || column >= end_column) continue;
            const bool is_ring = row < 0 || row >= z[1] || column < 0 || column >= z[2];
            const T value = is_ring ? T(0) : leaky_relu(at(z, c, row, column, n) + b.data[c], slope);
            if (cell == 0 || value > best) {
              best = value;
              best_cell = is_ring ? kWinnerIsPad : static_cast<std::uint8_t>(cell);
            }
          }
          at(y, c, r, s, n) = best;
          at(winner, c, r, s, n) = best_cell;
        }
      }
    }
  });
}

template <class T>
void max_pool_backward(const Context& context, MaxPool pool, T slope, View<const T> y, View<const std::uint8_t> winner,
                       View<const T> dy, View<T> dz, View<T> db) {
  require_max_pool("max_pool_backward", pool, dz, y);
  require_shape("max_pool_backward", "winner", winner, y.shape);
  require_shape("max_pool_backward", "dy", dy, y.shape);
  require_shape("max_pool_backward", "db", db, Shape(dz[0]));
  const std::int64_t map = dz[1] * dz[2] * dz[3];
  parallel_for(context, dz[0], [&](std::int64_t c) {
    std::fill_n(dz.data + c * map, map, T(0));
    T bias_sum = 0;
    for (std::int64_t r = 0; r < y[1]; ++r) {
      T row_sum = 0;
      for (std::int64_t s = 0; s < y[2]; ++s) {
        for (std::int64_t n = 0; n < dz[3]; ++n) {
          const std::uint8_t cell = at(winner, c, r, s, n);
          if (cell == kWinnerIsPad) continue;  // the border has no gradient
          const T gradient = at(dy, c, r, s, n) * leaky_relu_grad(at(y, c, r, s, n), slope);
          at(dz, c, pooled_to_row(pool, r, cell), pooled_to_column(pool, s, cell), n) = gradient;
          row_sum += gradient;
        }
      }
      bias_sum += row_sum;
    }
    db.data[c] = bias_sum;
  });
}

}  // namespace shcnn::naive
