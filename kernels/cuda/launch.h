// All kernels are launched with launch(). The sources in this folder are compiled twice: by nvcc, where launch() queues
// the kernel on the context's stream, and by the host C++ compiler with kernels/simt/ first on the include path, where
// launch() runs it on the host (kernels/simt/executor.h). Both check the same limits and name the op in every error.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/device.h"

// SHCNN_EXECUTOR is the namespace that these sources are compiled into: shcnn::cuda or shcnn::simt.
#if defined(__CUDACC__)
#define SHCNN_EXECUTOR cuda
#include "kernels/cuda/check.h"
#else
#define SHCNN_EXECUTOR simt
#include "kernels/simt/executor.h"
#endif

namespace shcnn::SHCNN_EXECUTOR {

/// Limits that hold on every architecture this project is built for (compute capability 7.5 and up).
inline constexpr unsigned kMaxBlockThreads = 1024;
inline constexpr unsigned kMaxGridYZ = 65535;
inline constexpr unsigned kMaxGridX = 2147483647;
inline constexpr std::size_t kMaxSharedBytes = 64 * 1024;
/// A kernel that needs more than this must set an attribute first; launch() does so.
inline constexpr std::size_t kDefaultSharedBytes = 48 * 1024;

/// ceil(count / each) as a grid extent; throws Error(kInternal) if it exceeds kMaxGridX.
inline unsigned blocks_for(const char* op, std::int64_t count, std::int64_t each) {
  const std::int64_t blocks = (count + each - 1) / each;
  if (blocks < 0 || blocks > std::int64_t{kMaxGridX}) {
    throw Error(ErrorKind::kInternal, op, message("needs ", blocks, " blocks; one launch holds ", kMaxGridX));
  }
  return static_cast<unsigned>(blocks);
}

/// Throws Error(kInternal) if the launch exceeds the limits above. Returns false if the grid is empty.
inline bool check_launch(const char* op, dim3 grid, dim3 block, std::size_t shared_bytes) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return false;
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > kMaxBlockThreads || block.z > 64 || grid.x > kMaxGridX || grid.y > kMaxGridYZ ||
      grid.z > kMaxGridYZ || shared_bytes > kMaxSharedBytes) {
    throw Error(ErrorKind::kInternal, op,
                message("launch of grid (", grid.x, ", ", grid.y, ", ", grid.z, "), block (", block.x, ", ", block.y,
                        ", ", block.z, "), ", shared_bytes, " bytes of shared memory is beyond what a GPU accepts"));
  }
  return true;
}

/// Launches kernel(args...) over `grid` blocks of `block` threads with `shared_bytes` of dynamic shared memory.
/// Does nothing if the grid is empty. `op` names the op in errors.
template <class... Params>
void launch(const Context& context, const char* op, void (*kernel)(Params...), dim3 grid, dim3 block,
            std::size_t shared_bytes, std::type_identity_t<Params>... args) {
  if (!check_launch(op, grid, block, shared_bytes)) return;
#if defined(__CUDACC__)
  const void* function = reinterpret_cast<const void*>(kernel);
  if (shared_bytes > kDefaultSharedBytes) {
    check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
          op);
  }
  void* pointers[sizeof...(Params) + 1] = {const_cast<std::remove_cv_t<Params>*>(&args)..., nullptr};
  check(cudaLaunchKernel(function, grid, block, pointers, shared_bytes, static_cast<cudaStream_t>(context.stream)), op);
#else
  const auto body = [&] { kernel(args...); };
  using Body = decltype(body);
  static_cast<Executor*>(context.stream)
      ->run({op, grid, block, shared_bytes, [](const void* b) { (*static_cast<Body*>(b))(); }, &body});
#endif
}

/// launch() for kernels in which each thread computes one of `count` independent items and checks `index < count`
/// itself.
inline constexpr unsigned kThreads1D = 256;
template <class... Params>
void launch_1d(const Context& context, const char* op, void (*kernel)(Params...), std::int64_t count,
               std::type_identity_t<Params>... args) {
  launch(context, op, kernel, dim3(blocks_for(op, count, kThreads1D)), dim3(kThreads1D), 0, args...);
}

}  // namespace shcnn::SHCNN_EXECUTOR
