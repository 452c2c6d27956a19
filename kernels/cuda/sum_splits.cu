// Adds the partial sums of a split-k product (sum_splits.cuh). A block computes kCols adjacent elements. kGroups
// threads share the splits of one element, so that a gradient of a few thousand elements still has thousands of loads
// in flight; their sums are added in order. Limited by memory bandwidth: 4 * (splits + 1) bytes per element.
#include "kernels/cuda/primitives.h"
#include "kernels/cuda/sum_splits.cuh"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

constexpr int kCols = 32;
constexpr int kGroups = 8;

__global__ void sum_splits_kernel(int splits, std::int64_t count, const float* __restrict__ sums,
                                  const float* __restrict__ b, std::int64_t per_bias, float* __restrict__ y) {
  const int col = static_cast<int>(threadIdx.x) % kCols;
  const int group = static_cast<int>(threadIdx.x) / kCols;
  const std::int64_t at = std::int64_t{blockIdx.x} * kCols + col;
  float sum = 0;
  if (at < count) {
#pragma unroll 4
    for (int s = group; s < splits; s += kGroups) sum += sums[s * count + at];
  }
  float* const groups = shared_memory<float>();
  groups[group * kCols + col] = sum;
  __syncthreads();
  if (group > 0 || at >= count) return;
#pragma unroll
  for (int g = 1; g < kGroups; ++g) sum += groups[g * kCols + col];
  y[at] = b ? sum + b[at / per_bias] : sum;
}

}  // namespace

void sum_splits(const Context& context, const char* op, std::int64_t splits, std::int64_t count, const float* sums,
                const float* b, std::int64_t per_bias, float* y) {
  launch(context, op, sum_splits_kernel, dim3(blocks_for(op, count, kCols)), dim3(kCols * kGroups),
         sizeof(float) * kCols * kGroups, static_cast<int>(splits), count, sums, b, per_bias, y);
}

}  // namespace shcnn::SHCNN_EXECUTOR
