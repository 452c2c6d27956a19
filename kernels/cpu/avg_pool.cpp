// Bias, 2x2 average-pool at stride 2 and LeakyReLU in one pass (the micro variant's order), and the backward pass.
//
//   y = leaky(mean over the window's cells of z + b)
//
// If an extent is odd, the last window is partial, and its mean is over the cells inside the map.
//
// z (C,H,W,N), b (C), y (C,ceil(H/2),ceil(W/2),N). Limited by memory bandwidth. Vectors run over the samples of a cell.
// Tasks and the order of the bias gradient's sum are as in max_pool.cpp.
#include "kernels/cpu/args.h"
#include "kernels/cpu/entry_points.h"
#include "kernels/cpu/simd.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {
namespace {

/// Offsets of a window's cells into the map's channel, in scan order.
struct Window {
  std::int64_t at[4];
  int cells;
};

Window window_at(const PoolDims& d, std::int64_t r, std::int64_t s) {
  Window window{{}, 0};
  for (std::int64_t row = 2 * r; row < min(2 * r + 2, d.height); ++row) {
    for (std::int64_t column = 2 * s; column < min(2 * s + 2, d.width); ++column) {
      window.at[window.cells++] = (row * d.width + column) * d.samples;
    }
  }
  return window;
}

}  // namespace

void avg_pool_forward(const Context& context, float slope, In z, In b, Out y) {
  const PoolDims d = avg_pool_dims("avg_pool_forward", z.shape, b.shape, y.shape);
  context.threads->run(d.channels * d.out_height, [&](std::int64_t task, int) {
    const std::int64_t c = task / d.out_height, r = task % d.out_height;
    const float* map = z.data + c * d.height * d.width * d.samples;
    const float bias = b.data[c];
    for (std::int64_t s = 0; s < d.out_width; ++s) {
      const Window window = window_at(d, r, s);
      const float share = 1.0f / static_cast<float>(window.cells);  // exact: 1, 1/2 or 1/4
      float* out = y.data + (task * d.out_width + s) * d.samples;
      const auto vector = [&](std::int64_t n) __attribute__((always_inline)) {
        Vec sum = load(map + window.at[0] + n);
        for (int cell = 1; cell < window.cells; ++cell) sum += load(map + window.at[cell] + n);
        store(out + n, leaky(sum * share + bias, set1(slope)));
      };
      std::int64_t n = 0;
      for (; n + kW <= d.samples; n += kW) vector(n);
      if (n < d.samples && d.samples >= kW) {
        vector(d.samples - kW);
        n = d.samples;
      }
      for (; n < d.samples; ++n) {
        float sum = map[window.at[0] + n];
        for (int cell = 1; cell < window.cells; ++cell) sum += map[window.at[cell] + n];
        const float mean = sum * share + bias;
        out[n] = mean > 0 ? mean : slope * mean;
      }
    }
  });
}

void avg_pool_backward(const Context& context, float slope, In y, In dy, Out dz, Out db) {
  const PoolDims d = avg_pool_dims("avg_pool_backward", dz.shape, db.shape, y.shape);
  unit_dims("avg_pool_backward", y.shape, dy.shape);
  context.threads->run(d.channels, [&](std::int64_t c, int) {
    float* map = dz.data + c * d.height * d.width * d.samples;
    double bias_sum = 0;
    for (std::int64_t r = 0; r < d.out_height; ++r) {
      Vec row_sum{};
      float row_rest = 0;
      for (std::int64_t s = 0; s < d.out_width; ++s) {
        const Window window = window_at(d, r, s);
        const float share = 1.0f / static_cast<float>(window.cells);
        const std::int64_t at = ((c * d.out_height + r) * d.out_width + s) * d.samples;
        std::int64_t n = 0;
        for (; n + kW <= d.samples; n += kW) {
          const Vec gradient = load(dy.data + at + n) * leaky_grad(load(y.data + at + n), set1(slope));
          for (int cell = 0; cell < window.cells; ++cell) store(map + window.at[cell] + n, gradient * share);
          row_sum += gradient;
        }
        for (; n < d.samples; ++n) {
          const float gradient = dy.data[at + n] * (y.data[at + n] > 0 ? 1.0f : slope);
          for (int cell = 0; cell < window.cells; ++cell) map[window.at[cell] + n] = gradient * share;
          row_rest += gradient;
        }
      }
      bias_sum += static_cast<double>(sum_lanes(row_sum) + row_rest);
    }
    db.data[c] = static_cast<float>(bias_sum);
  });
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
