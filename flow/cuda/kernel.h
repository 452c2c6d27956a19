// Included by every kernel in this folder: launch() and the primitives of kernels/cuda under their own names, and the
// launch of one thread per pixel.
#pragma once

#include "flow/cuda/stages.h"
#include "kernels/cuda/primitives.h"

namespace shcnn::flow::SHCNN_EXECUTOR {

using namespace ::shcnn::SHCNN_EXECUTOR;

constexpr int kBlockW = 32;  ///< pixels: a row of a block is a warp, and 128 bytes of a plane
constexpr int kBlockH = 8;   ///< pixels

/// Blocks of kBlockW x kBlockH pixels over `layers` planes of width x height. In a kernel, pixel() returns the thread's
/// pixel.
inline dim3 pixel_grid(const char* op, int width, int height, int layers) {
  return dim3(blocks_for(op, width, kBlockW), blocks_for(op, height, kBlockH), static_cast<unsigned>(layers));
}
inline dim3 pixel_block() { return dim3(kBlockW, kBlockH); }

struct Pixel {
  int x, y, layer;
};
__device__ __forceinline__ Pixel pixel() {
  return {static_cast<int>(blockIdx.x) * kBlockW + static_cast<int>(threadIdx.x),
          static_cast<int>(blockIdx.y) * kBlockH + static_cast<int>(threadIdx.y), static_cast<int>(blockIdx.z)};
}

__device__ __forceinline__ int clamp(int value, int low, int high) {
  return value < low ? low : value > high ? high : value;
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
