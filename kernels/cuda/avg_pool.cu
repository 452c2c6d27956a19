// Bias, 2x2 average-pool at stride 2, LeakyReLU (the micro variant's order) in one pass, and the backward pass.
//
//   y = leaky(mean over the window's cells of z + b)
//
// If an extent is odd, the last window is partial, and its mean is over the cells inside the map.
//
// z (C,H,W,N), b (C), y (C,ceil(H/2),ceil(W/2),N). As in max_pool.cu, a thread processes one window of one channel for
// four adjacent samples, or for one. Limited by memory bandwidth: 4 bytes per cell of z, 4 (backward: 8) per cell of y,
// and 8 more per cell of y for the bias gradient (pool.cuh), mostly from L2.
#include "kernels/cuda/pool.cuh"
#include "kernels/math/leaky_relu.h"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

constexpr int kCells = 4;  // cells of a whole window

/// 1 / (number of cells of a window). The number is 1, 2 or 4, so multiplying by the factor is exact.
__device__ __forceinline__ float mean_factor(const PoolMap& p, int r, int s) {
  return (2 * r + 1 < p.height ? 0.5f : 1.0f) * (2 * s + 1 < p.width ? 0.5f : 1.0f);
}

template <int kLanes>
__global__ void avg_pool_forward_kernel(PoolMap p, float slope, const float* __restrict__ z,
                                        const float* __restrict__ b, float* __restrict__ y) {
  const int thread = channel_thread();
  if (thread >= p.out_height * p.out_width * p.groups) return;
  const auto [window, lane, r, s] = output_place<kLanes>(p, thread);
  const std::int64_t channel = blockIdx.y;
  const float* const map = z + channel * p.z_channel + lane;
  Lanes<kLanes> sum{};
#pragma unroll
  for (int cell = 0; cell < kCells; ++cell) {
    const int row = pool_cell(r, cell / 2, 0), column = pool_cell(s, cell % 2, 0);
    if (row >= p.height || column >= p.width) continue;
    const Lanes<kLanes> value = load_lanes<kLanes>(map + (row * p.width + column) * p.samples);
#pragma unroll
    for (int i = 0; i < kLanes; ++i) sum.v[i] += value.v[i];
  }
  const float factor = mean_factor(p, r, s), bias = b[channel];
#pragma unroll
  for (int i = 0; i < kLanes; ++i) sum.v[i] = leaky_relu(sum.v[i] * factor + bias, slope);
  store_lanes(y + channel * p.y_channel + window * p.samples + lane, sum);
}

template <int kLanes>
__global__ void avg_pool_backward_kernel(PoolMap p, float slope, const float* __restrict__ y,
                                         const float* __restrict__ dy, float* __restrict__ dz) {
  const int thread = channel_thread();
  if (thread >= p.out_height * p.out_width * p.groups) return;
  const auto [window, lane, r, s] = output_place<kLanes>(p, thread);
  const std::int64_t channel = blockIdx.y;
  const std::int64_t from = channel * p.y_channel + window * p.samples + lane;
  Lanes<kLanes> share = load_lanes<kLanes>(dy + from);
  const Lanes<kLanes> out = load_lanes<kLanes>(y + from);
  const float factor = mean_factor(p, r, s);
#pragma unroll
  for (int i = 0; i < kLanes; ++i) share.v[i] = share.v[i] * leaky_relu_grad(out.v[i], slope) * factor;
  float* const map = dz + channel * p.z_channel + lane;
#pragma unroll
  for (int cell = 0; cell < kCells; ++cell) {
    const int row = pool_cell(r, cell / 2, 0), column = pool_cell(s, cell % 2, 0);
    if (row < p.height && column < p.width) store_lanes(map + (row * p.width + column) * p.samples, share);
  }
}

/// Contribution of a cell of y to the bias gradient: the sum of what its window's cells receive.
template <bool kAligned>
struct WindowGradient {
  const float *y, *dy;
  float slope;
  __device__ Lanes<4> four(std::int64_t at, std::int64_t end) const {
    Lanes<4> g = load_four<kAligned>(dy, at, end);
    const Lanes<4> out = load_four<kAligned>(y, at, end);
#pragma unroll
    for (int i = 0; i < 4; ++i) g.v[i] *= leaky_relu_grad(out.v[i], slope);
    return g;
  }
};

void require_avg_pool(const char* op, const Shape& z, const View<const float>& b, const View<const float>& y) {
  require_shape(op, "y", y, Shape(z[0], (z[1] + 1) / 2, (z[2] + 1) / 2, z[3]));
  require_shape(op, "b or db", b, Shape(z[0]));
}

}  // namespace

void avg_pool_forward(const Context& context, float slope, In z, In b, Out y) {
  constexpr const char* kOp = "avg_pool_forward";
  require_avg_pool(kOp, z.shape, b, y);
  const bool four = z[3] % 4 == 0 && aligned_to(16, {z.data, y.data});
  const PoolMap p = make_pool_map(kOp, MaxPool{}, z.shape, y.shape, four ? 4 : 1);
  launch(context, kOp, four ? avg_pool_forward_kernel<4> : avg_pool_forward_kernel<1>,
         channel_grid(kOp, p.outputs(), z[0]), dim3(kThreads1D), 0, p, slope, z.data, b.data, y.data);
}

void avg_pool_backward(const Context& context, float slope, In y, In dy, Out dz, Out db) {
  constexpr const char* kOp = "avg_pool_backward";
  require_avg_pool(kOp, dz.shape, db, y);
  require_shape(kOp, "dy", dy, y.shape);
  const bool four = dz[3] % 4 == 0 && aligned_to(16, {y.data, dy.data, dz.data});
  const PoolMap p = make_pool_map(kOp, MaxPool{}, dz.shape, y.shape, four ? 4 : 1);
  launch(context, kOp, four ? avg_pool_backward_kernel<4> : avg_pool_backward_kernel<1>,
         channel_grid(kOp, p.outputs(), dz[0]), dim3(kThreads1D), 0, p, slope, y.data, dy.data, dz.data);
  if (four) {
    bias_gradient(context, kOp, p.y_channel, WindowGradient<true>{y.data, dy.data, slope}, db);
  } else {
    bias_gradient(context, kOp, p.y_channel, WindowGradient<false>{y.data, dy.data, slope}, db);
  }
}

}  // namespace shcnn::SHCNN_EXECUTOR
