// Dense layer in plain loops: y = w x + b, input gradient dx = w' dy, filter gradient dw = dy x', db = row sums of dy.
//
// x (I,N), w (O,I), b (O), y (O,N). The innermost loop runs over samples or inputs, both contiguous. One task is one
// output (one input for the input gradient).
#pragma once

#include <algorithm>

#include "kernels/naive/index.h"
#include "kernels/naive/parallel.h"
#include "kernels/ops.h"

namespace shcnn::naive {

template <class T>
void dense_forward(const Context& context, View<const T> x, View<const T> w, View<const T> b, View<T> y) {
  require_shape("dense_forward", "w", w, Shape(w[0], x[0]));
  require_shape("dense_forward", "b", b, Shape(w[0]));
  require_shape("dense_forward", "y", y, Shape(w[0], x[1]));
  parallel_for(context, w[0], [&](std::int64_t o) {
    T* row = y.data + o * y[1];
    std::fill_n(row, y[1], T(0));
    for (std::int64_t i = 0; i < x[0]; ++i) {
      const T weight = at(w, o, i);
      for (std::int64_t n = 0; n < x[1]; ++n) row[n] += weight * at(x, i, n);
    }
    for (std::int64_t n = 0; n < x[1]; ++n) row[n] += b.data[o];
  });
}

template <class T>
void dense_backward_data(const Context& context, View<const T> w, View<const T> dy, View<T> dx) {
  require_shape("dense_backward_data", "dy", dy, Shape(w[0], dy[1]));
  require_shape("dense_backward_data", "dx", dx, Shape(w[1], dy[1]));
  parallel_for(context, w[1], [&](std::int64_t i) {
    T* row = dx.data + i * dx[1];
    std::fill_n(row, dx[1], T(0));
    for (std::int64_t o = 0; o < w[0]; ++o) {
      const T weight = at(w, o, i);
      for (std::int64_t n = 0; n < dy[1]; ++n) row[n] += weight * at(dy, o, n);
    }
  });
}

template <class T>
void dense_backward_filter(const Context& context, View<const T> x, View<const T> dy, View<T> dw, View<T> db) {
  require_shape("dense_backward_filter", "dy", dy, Shape(dy[0], x[1]));
  require_shape("dense_backward_filter", "dw", dw, Shape(dy[0], x[0]));
  require_shape("dense_backward_filter", "db", db, Shape(dy[0]));
  parallel_for(context, dy[0], [&](std::int64_t o) {
    for (std::int64_t i = 0; i < x[0]; ++i) {
      T sum = 0;
      for (std::int64_t n = 0; n < x[1]; ++n) sum += at(dy, o, n) * at(x, i, n);
      at(dw, o, i) = sum;
    }
    T sum = 0;
    for (std::int64_t n = 0; n < x[1]; ++n) sum += at(dy, o, n);
    db.data[o] = sum;
  });
}

inline std::size_t dense_workspace(std::int64_t, std::int64_t, std::int64_t) { return 0; }

}  // namespace shcnn::naive
