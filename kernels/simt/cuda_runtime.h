// The subset of CUDA that the kernels in kernels/cuda/ use, for the host C++ compiler. With kernels/simt/ first on the
// include path, `#include <cuda_runtime.h>` finds this file, and a .cu file compiles as plain C++.
//
// A thread block runs on one host thread as a set of fibers (executor.h). threadIdx, blockIdx, blockDim and gridDim are
// thread-local variables that the executor sets before it resumes a fiber; a barrier switches to the next fiber.
// `__shared__` is deliberately not defined: kernels must use dynamic shared memory (primitives.h), which the executor
// can poison and surround with guard bands.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "kernels/simt/executor.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

struct __attribute__((may_alias, aligned(8))) float2 {
  float x, y;
};
struct __attribute__((may_alias, aligned(16))) float4 {  // may_alias: kernels access float arrays through it
  float x, y, z, w;
};
struct __attribute__((may_alias, aligned(4))) uchar4 {
  unsigned char x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }

#define threadIdx (::shcnn::simt::this_thread.index)
#define blockIdx (::shcnn::simt::this_thread.block)
#define blockDim (::shcnn::simt::this_thread.block_extent)
#define gridDim (::shcnn::simt::this_thread.grid_extent)

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  ::shcnn::simt::block_barrier(where);
}
inline void __syncwarp(unsigned = 0xffffffffu, std::source_location where = std::source_location::current()) {
  ::shcnn::simt::warp_exchange(nullptr, 0, where);
}

/// Returns the value of lane `source`; the mask must name all 32 lanes.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int = 32,
              std::source_location where = std::source_location::current()) {
  ::shcnn::simt::require_full_mask(mask, where);
  const ::shcnn::simt::WarpSlot* slots = ::shcnn::simt::warp_exchange(&value, sizeof value, where);
  T result;
  std::memcpy(&result, slots[source & 31].bytes, sizeof result);
  return result;
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int = 32,
                  std::source_location where = std::source_location::current()) {
  return __shfl_sync(mask, value, ::shcnn::simt::lane() ^ lane_mask, 32, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, int delta, int = 32,
                   std::source_location where = std::source_location::current()) {
  const int source = ::shcnn::simt::lane() + delta;
  return __shfl_sync(mask, value, source < 32 ? source : ::shcnn::simt::lane(), 32, where);
}

/// Integer atomics only: the order of float atomics varies, so their sums would not be reproducible.
inline int atomicAdd(int* address, int value) { return __atomic_fetch_add(address, value, __ATOMIC_RELAXED); }
inline unsigned atomicAdd(unsigned* address, unsigned value) {
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}
inline unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return __atomic_fetch_add(address, value, __ATOMIC_RELAXED);
}

template <class T>
T __ldg(const T* address) {
  return *address;
}
