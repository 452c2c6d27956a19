// Bias, activation, padding and pooling as in the paper's figures: whole planes, one step after the other.
#pragma once

#include <algorithm>
#include <utility>

#include "kernels/ops.h"
#include "reference/layout.h"

namespace shcnn::test::reference {

template <class T>
struct Pooled {
  Tensor<T> y;
  Tensor<std::uint8_t> winner;
};

/// max(a x, x): the paper's LeakyReLU.
template <class T>
T leaky(T x, T slope) {
  return std::max(slope * x, x);
}

template <class T>
Pooled<T> max_pool(MaxPool pool, T slope, const Tensor<T>& z, const Tensor<T>& b, const Shape& y_shape) {
  Pooled<T> out{Tensor<T>(y_shape), Tensor<std::uint8_t>(y_shape)};
  const std::int64_t rows = z.shape[1] + 2 * pool.pad, columns = z.shape[2] + 2 * pool.pad;
  for (std::int64_t n = 0; n < z.shape[3]; ++n) {
    for (std::int64_t c = 0; c < z.shape[0]; ++c) {
      Plane<T> plane(rows, columns);
      Plane<char> is_map(rows, columns);
      for (std::int64_t y = 0; y < z.shape[1]; ++y) {
        for (std::int64_t x = 0; x < z.shape[2]; ++x) {
          plane(y + pool.pad, x + pool.pad) = leaky(z[chwn(z.shape, c, y, x, n)] + b[c], slope);
          is_map(y + pool.pad, x + pool.pad) = 1;
        }
      }
      // The whole pooled map; y holds the part that starts at `first` and has y's shape.
      for (std::int64_t r = 0; r < (rows + 1) / 2; ++r) {
        for (std::int64_t s = 0; s < (columns + 1) / 2; ++s) {
          std::vector<T> values;
          std::vector<std::uint8_t> codes;
          for (std::int64_t y = 2 * r; y < std::min(2 * r + 2, rows); ++y) {
            for (std::int64_t x = 2 * s; x < std::min(2 * s + 2, columns); ++x) {
              values.push_back(plane(y, x));
              codes.push_back(is_map(y, x) ? static_cast<std::uint8_t>(2 * (y % 2) + x % 2) : kWinnerIsPad);
            }
          }
          const std::int64_t row = r - pool.first, column = s - pool.first;
          if (row < 0 || column < 0 || row >= y_shape[1] || column >= y_shape[2]) continue;
          const auto best = std::max_element(values.begin(), values.end());  // the first of equal values
          out.y[chwn(y_shape, c, row, column, n)] = *best;
          out.winner[chwn(y_shape, c, row, column, n)] = codes[static_cast<std::size_t>(best - values.begin())];
        }
      }
    }
  }
  return out;
}

template <class T>
struct PoolGradient {
  Tensor<T> dz;
  Tensor<double> db, db_magnitude;  ///< exact sums of dz and of |dz|, in double
};

template <class T>
void add_to_bias(PoolGradient<T>& out) {
  const Shape& s = out.dz.shape;
  for (std::int64_t c = 0; c < s[0]; ++c) {
    for (std::int64_t i = 0; i < s[1] * s[2] * s[3]; ++i) {
      const double gradient = static_cast<double>(out.dz[c * s[1] * s[2] * s[3] + i]);
      out.db[c] += gradient;
      out.db_magnitude[c] += std::abs(gradient);
    }
  }
}

/// For each cell of the map: if it won in its pooled cell, it receives that cell's gradient.
template <class T>
PoolGradient<T> max_pool_gradient(MaxPool pool, T slope, const Tensor<T>& y, const Tensor<std::uint8_t>& winner,
                                  const Tensor<T>& dy, const Shape& z_shape) {
  PoolGradient<T> out{Tensor<T>(z_shape), Tensor<double>(Shape(z_shape[0])), Tensor<double>(Shape(z_shape[0]))};
  for (std::int64_t n = 0; n < z_shape[3]; ++n) {
    for (std::int64_t c = 0; c < z_shape[0]; ++c) {
      for (std::int64_t i = 0; i < z_shape[1]; ++i) {
        for (std::int64_t j = 0; j < z_shape[2]; ++j) {
          const std::int64_t row = (i + pool.pad) / 2 - pool.first, column = (j + pool.pad) / 2 - pool.first;
          if (row < 0 || column < 0 || row >= y.shape[1] || column >= y.shape[2]) continue;
          const std::int64_t cell = chwn(y.shape, c, row, column, n);
          if (winner[cell] != 2 * ((i + pool.pad) % 2) + (j + pool.pad) % 2) continue;
          out.dz[chwn(z_shape, c, i, j, n)] = y[cell] > 0 ? dy[cell] : slope * dy[cell];
        }
      }
    }
  }
  add_to_bias(out);
  return out;
}

/// Also returns the mean of |z| + |b| in each window: the scale of the rounding error of its sum.
template <class T>
std::pair<Tensor<T>, Tensor<double>> avg_pool(T slope, const Tensor<T>& z, const Tensor<T>& b) {
  const Shape y_shape(z.shape[0], (z.shape[1] + 1) / 2, (z.shape[2] + 1) / 2, z.shape[3]);
  Tensor<T> sum(y_shape), cells(y_shape);
  Tensor<double> magnitude(y_shape);
  for (std::int64_t c = 0; c < z.shape[0]; ++c) {
    for (std::int64_t i = 0; i < z.shape[1]; ++i) {
      for (std::int64_t j = 0; j < z.shape[2]; ++j) {
        for (std::int64_t n = 0; n < z.shape[3]; ++n) {
          const std::int64_t to = chwn(y_shape, c, i / 2, j / 2, n);
          const T value = z[chwn(z.shape, c, i, j, n)] + b[c];
          sum[to] += value;
          cells[to] += 1;
          magnitude[to] +=
              std::abs(static_cast<double>(z[chwn(z.shape, c, i, j, n)])) + std::abs(static_cast<double>(b[c]));
        }
      }
    }
  }
  for (std::int64_t i = 0; i < sum.count(); ++i) {
    sum[i] = leaky(sum[i] / cells[i], slope);
    magnitude[i] /= static_cast<double>(cells[i]);
  }
  return {sum, magnitude};
}

template <class T>
PoolGradient<T> avg_pool_gradient(T slope, const Tensor<T>& y, const Tensor<T>& dy, const Shape& z_shape) {
  PoolGradient<T> out{Tensor<T>(z_shape), Tensor<double>(Shape(z_shape[0])), Tensor<double>(Shape(z_shape[0]))};
  for (std::int64_t c = 0; c < z_shape[0]; ++c) {
    for (std::int64_t i = 0; i < z_shape[1]; ++i) {
      for (std::int64_t j = 0; j < z_shape[2]; ++j) {
        const bool last_row = i % 2 == 0 && i + 1 == z_shape[1], last_column = j % 2 == 0 && j + 1 == z_shape[2];
        const T cells = static_cast<T>((last_row ? 1 : 2) * (last_column ? 1 : 2));
        for (std::int64_t n = 0; n < z_shape[3]; ++n) {
          const std::int64_t from = chwn(y.shape, c, i / 2, j / 2, n);
          out.dz[chwn(z_shape, c, i, j, n)] = (y[from] > 0 ? dy[from] : slope * dy[from]) / cells;
        }
      }
    }
  }
  add_to_bias(out);
  return out;
}

}  // namespace shcnn::test::reference
