// What kernels use of a GPU beyond plain C++, under one name for nvcc and for the simt executor: dynamic shared memory,
// vector loads, asynchronous copies to shared memory, explicit fused multiply-add, sums over a block.
// __syncthreads, __syncwarp, __shfl_xor_sync, __shfl_down_sync, integer atomicAdd and __ldg keep CUDA's own names.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/launch.h"

namespace shcnn::SHCNN_EXECUTOR {

/// The block's dynamic shared memory, `byte_offset` bytes in. Aligned to 16.
template <class T>
__device__ __forceinline__ T* shared_memory(std::size_t byte_offset = 0) {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) unsigned char shcnn_shared[];
  return reinterpret_cast<T*>(shcnn_shared + byte_offset);
#else
  return reinterpret_cast<T*>(this_thread.shared + byte_offset);
#endif
}

/// a * b + c in one rounding on the GPU. On simt it is fused only where the build's target has the instruction.
__device__ __forceinline__ float fmadd(float a, float b, float c) {
#if defined(__CUDACC__) || defined(__FMA__)
  return fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

#if defined(__CUDACC__)

/// Four floats from an address that is aligned to 16 bytes.
__device__ __forceinline__ float4 load4(const float* address) { return *reinterpret_cast<const float4*>(address); }
__device__ __forceinline__ void store4(float* address, float4 value) { *reinterpret_cast<float4*>(address) = value; }

/// Starts a copy of Bytes (4, 8 or 16) to shared memory; bytes from `valid` on are zeros and are not read. Both
/// addresses are aligned to Bytes. The data may be read after async_wait and a barrier. Before sm_80 it is a plain
/// copy.
template <int Bytes>
__device__ __forceinline__ void async_copy(void* shared, const void* global, int valid = Bytes) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  // .ca keeps the line in L1: a tap's neighbour, or the block beside this one, reads most of it again
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(global), "n"(Bytes), "r"(valid)
               : "memory");
#else
  const unsigned* from = static_cast<const unsigned*>(global);
  unsigned* to = static_cast<unsigned*>(shared);
#pragma unroll
  for (int word = 0; word < Bytes / 4; ++word) to[word] = 4 * word < valid ? from[word] : 0u;
#endif
}

/// Ends a group of copies.
__device__ __forceinline__ void async_commit() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most GroupsLeft of this thread's newest groups are under way.
template <int GroupsLeft>
__device__ __forceinline__ void async_wait() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(GroupsLeft) : "memory");
#endif
}

#else  // simt

inline float4 load4(const float* address, std::source_location where = std::source_location::current()) {
  require_aligned(address, alignof(float4), where);
  return *reinterpret_cast<const float4*>(address);
}
inline void store4(float* address, float4 value, std::source_location where = std::source_location::current()) {
  require_aligned(address, alignof(float4), where);
  *reinterpret_cast<float4*>(address) = value;
}
template <int Bytes>
void async_copy(void* shared, const void* global, int valid = Bytes,
                std::source_location where = std::source_location::current()) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
  async_copy(shared, global, std::size_t{Bytes}, static_cast<std::size_t>(valid), where);
}
template <int GroupsLeft>
void async_wait() {
  async_wait(GroupsLeft);
}

#endif

}  // namespace shcnn::SHCNN_EXECUTOR
