// Bias, 2x2 average-pool at stride 2, LeakyReLU (the micro variant's order), forward and backward in plain loops.
//
//   y = leaky(mean over the window's cells of z + b)
//
// If an extent is odd, the last window is partial, and its mean is over the cells inside the map.
//
// z (C,H,W,N), b (C), y (C,ceil(H/2),ceil(W/2),N). One task per channel.
#pragma once

#include <algorithm>

#include "kernels/math/leaky_relu.h"
#include "kernels/naive/index.h"
#include "kernels/naive/parallel.h"
#include "kernels/ops.h"

namespace shcnn::naive {

/// The cells [row, row_end) x [column, column_end) of a map that window (r, s) covers.
struct Window {
  std::int64_t row, row_end, column, column_end;
  std::int64_t cells() const { return (row_end - row) * (column_end - column); }
};
inline Window average_window(const Shape& z, std::int64_t r, std::int64_t s) {
  return {2 * r, std::min(2 * r + 2, z[1]), 2 * s, std::min(2 * s + 2, z[2])};
}

template <class T>
void avg_pool_forward(const Context& context, T slope, View<const T> z, View<const T> b, View<T> y) {
  require_shape("avg_pool_forward", "y", y, Shape(z[0], (z[1] + 1) / 2, (z[2] + 1) / 2, z[3]));
  require_shape("avg_pool_forward", "b", b, Shape(z[0]));
  parallel_for(context, z[0], [&](std::int64_t c) {
    for (std::int64_t r = 0; r < y[1]; ++r) {
      for (std::int64_t s = 0; s < y[2]; ++s) {
        const Window window = average_window(z.shape, r, s);
        for (std::int64_t n = 0; n < z[3]; ++n) {
          T sum = 0;
          for (std::int64_t row = window.row; row < window.row_end; ++row) {
            for (std::int64_t column = window.column; column < window.column_end; ++column)
              sum += at(z, c, row, column, n);
          }
          at(y, c, r, s, n) = leaky_relu(sum / static_cast<T>(window.cells()) + b.data[c], slope);
        }
      }
    }
  });
}

template <class T>
void avg_pool_backward(const Context& context, T slope, View<const T> y, View<const T> dy, View<T> dz, View<T> db) {
  require_shape("avg_pool_backward", "y", y, Shape(dz[0], (dz[1] + 1) / 2, (dz[2] + 1) / 2, dz[3]));
  require_shape("avg_pool_backward", "dy", dy, y.shape);
  require_shape("avg_pool_backward", "db", db, Shape(dz[0]));
  parallel_for(context, dz[0], [&](std::int64_t c) {
    T bias_sum = 0;
    for (std::int64_t r = 0; r < y[1]; ++r) {
      T row_sum = 0;
      for (std::int64_t s = 0; s < y[2]; ++s) {
        const Window window = average_window(dz.shape, r, s);
        for (std::int64_t n = 0; n < dz[3]; ++n) {
          const T gradient = at(dy, c, r, s, n) * leaky_relu_grad(at(y, c, r, s, n), slope);
          for (std::int64_t row = window.row; row < window.row_end; ++row) {
            for (std::int64_t column = window.column; column < window.column_end; ++column) {
              at(dz, c, row, column, n) = gradient / static_cast<T>(window.cells());
            }
          }
          row_sum += gradient;  // sum over the window's cells
        }
      }
      bias_sum += row_sum;
    }
    db.data[c] = bias_sum;
  });
}

}  // namespace shcnn::naive
