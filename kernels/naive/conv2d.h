// Convolution, stride 1, in plain loops: forward, input gradient, filter gradient.
//
//   z(o,i,j,n) = sum over c,k,l of w(o,c,k,l) * x(c, i + k - begin, j + l - begin, n)      x (Ci,H,W,N), z (Co,Ho,Wo,N)
//
// Taps that fall on padding are skipped: tap_span gives the outputs for which a tap is inside x. Within a row the lanes
// (column, sample) are contiguous, so a tap adds one run of lanes of x to one run of lanes of z, for any N. Each output
// is summed in the order c, k, l. One task of the thread pool is one output channel (input channel for the input
// gradient), so results do not depend on the number of threads.
#pragma once

#include <algorithm>

#include "kernels/naive/index.h"
#include "kernels/naive/parallel.h"
#include "kernels/ops.h"

namespace shcnn::naive {

/// Outputs [begin, end) of one axis whose tap `k` falls on an input cell inside the map.
struct TapSpan {
  std::int64_t begin, end;
};
inline TapSpan tap_span(std::int64_t outputs, std::int64_t inputs, int pad_begin, std::int64_t k) {
  const std::int64_t shift = pad_begin - k;  // output i reads input i - shift
  return {std::max<std::int64_t>(0, shift), std::min(outputs, inputs + shift)};
}

/// Checks z's shape against x, w and the pads.
template <class X, class W, class Z>
void require_conv2d(const char* op, ConvPads pads, const View<X>& x, const View<W>& w, const View<Z>& z) {
  const std::int64_t kernel = w[2];
  require_shape(op, "w", w, Shape(w[0], x[0], kernel, kernel));
  const std::int64_t grow = pads.begin + pads.end - kernel + 1;
  require(x[1] + grow >= 1 && x[2] + grow >= 1, op, "the kernel is larger than the padded map");
  require_shape(op, "z", z, Shape(w[0], x[1] + grow, x[2] + grow, x[3]));
}

/// Calls run(k, l, first lane of z, first lane of x, number of lanes) for every tap (k, l) of output row `i`. Lanes are
/// counted within a channel.
template <class Run>
void for_each_tap(ConvPads pads, const Shape& x, const Shape& z, std::int64_t kernel, std::int64_t i, const Run& run) {
  const std::int64_t samples = x[3];
  for (std::int64_t k = 0; k < kernel; ++k) {
    const std::int64_t row = i + k - pads.begin;
    if (row < 0 || row >= x[1]) continue;
    for (std::int64_t l = 0; l < kernel; ++l) {
      const TapSpan span = tap_span(z[2], x[2], pads.begin, l);
      if (span.begin >= span.end) continue;
      const std::int64_t z_lane = (i * z[2] + span.begin) * samples;
      const std::int64_t x_lane = (row * x[2] + span.begin + l - pads.begin) * samples;
      run(k, l, z_lane, x_lane, (span.end - span.begin) * samples);
    }
  }
}

template <class T>
void conv2d_forward(const Context& context, ConvPads pads, View<const T> x, View<const T> w, View<T> z) {
  require_conv2d("conv2d_forward", pads, x, w, z);
  const std::int64_t x_map = x[1] * x[2] * x[3], z_map = z[1] * z[2] * z[3];
  parallel_for(context, z[0], [&](std::int64_t o) {
    T* z_channel = z.data + o * z_map;
    std::fill_n(z_channel, z_map, T(0));
    for (std::int64_t c = 0; c < x[0]; ++c) {
      const T* x_channel = x.data + c * x_map;
      for (std::int64_t i = 0; i < z[1]; ++i) {
        for_each_tap(pads, x.shape, z.shape, w[2], i, [&](auto k, auto l, auto z_lane, auto x_lane, auto lanes) {
          const T weight = at(w, o, c, k, l);
          for (std::int64_t lane = 0; lane < lanes; ++lane)
            z_channel[z_lane + lane] += weight * x_channel[x_lane + lane];
        });
      }
    }
  });
}

template <class T>
void conv2d_backward_data(const Context& context, ConvPads pads, View<const T> w, View<const T> dz, View<T> dx) {
  require_conv2d("conv2d_backward_data", pads, dx, w, dz);
  const std::int64_t x_map = dx[1] * dx[2] * dx[3], z_map = dz[1] * dz[2] * dz[3];
  parallel_for(context, dx[0], [&](std::int64_t c) {
    T* dx_channel = dx.data + c * x_map;
    std::fill_n(dx_channel, x_map, T(0));
    for (std::int64_t o = 0; o < dz[0]; ++o) {
      const T* dz_channel = dz.data + o * z_map;
      for (std::int64_t i = 0; i < dz[1]; ++i) {
        for_each_tap(pads, dx.shape, dz.shape, w[2], i, [&](auto k, auto l, auto z_lane, auto x_lane, auto lanes) {
          const T weight = at(w, o, c, k, l);
          for (std::int64_t lane = 0; lane < lanes; ++lane)
            dx_channel[x_lane + lane] += weight * dz_channel[z_lane + lane];
        });
      }
    }
  });
}

template <class T>
void conv2d_backward_filter(const Context& context, ConvPads pads, View<const T> x, View<const T> dz, View<T> dw) {
  require_conv2d("conv2d_backward_filter", pads, x, dw, dz);
  const std::int64_t x_map = x[1] * x[2] * x[3], z_map = dz[1] * dz[2] * dz[3];
  parallel_for(context, dw[0], [&](std::int64_t o) {
    const T* dz_channel = dz.data + o * z_map;
    std::fill_n(&at(dw, o, 0, 0, 0), dw[1] * dw[2] * dw[3], T(0));
    for (std::int64_t c = 0; c < x[0]; ++c) {
      const T* x_channel = x.data + c * x_map;
      for (std::int64_t i = 0; i < dz[1]; ++i) {
        for_each_tap(pads, x.shape, dz.shape, dw[2], i, [&](auto k, auto l, auto z_lane, auto x_lane, auto lanes) {
          T sum = 0;  // over one row; adding row sums keeps the rounding error of long float sums small
          for (std::int64_t lane = 0; lane < lanes; ++lane) sum += dz_channel[z_lane + lane] * x_channel[x_lane + lane];
          at(dw, o, c, k, l) += sum;
        });
      }
    }
  });
}

inline std::size_t conv2d_workspace(const ConvGeometry&) { return 0; }

}  // namespace shcnn::naive
