// Code shared by both pools (max_pool.cu, avg_pool.cu): the geometry of a channel, and the bias gradient.
#pragma once

#include <algorithm>

#include "kernels/cuda/block_sum.cuh"
#include "kernels/cuda/lanes.cuh"
#include "kernels/cuda/ops.h"
#include "kernels/math/fast_divisor.h"
#include "kernels/math/pool.h"

namespace shcnn::SHCNN_EXECUTOR {

/// One channel of z (height, width, samples) and of y (out_height, out_width, samples), and the pooling windows. A
/// thread processes one window and kLanes adjacent samples, so adjacent threads of a warp read adjacent addresses.
struct PoolMap {
  int height, width, samples;
  int out_height, out_width;
  int pad, first;          ///< as in MaxPool; both 0 for average-pool
  int row, column;         ///< first window that holds a cell of the map
  int window_rows;         ///< windows that hold a cell of the map, stored or not
  int groups;              ///< samples / kLanes
  std::int64_t z_channel;  ///< elements of one channel of z
  std::int64_t y_channel;  ///< elements of one channel of y
  FastDivisor by_groups, by_out_width, by_window_columns;

  /// Threads per channel, forward: one for each stored window and group of samples.
  std::int64_t outputs() const { return std::int64_t{out_height} * out_width * groups; }
  /// Threads per channel, backward: one for each window and group of samples; each cell is in exactly one window.
  std::int64_t windows() const { return std::int64_t{window_rows} * by_window_columns.divisor * groups; }
};

/// Throws Error(kUsage) if a channel's indices do not fit in 31 bits.
inline PoolMap make_pool_map(const char* op, MaxPool pool, const Shape& z, const Shape& y, int lanes) {
  PoolMap p{};
  p.z_channel = z[1] * z[2] * z[3];
  p.y_channel = y[1] * y[2] * y[3];
  if (p.z_channel > 0x7fffffff || p.y_channel > 0x7fffffff) {
    throw Error(ErrorKind::kUsage, op,
                message("a channel of ", z.str(), " needs indices of more than 31 bits; use a smaller batch"));
  }
  p.height = static_cast<int>(z[1]);
  p.width = static_cast<int>(z[2]);
  p.samples = static_cast<int>(z[3]);
  p.out_height = static_cast<int>(y[1]);
  p.out_width = static_cast<int>(y[2]);
  p.pad = pool.pad;
  p.first = pool.first;
  p.row = p.column = pool_of_cell(0, pool.pad);
  p.window_rows = pool_of_cell(p.height - 1, pool.pad) - p.row + 1;
  p.groups = p.samples / lanes;
  p.by_groups = FastDivisor(std::max(1, p.groups));
  p.by_out_width = FastDivisor(std::max(1, p.out_width));
  p.by_window_columns = FastDivisor(pool_of_cell(p.width - 1, pool.pad) - p.column + 1);
  return p;
}

/// A grid with one channel per y index and enough blocks in x for `count` threads per channel.
inline dim3 channel_grid(const char* op, std::int64_t count, std::int64_t channels) {
  return dim3(blocks_for(op, count, kThreads1D), static_cast<unsigned>(channels));
}
__device__ __forceinline__ int channel_thread() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

/// The stored window, and the first of the kLanes samples, that thread number `thread` of outputs() processes.
struct OutputPlace {
  int window, lane;
  int row, column;  ///< position of the window in y
};
template <int kLanes>
__device__ __forceinline__ OutputPlace output_place(const PoolMap& p, int thread) {
  const int window = p.by_groups.quotient(thread);
  const int row = p.by_out_width.quotient(window);
  return {window, p.by_groups.remainder(thread, window) * kLanes, row, p.by_out_width.remainder(window, row)};
}

// --- bias gradient --------------------------------------------------------------------------------------------------

inline constexpr int kBiasThreads = 512;

/// db[c] = sum over the channel's `cells` of gradient(cell). One block per channel; a thread takes every 512th group of
/// four cells, and the order of the sum over threads is fixed. The preceding kernel, which writes dz, has just read the
/// same data, so most loads hit L2. The extra pass needs neither scratch memory nor float atomics.
template <class Gradient>
__global__ void bias_gradient_kernel(std::int64_t cells, Gradient gradient, float* __restrict__ db) {
  const std::int64_t first = std::int64_t{blockIdx.x} * cells, end = first + cells;
  float sum = 0;
#pragma unroll 4
  for (std::int64_t at = first + 4 * std::int64_t{threadIdx.x}; at < end; at += 4 * kBiasThreads) {
    const Lanes<4> g = gradient.four(at, end);
    sum += (g.v[0] + g.v[1]) + (g.v[2] + g.v[3]);
  }
  const float total = block_sum<kBiasThreads>(sum, shared_memory<float>());
  if (threadIdx.x == 0) db[blockIdx.x] = total;
}

template <class Gradient>
void bias_gradient(const Context& context, const char* op, std::int64_t cells, const Gradient& gradient, Out db) {
  launch(context, op, bias_gradient_kernel<Gradient>, dim3(static_cast<unsigned>(db[0])), dim3(kBiasThreads),
         block_sum_bytes<kBiasThreads, float>(), cells, gradient, db.data);
}

}  // namespace shcnn::SHCNN_EXECUTOR
