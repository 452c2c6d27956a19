// Sums over a block of threads, in an order that the block size alone fixes: five shuffle steps reduce each warp, then
// one thread adds the warps' sums in order. Equal inputs give equal bits on every run and GPU.
#pragma once

#include "kernels/cuda/primitives.h"

namespace shcnn::SHCNN_EXECUTOR {

inline constexpr int kWarpThreads = 32;

/// The warp's sum, valid in lane 0. All 32 lanes must call it.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
#pragma unroll
  for (int delta = kWarpThreads / 2; delta > 0; delta /= 2) value += __shfl_down_sync(0xffffffffu, value, delta);
  return value;
}

/// The block's sum, valid in thread 0. All kThreads threads must call it. `shared` holds kThreads / 32 values; no
/// thread may still access it at the call, and it may be reused only after a barrier.
template <int kThreads, class T>
__device__ __forceinline__ T block_sum(T value, T* shared) {
  static_assert(kThreads % kWarpThreads == 0, "whole warps only");
  value = warp_sum(value);
  const int thread = static_cast<int>(threadIdx.x);
  if (thread % kWarpThreads == 0) shared[thread / kWarpThreads] = value;
  __syncthreads();
  T sum{};
  if (thread == 0) {
    for (int warp = 0; warp < kThreads / kWarpThreads; ++warp) sum += shared[warp];
  }
  return sum;
}

/// Bytes of shared memory that one block_sum of T needs.
template <int kThreads, class T>
constexpr std::size_t block_sum_bytes() {
  return kThreads / kWarpThreads * sizeof(T);
}

}  // namespace shcnn::SHCNN_EXECUTOR
