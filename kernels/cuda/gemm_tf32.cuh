// The counterpart of BlockProduct on tensor cores: the same tile of rows x cols, the same loaders and the same two
// shared-memory stages, but multiplied by mma.sync in tf32 (10 bits of mantissa) and summed in fp32. Optional
// (Context::allow_tf32); needs sm_80 or later.
//
// A warp computes RowTiles x ColTiles products of 16 x 8, eight values of k at a time: 4 RowTiles + 2 ColTiles loads of
// 4 bytes per lane from shared memory for RowTiles * ColTiles mma. Operands are rounded to nearest when they are loaded
// from shared memory; otherwise the hardware would truncate them, which doubles the error and biases it towards zero.
//
// Bank conflicts: lane (g, t) = (lane / 4, lane % 4) reads row g of column t (see mma_tf32).
//   depth-major stages [k][row]: bank t * stride + g; the stride is padded to 8 or 24 modulo 32: 32 different banks
//   row-major stages [row][k]: bank g * stride + t; the stride is an odd number of 16-byte words: 32 different banks
#pragma once

#include "kernels/cuda/gemm.cuh"

namespace shcnn::SHCNN_EXECUTOR {

/// Extents of a block's tile. A block has GridRows x GridCols x Slices warps.
template <int RowTiles, int ColTiles, int GridRows, int GridCols, int Slices, int Depth>
struct TensorTile {
  static constexpr int kRowTiles = RowTiles, kColTiles = ColTiles;
  static constexpr int kGridRows = GridRows, kGridCols = GridCols;
  static constexpr int kSlices = Slices, kDepth = Depth;
  static constexpr int kRows = 16 * RowTiles * GridRows;
  static constexpr int kCols = 8 * ColTiles * GridCols;
  static constexpr int kSliceThreads = 32 * GridRows * GridCols;
  static constexpr int kThreads = kSliceThreads * Slices;
  static_assert(kThreads <= 1024);
  static_assert((Slices & (Slices - 1)) == 0, "the slices' sums are added in a binary tree");
};

template <class TileType, Layout kLeft, Layout kRight>
class TensorProduct {
  /// Padding that makes the stride 8 or 24 modulo 32; `extent` is a multiple of 8.
  static constexpr int padding(int extent) { return extent % 16 == 8 ? 0 : 8; }

 public:
  using T = TileType;
  static constexpr bool kTensorCores = true;
  static constexpr int kThreadRows = 2 * T::kRowTiles, kThreadCols = 2 * T::kColTiles;
  static constexpr int kRun = 2;
  using LeftStage = Stage<kLeft, T::kRows, T::kDepth, padding(T::kRows)>;
  using RightStage = Stage<kRight, T::kCols, T::kDepth, padding(T::kCols)>;
  static constexpr int kStageFloats = LeftStage::kFloats + RightStage::kFloats;
  static constexpr int kAccFloats = 4 * T::kRowTiles * T::kColTiles;
  static constexpr int kHandoverFloats = T::kSlices / 2 * T::kSliceThreads * kAccFloats;
  static constexpr int kSharedBytes = 4 * (2 * kStageFloats > kHandoverFloats ? 2 * kStageFloats : kHandoverFloats);
  static_assert(kSharedBytes <= 64 * 1024, "the least that every supported GPU has");

  __device__ explicit TensorProduct(int thread) {
    slice_ = thread / T::kSliceThreads;
    const int warp = thread % T::kSliceThreads / 32;
    first_row_ = warp / T::kGridCols * 16 * T::kRowTiles;
    first_col_ = warp % T::kGridCols * 8 * T::kColTiles;
    g_ = thread % 32 / 4;
    t_ = thread % 4;
  }

  __device__ bool holds_result() const { return slice_ == 0; }
  /// Row and column of value(i, j) in the tile.
  __device__ int row(int i) const { return first_row_ + i / 2 * 16 + i % 2 * 8 + g_; }
  __device__ int col(int j) const { return first_col_ + j / 2 * 8 + 2 * t_ + j % 2; }
  __device__ float value(int i, int j) const { return acc_[i / 2][j / 2][i % 2 * 2 + j % 2]; }

  /// Adds the product over k in [begin, end); loaders as for run_stages.
  template <class LoadLeft, class LoadRight>
  __device__ void run(float* shared, int begin, int end, LoadLeft& load_left, LoadRight& load_right) {
    run_stages<T, LeftStage::kFloats, kStageFloats>(
        shared, begin, end, load_left, load_right,
        [this](const float* left, const float* right, int depth) { multiply(left, right, depth); });
    add_slices<T, kAccFloats>(
        shared, [this](int i) -> float& { return acc_[i / (4 * T::kColTiles)][i / 4 % T::kColTiles][i % 4]; });
  }

 private:
  /// Multiplies a chunk of min(depth, kDepth) values of k, eight at a time; later values in the stages count as zero.
  __device__ void multiply(const float* left, const float* right, int depth) {
    const int end = std::min(depth, int{T::kDepth});
#pragma unroll 1
    for (int k = 8 * slice_; k < end; k += 8 * T::kSlices) {
      if (k + 8 <= end) {
        multiply_step<false>(left, right, k, end);
      } else {
        multiply_step<true>(left, right, k, end);
      }
    }
  }

  template <bool kTail>
  __device__ __forceinline__ void multiply_step(const float* left, const float* right, int k, int end) {
    unsigned a[T::kRowTiles][4], b[T::kColTiles][2];
#pragma unroll
    for (int i = 0; i < T::kRowTiles; ++i) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        a[i][e] = at<kTail, kLeft, LeftStage::kStride>(left, row(2 * i + e % 2), k + t_ + e / 2 * 4, end);
      }
    }
#pragma unroll
    for (int j = 0; j < T::kColTiles; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        b[j][e] = at<kTail, kRight, RightStage::kStride>(right, first_col_ + 8 * j + g_, k + t_ + e * 4, end);
      }
    }
#pragma unroll
    for (int i = 0; i < T::kRowTiles; ++i) {
#pragma unroll
      for (int j = 0; j < T::kColTiles; ++j) mma_tf32(acc_[i][j], a[i], b[j]);
    }
  }

  /// The value at (row, k) of a stage, rounded to tf32; 0 for k >= end.
  template <bool kTail, Layout kLayout, int kStride>
  __device__ static __forceinline__ unsigned at(const float* stage, int row, int k, int end) {
    if (kTail && k >= end) return 0;
    return to_tf32(stage[kLayout == Layout::kDepthMajor ? k * kStride + row : row * kStride + k]);
  }

  float acc_[T::kRowTiles][T::kColTiles][4] = {};
  int slice_, first_row_, first_col_, g_, t_;
};

}  // namespace shcnn::SHCNN_EXECUTOR
