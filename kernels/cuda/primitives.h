// The GPU features that kernels use beyond plain C++, with the same names for nvcc and for the simt executor: dynamic
// shared memory, vector loads, asynchronous copies to shared memory, explicit fused multiply-add, tensor-core products.
// __syncthreads, __syncwarp, __shfl_xor_sync, __shfl_down_sync, integer atomicAdd and __ldg keep their CUDA names.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/launch.h"

namespace shcnn::SHCNN_EXECUTOR {

/// The block's dynamic shared memory from `byte_offset` on. Its base is aligned to 16 bytes.
template <class T>
__device__ __forceinline__ T* shared_memory(std::size_t byte_offset = 0) {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) unsigned char shcnn_shared[];
  return reinterpret_cast<T*>(shcnn_shared + byte_offset);
#else
  return reinterpret_cast<T*>(this_thread.shared + byte_offset);
#endif
}

/// a * b + c with one rounding on the GPU. On simt it is fused only if the build's target has the instruction.
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

__device__ __forceinline__ void store2(float* address, float2 value) { *reinterpret_cast<float2*>(address) = value; }

/// x as tf32 (10 bits of mantissa), rounded to nearest, ties away from zero: the operand of a tensor-core product
/// (sm_80 and up).
__device__ __forceinline__ unsigned to_tf32(float x) {
  unsigned bits = 0;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
#else
  static_cast<void>(x);
#endif
  return bits;
}

/// d += a * b, a 16 x 8 x 8 product computed by all lanes of a warp. With g = lane / 4, t = lane % 4, a lane holds
///   a (16 x 8): (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)      b (8 x 8): (t, g), (t + 4, g)
///   d (16 x 8): (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
__device__ __forceinline__ void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  static_cast<void>(a);
  static_cast<void>(b);
  d[0] = nanf("");  // unreachable: cuda_backend rejects tf32 on a GPU that lacks it
#endif
}

/// Starts a copy of Bytes (4, 8 or 16) to shared memory; bytes from `valid` on are not read but set to zero. Both
/// addresses must be aligned to Bytes. The data may be read after async_wait and a barrier. Before sm_80 it is a plain
/// copy.
template <int Bytes>
__device__ __forceinline__ void async_copy(void* shared, const void* global, int valid = Bytes) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  // .ca caches the line in L1: the adjacent tap, or the adjacent block, reads most of it again
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(global), "n"(Bytes), "r"(valid)
               : "memory");
#else
  const unsigned* from = static_cast<const unsigned*>(global);
  unsigned* to = static_cast<unsigned*>(shared);
#pragma unroll
  for (int word = 0; word < Bytes / 4; ++word) to[word] = 4 * word < valid ? from[word] : 0u;
#endif
}

/// Closes the current group of asynchronous copies.
__device__ __forceinline__ void async_commit() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most the GroupsLeft newest groups of this thread are still in flight.
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
inline void store2(float* address, float2 value, std::source_location where = std::source_location::current()) {
  require_aligned(address, alignof(float2), where);
  *reinterpret_cast<float2*>(address) = value;
}

inline unsigned to_tf32(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
  return finite ? (bits + 0x1000u) & ~0x1fffu : bits;  // adds half of the last kept bit, then truncates
}

inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                     std::source_location where = std::source_location::current()) {
  struct Share {
    float a[4], b[2];
  } mine;
  std::memcpy(mine.a, a, sizeof mine.a);
  std::memcpy(mine.b, b, sizeof mine.b);
  const WarpSlot* slots = warp_exchange(&mine, sizeof mine, where);
  const auto share = [&](int lane) { return reinterpret_cast<const Share*>(slots[lane].bytes); };
  const int g = lane() / 4, t = lane() % 4;
  for (int e = 0; e < 4; ++e) {
    const int upper = e / 2, col = 2 * t + e % 2;
    double sum = d[e];  // products of two tf32 values are exact in double
    for (int k = 0; k < 8; ++k) {
      sum += double{share(4 * g + k % 4)->a[k / 4 * 2 + upper]} * double{share(4 * col + k % 4)->b[k / 4]};
    }
    d[e] = static_cast<float>(sum);
  }
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
