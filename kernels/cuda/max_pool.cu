// Bias, LeakyReLU, zero border and 2x2 max-pool at stride 2 in one pass, and the backward pass.
//
//   a = leaky(z + b), zero in the border of `pad` cells;  y = max over the window, the first maximum in scan order.
//
// z (C,H,W,N), b (C), y and winner (C,Hy,Wy,N). A thread processes one window of one channel for four adjacent samples
// (one if N is not a multiple of four): its four 16-byte loads are independent, and a warp reads and writes contiguous
// runs of samples. Both passes are limited by memory bandwidth. Forward: reads 4 bytes per cell of z, writes 5 per cell
// of y. Backward: reads 9 bytes per cell of y, writes 4 per cell of dz, zeros included; the bias gradient (pool.cuh)
// reads 9 bytes per cell of y again, mostly from L2.
#include "kernels/cuda/pool.cuh"
#include "kernels/math/leaky_relu.h"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

constexpr int kCells = 4;  // cells of a window

template <int kLanes>
__global__ void max_pool_forward_kernel(PoolMap p, float slope, const float* __restrict__ z,
                                        const float* __restrict__ b, float* __restrict__ y,
                                        std::uint8_t* __restrict__ winner) {
  const int thread = channel_thread();
  if (thread >= p.out_height * p.out_width * p.groups) return;
  const auto [window, lane, r, s] = output_place<kLanes>(p, thread);
  const std::int64_t channel = blockIdx.y;
  const float bias = b[channel];
  const float* const map = z + channel * p.z_channel + lane;
  Lanes<kLanes> best{};
  LaneBytes<kLanes> who{};
#pragma unroll
  for (int cell = 0; cell < kCells; ++cell) {
    const int row = pool_cell(p.first + r, cell / 2, p.pad), column = pool_cell(p.first + s, cell % 2, p.pad);
    if (row >= p.height + p.pad || column >= p.width + p.pad) continue;  // does not exist; the first cell always does
    const bool is_ring = row < 0 || row >= p.height || column < 0 || column >= p.width;
    Lanes<kLanes> value{};
    if (!is_ring) value = load_lanes<kLanes>(map + (row * p.width + column) * p.samples);
#pragma unroll
    for (int i = 0; i < kLanes; ++i) {
      const float a = is_ring ? 0.0f : leaky_relu(value.v[i] + bias, slope);
      if (cell == 0 || a > best.v[i]) {
        best.v[i] = a;
        who.v[i] = is_ring ? kWinnerIsPad : static_cast<std::uint8_t>(cell);
      }
    }
  }
  const std::int64_t to = channel * p.y_channel + window * p.samples + lane;
  store_lanes(y + to, best);
  store_bytes(winner + to, who);
}

/// Computes dz: a thread processes one window, whether stored in y or not, and writes all its cells inside the map.
template <int kLanes>
__global__ void max_pool_backward_kernel(PoolMap p, float slope, const float* __restrict__ y,
                                         const std::uint8_t* __restrict__ winner, const float* __restrict__ dy,
                                         float* __restrict__ dz) {
  const int thread = channel_thread();
  const int window = p.by_groups.quotient(thread);
  const int lane = p.by_groups.remainder(thread, window) * kLanes;
  const int window_row = p.by_window_columns.quotient(window);
  if (window_row >= p.window_rows) return;
  const int pooled_row = p.row + window_row;
  const int pooled_column = p.column + p.by_window_columns.remainder(window, window_row);
  const int r = pooled_row - p.first, s = pooled_column - p.first;
  const std::int64_t channel = blockIdx.y;
  Lanes<kLanes> gradient{};
  LaneBytes<kLanes> who{};
  if (r >= 0 && r < p.out_height && s >= 0 && s < p.out_width) {
    const std::int64_t from = channel * p.y_channel + (r * p.out_width + s) * p.samples + lane;
    const Lanes<kLanes> up = load_lanes<kLanes>(dy + from), out = load_lanes<kLanes>(y + from);
    who = load_bytes<kLanes>(winner + from);
#pragma unroll
    for (int i = 0; i < kLanes; ++i) gradient.v[i] = up.v[i] * leaky_relu_grad(out.v[i], slope);
  }
  float* const map = dz + channel * p.z_channel + lane;
#pragma unroll
  for (int cell = 0; cell < kCells; ++cell) {
    const int row = pool_cell(pooled_row, cell / 2, p.pad), column = pool_cell(pooled_column, cell % 2, p.pad);
    if (row < 0 || row >= p.height || column < 0 || column >= p.width) continue;
    Lanes<kLanes> share{};
#pragma unroll
    for (int i = 0; i < kLanes; ++i) share.v[i] = who.v[i] == cell ? gradient.v[i] : 0.0f;
    store_lanes(map + (row * p.width + column) * p.samples, share);
  }
}

/// Contribution of a cell of y to the bias gradient; zero if its maximum is in the border.
template <bool kAligned>
struct WinnerGradient {
  const float *y, *dy;
  const std::uint8_t* winner;
  float slope;
  __device__ Lanes<4> four(std::int64_t at, std::int64_t end) const {
    Lanes<4> g = load_four<kAligned>(dy, at, end);
    const Lanes<4> out = load_four<kAligned>(y, at, end);
    LaneBytes<4> who{};
    if constexpr (kAligned) {
      who = load_bytes<4>(winner + at);
    } else {
      for (int i = 0; i < 4 && at + i < end; ++i) who.v[i] = winner[at + i];
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) g.v[i] = who.v[i] == kWinnerIsPad ? 0.0f : g.v[i] * leaky_relu_grad(out.v[i], slope);
    return g;
  }
};

/// Throws Error(kInternal) unless the shapes match and every stored window begins inside the padded map.
void require_max_pool(const char* op, MaxPool pool, const Shape& z, const View<const float>& b,
                      const View<const float>& y, const View<const std::uint8_t>& winner) {
  require_shape(op, "y", y, Shape(z[0], y[1], y[2], z[3]));
  require_shape(op, "winner", winner, y.shape);
  require_shape(op, "b or db", b, Shape(z[0]));
  if (pool.pad < 0 || pool.first < 0 || 2 * (pool.first + y[1] - 1) >= z[1] + 2 * pool.pad ||
      2 * (pool.first + y[2] - 1) >= z[2] + 2 * pool.pad) {
    throw Error(ErrorKind::kInternal, op, "y has more cells than the padded map has windows");
  }
}

bool moves_four(std::int64_t samples, std::initializer_list<const void*> floats, const std::uint8_t* winner) {
  return samples % 4 == 0 && aligned_to(16, floats) && aligned_to(4, {winner});
}

}  // namespace

void max_pool_forward(const Context& context, MaxPool pool, float slope, In z, In b, Out y, View<std::uint8_t> winner) {
  constexpr const char* kOp = "max_pool_forward";
  require_max_pool(kOp, pool, z.shape, b, y, winner);
  const bool four = moves_four(z[3], {z.data, y.data}, winner.data);
  const PoolMap p = make_pool_map(kOp, pool, z.shape, y.shape, four ? 4 : 1);
  launch(context, kOp, four ? max_pool_forward_kernel<4> : max_pool_forward_kernel<1>,
         channel_grid(kOp, p.outputs(), z[0]), dim3(kThreads1D), 0, p, slope, z.data, b.data, y.data, winner.data);
}

void max_pool_backward(const Context& context, MaxPool pool, float slope, In y, View<const std::uint8_t> winner, In dy,
                       Out dz, Out db) {
  constexpr const char* kOp = "max_pool_backward";
  require_max_pool(kOp, pool, dz.shape, db, y, winner);
  require_shape(kOp, "dy", dy, y.shape);
  const bool four = moves_four(dz[3], {y.data, dy.data, dz.data}, winner.data);
  const PoolMap p = make_pool_map(kOp, pool, dz.shape, y.shape, four ? 4 : 1);
  launch(context, kOp, four ? max_pool_backward_kernel<4> : max_pool_backward_kernel<1>,
         channel_grid(kOp, p.windows(), dz[0]), dim3(kThreads1D), 0, p, slope, y.data, winner.data, dy.data, dz.data);
  if (four) {
    bias_gradient(context, kOp, p.y_channel, WinnerGradient<true>{y.data, dy.data, winner.data, slope}, db);
  } else {
    bias_gradient(context, kOp, p.y_channel, WinnerGradient<false>{y.data, dy.data, winner.data, slope}, db);
  }
}

}  // namespace shcnn::SHCNN_EXECUTOR
