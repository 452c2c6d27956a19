// The block-level matrix product used by the convolutions (conv2d.cu, conv2d_filter.cu) and the dense layers
// (dense.cu). One thread block computes one tile of rows x cols:
//
//   acc[row][col] = sum over k of left[row][k] * right[k][col]
//
// Two loaders define the operands. They copy chunks of kDepth values of k to shared memory with asynchronous copies
// while the previous chunk is multiplied (two shared-memory stages, one barrier per chunk). Each thread keeps a
// register tile of ThreadRows x ThreadCols sums. `Slices` groups of threads share a tile and each process a part of k,
// so that a multiprocessor has enough warps even if there are few tiles; their sums are added in a fixed order at the
// end.
//
// An operand has one of two layouts in shared memory (Layout), chosen so that the copies read contiguous memory:
//   kDepthMajor  [k][row]: a thread reads its rows of one k with 16-byte loads
//   kRowMajor    [row][k]: a thread reads four k of one row with a 16-byte load; the stride makes 8 rows conflict-free
//
// The order of a sum depends only on the tile type and K, never on the grid, so results are reproducible bit for bit.
//
// BlockProduct multiplies in fp32. TensorProduct (gemm_tf32.cuh) uses tensor cores with the same loaders and stages.
#pragma once

#include <algorithm>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/primitives.h"

namespace shcnn::SHCNN_EXECUTOR {

enum class Layout { kDepthMajor, kRowMajor };

/// Extents of a block's tile. A block has GridRows x GridCols x Slices threads.
template <int ThreadRows, int ThreadCols, int GridRows, int GridCols, int Slices, int Depth>
struct Tile {
  static constexpr int kThreadRows = ThreadRows, kThreadCols = ThreadCols;
  static constexpr int kGridRows = GridRows, kGridCols = GridCols;
  static constexpr int kSlices = Slices, kDepth = Depth;
  static constexpr int kRows = ThreadRows * GridRows;
  static constexpr int kCols = ThreadCols * GridCols;
  static constexpr int kSliceThreads = GridRows * GridCols;
  static constexpr int kThreads = kSliceThreads * Slices;
  static_assert(kThreads <= 1024);
  static_assert(GridRows % 2 == 0, "neighbour threads share a column (see BlockProduct)");
  static_assert((Slices & (Slices - 1)) == 0, "the slices' sums are added in a binary tree");
  static_assert(Depth % 4 == 0 || Slices == 1, "");
};

/// Shared-memory stage of one operand: `Extent` rows (or columns) x Depth. A depth-major stage has `Padding` extra
/// floats after each k.
template <Layout kLayout, int Extent, int Depth, int Padding = 0>
struct Stage {
  // depth-major: the caller's Extent includes the padding to 16-byte loads of a thread
  // row-major: a stride of an odd number of 16-byte words puts 8 adjacent rows in 8 different groups of 4 banks
  static constexpr int kStride =
      kLayout == Layout::kDepthMajor ? Extent + Padding : (Depth / 4 % 2 == 1 ? Depth : Depth + 4);
  static constexpr int kFloats = kLayout == Layout::kDepthMajor ? Depth * kStride : Extent * kStride;
  static_assert(kStride % 4 == 0, "16-byte loads need 16-byte rows");
};

__device__ __forceinline__ float component(const float4& v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}

/// The double-buffered main loop of a block's product. A loader is called as load(stage, k, end) and fills its stage
/// with the chunk k .. k + kDepth - 1. If an operand is row-major, both loaders must set values from `end` on to zero.
/// multiply(left, right, depth) adds the product of the chunk's first `depth` values (at most kDepth) to the sums.
template <class T, int kLeftFloats, int kStageFloats, class LoadLeft, class LoadRight, class Multiply>
__device__ __forceinline__ void run_stages(float* shared, int begin, int end, LoadLeft& load_left,
                                           LoadRight& load_right, const Multiply& multiply) {
  float* stage = shared;
  float* other = shared + kStageFloats;
  if (begin < end) {
    load_left(stage, begin, end);
    load_right(stage + kLeftFloats, begin, end);
  }
  async_commit();
  for (int k = begin; k < end; k += T::kDepth) {
    async_wait<0>();
    __syncthreads();  // the stage is complete, and no thread reads the other one any more
    if (k + T::kDepth < end) {
      load_left(other, k + T::kDepth, end);
      load_right(other + kLeftFloats, k + T::kDepth, end);
    }
    async_commit();
    multiply(stage, stage + kLeftFloats, end - k);
    float* const swap = stage;
    stage = other;
    other = swap;
  }
  async_wait<0>();
}

/// Adds the sums of a tile's slices in a binary tree: slice s adds the kCount sums of slice s + half to its own. acc(i)
/// is sum i of this thread.
template <class T, int kCount, class Acc>
__device__ __forceinline__ void add_slices(float* shared, const Acc& acc) {
  const int place = static_cast<int>(threadIdx.x) % T::kSliceThreads;
  const int slice = static_cast<int>(threadIdx.x) / T::kSliceThreads;
#pragma unroll
  for (int half = T::kSlices / 2; half > 0; half /= 2) {
    __syncthreads();  // all threads have read the stages or the previous round's sums
    float* const mine = shared + slice % half * (T::kSliceThreads * kCount) + place;
    if (slice >= half && slice < 2 * half) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) mine[i * T::kSliceThreads] = acc(i);
    }
    __syncthreads();
    if (slice < half) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) acc(i) += mine[i * T::kSliceThreads];
    }
  }
}

template <class TileType, Layout kLeft, Layout kRight>
class BlockProduct {
 public:
  using T = TileType;
  static constexpr bool kTensorCores = false;
  static constexpr int kThreadRows = T::kThreadRows, kThreadCols = T::kThreadCols;
  /// A thread's columns come in runs of kRun adjacent columns.
  static constexpr int kRun = kRight == Layout::kDepthMajor ? 4 : 1;
  /// Rows of one thread in a depth-major stage, padded to a multiple of 16 bytes: 11 rows take 12 floats.
  static constexpr int kPaddedRows = (T::kThreadRows + 3) / 4 * 4;
  static constexpr int kLeftExtent = kLeft == Layout::kDepthMajor ? kPaddedRows * T::kGridRows : T::kRows;
  using LeftStage = Stage<kLeft, kLeftExtent, T::kDepth>;
  using RightStage = Stage<kRight, T::kCols, T::kDepth>;
  static constexpr int kStageFloats = LeftStage::kFloats + RightStage::kFloats;
  static constexpr int kAccFloats = T::kThreadRows * T::kThreadCols;
  /// Shared memory of add_slices: in each round at most half of the slices store their sums.
  static constexpr int kHandoverFloats = T::kSlices / 2 * T::kSliceThreads * kAccFloats;
  static constexpr int kSharedBytes = 4 * (2 * kStageFloats > kHandoverFloats ? 2 * kStageFloats : kHandoverFloats);
  static_assert(kSharedBytes <= 64 * 1024, "the least that every supported GPU has");

  float acc[T::kThreadRows][T::kThreadCols] = {};

  /// Lanes l and l ^ 1 of a warp have the same columns, lanes l and l ^ 2 the same rows. If two lanes read the same
  /// 16-byte word, the load takes half as many shared-memory cycles, so both operands have such pairs.
  __device__ explicit BlockProduct(int thread) {
    slice_ = thread / T::kSliceThreads;
    const int in_slice = thread % T::kSliceThreads;
    grid_row_ = in_slice / 2 / T::kGridCols * 2 + in_slice % 2;
    grid_col_ = in_slice / 2 % T::kGridCols;
  }

  /// True in the threads that hold the sums after run().
  __device__ bool holds_result() const { return slice_ == 0; }
  /// The row of the tile that acc[i][..] belongs to, and the column of acc[..][j].
  __device__ int row(int i) const {
    return kLeft == Layout::kDepthMajor ? grid_row_ * T::kThreadRows + i : grid_row_ + i * T::kGridRows;
  }
  __device__ int col(int j) const {
    return kRight == Layout::kDepthMajor ? (j / 4 * T::kGridCols + grid_col_) * 4 + j % 4
                                         : grid_col_ + j * T::kGridCols;
  }

  __device__ float value(int i, int j) const { return acc[i][j]; }

  /// acc += the product over k in [begin, end); loaders as for run_stages.
  template <class LoadLeft, class LoadRight>
  __device__ void run(float* shared, int begin, int end, LoadLeft& load_left, LoadRight& load_right) {
    run_stages<T, LeftStage::kFloats, kStageFloats>(
        shared, begin, end, load_left, load_right,
        [this](const float* left, const float* right, int depth) { multiply(left, right, depth); });
    add_slices<T, kAccFloats>(shared, [this](int i) -> float& { return acc[i / T::kThreadCols][i % T::kThreadCols]; });
  }

 private:
  static constexpr int kStep = kLeft == Layout::kRowMajor || kRight == Layout::kRowMajor ? 4 : 1;
  static_assert(T::kDepth % kStep == 0);

  /// Multiplies a chunk of min(depth, kDepth) values of k. Steps of row-major operands span four k and are not
  /// unrolled: other warps hide the latency of the loads at their start.
  __device__ void multiply(const float* left, const float* right, int depth) {
    const int end = std::min(depth, int{T::kDepth});
#pragma unroll(kStep == 1 ? 4 : 1)
    for (int k = slice_ * kStep; k < end; k += kStep * T::kSlices) multiply_step(left, right, k);
  }

  /// Multiplies kStep values of k. A row-major operand is read with one load for four k.
  __device__ __forceinline__ void multiply_step(const float* left, const float* right, int k) {
    float4 left4[kLeft == Layout::kRowMajor ? T::kThreadRows : kPaddedRows / 4];
    float4 right4[kRight == Layout::kRowMajor ? T::kThreadCols : (T::kThreadCols + 3) / 4];
    if constexpr (kLeft == Layout::kRowMajor) {
#pragma unroll
      for (int i = 0; i < T::kThreadRows; ++i) left4[i] = load4(left + row(i) * LeftStage::kStride + k);
    }
    if constexpr (kRight == Layout::kRowMajor) {
#pragma unroll
      for (int j = 0; j < T::kThreadCols; ++j) right4[j] = load4(right + col(j) * RightStage::kStride + k);
    }
#pragma unroll
    for (int s = 0; s < kStep; ++s) {
      if constexpr (kLeft == Layout::kDepthMajor) {
#pragma unroll
        for (int i = 0; i < kPaddedRows; i += 4) {
          left4[i / 4] = load4(left + (k + s) * LeftStage::kStride + grid_row_ * kPaddedRows + i);
        }
      }
      if constexpr (kRight == Layout::kDepthMajor) {
#pragma unroll
        for (int j = 0; j < T::kThreadCols; j += 4) {
          right4[j / 4] = load4(right + (k + s) * RightStage::kStride + col(j));
        }
      }
#pragma unroll
      for (int i = 0; i < T::kThreadRows; ++i) {
        const float a = kLeft == Layout::kRowMajor ? component(left4[i], s) : component(left4[i / 4], i % 4);
#pragma unroll
        for (int j = 0; j < T::kThreadCols; ++j) {
          const float b = kRight == Layout::kRowMajor ? component(right4[j], s) : component(right4[j / 4], j % 4);
          acc[i][j] = fmadd(a, b, acc[i][j]);
        }
      }
    }
  }

  int slice_, grid_row_, grid_col_;
};

/// Writes a tile. row_start(r) returns the start of the tile's row r in memory, or null if the row is not stored. The
/// tile's columns begin at first_col; columns from `cols` on are not stored. Vec = 4 requires that rows start at
/// multiples of 16 bytes and that cols is a multiple of 4.
template <int Vec, class Product, class RowStart>
__device__ __forceinline__ void store_tile(const Product& product, std::int64_t first_col, std::int64_t cols,
                                           const RowStart& row_start) {
  constexpr int kRun = Vec == 4 ? Product::kRun : 1;
#pragma unroll
  for (int i = 0; i < Product::kThreadRows; ++i) {
    float* const row = row_start(product.row(i));
    if (!row) continue;
#pragma unroll
    for (int j = 0; j < Product::kThreadCols; j += kRun) {
      const std::int64_t col = first_col + product.col(j);
      if (col >= cols) continue;
      if constexpr (kRun == 4) {
        store4(row + col, make_float4(product.value(i, j), product.value(i, j + 1), product.value(i, j + 2),
                                      product.value(i, j + 3)));
      } else if constexpr (kRun == 2) {
        store2(row + col, make_float2(product.value(i, j), product.value(i, j + 1)));
      } else {
        row[col] = product.value(i, j);
      }
    }
  }
}

/// Loads a row-major stage from a matrix whose k is contiguous: (rows, depth), `stride` floats from row to row.
/// Vec = 4 requires base, stride and depth to be multiples of 16 bytes; Vec = 1 has no requirement.
template <class T, int StageRows, int Vec>
class RowLoader {
 public:
  __device__ RowLoader(int thread, const float* matrix, std::int64_t stride, std::int64_t first_row, std::int64_t rows)
      : k_(thread % kPerRow * Vec), row_(thread / kPerRow), rows_(rows - first_row), stride_(stride) {
    from_ = matrix + (first_row + row_) * stride + k_;
  }
  __device__ void operator()(float* stage, int k, int end) const {
    if (row_ >= kStep) return;
    const bool inside = k + k_ < end;
#pragma unroll
    for (int i = 0; i < StageRows; i += kStep) {
      const int row = row_ + i;
      if (StageRows % kStep != 0 && row >= StageRows) break;
      const bool valid = inside && row < rows_;
      async_copy<4 * Vec>(stage + row * kStride + k_, valid ? from_ + k + i * stride_ : from_base(),
                          valid ? 4 * Vec : 0);
    }
  }

 private:
  static constexpr int kPerRow = T::kDepth / Vec;
  static constexpr int kStep = T::kThreads / kPerRow < StageRows ? T::kThreads / kPerRow : StageRows;
  static constexpr int kStride = Stage<Layout::kRowMajor, StageRows, T::kDepth>::kStride;
  static_assert(T::kDepth % Vec == 0 && kStep > 0);
  __device__ const float* from_base() const { return from_ - row_ * stride_ - k_; }

  int k_, row_;
  std::int64_t rows_, stride_;
  const float* from_;
};

/// Loads a depth-major stage from a matrix whose columns are contiguous: (depth, cols), `stride` floats from one k to
/// the next.
template <class T, int StageCols, int Vec, int StageStride = StageCols>
class ColumnLoader {
 public:
  __device__ ColumnLoader(int thread, const float* matrix, std::int64_t stride, std::int64_t first_col,
                          std::int64_t cols)
      : col_(thread % kPerRow * Vec), row_(thread / kPerRow), inside_(first_col + col_ < cols), stride_(stride) {
    matrix_ = matrix;
    from_ = matrix + row_ * stride + first_col + col_;
  }
  __device__ void operator()(float* stage, int k, int end) const {
    if (row_ >= kStep) return;
#pragma unroll
    for (int i = 0; i < T::kDepth; i += kStep) {
      const int row = row_ + i;
      if (T::kDepth % kStep != 0 && row >= T::kDepth) break;
      const bool valid = inside_ && k + row < end;
      async_copy<4 * Vec>(stage + row * StageStride + col_, valid ? from_ + (k + i) * stride_ : matrix_,
                          valid ? 4 * Vec : 0);
    }
  }

 private:
  static constexpr int kPerRow = StageCols / Vec;
  static constexpr int kStep = T::kThreads / kPerRow < T::kDepth ? T::kThreads / kPerRow : T::kDepth;
  static_assert(StageCols % Vec == 0 && kStep > 0);

  int col_, row_;
  bool inside_;
  std::int64_t stride_;
  const float *matrix_, *from_;
};

/// True if `pointer` is aligned for a 16-byte load.
inline bool is_aligned16(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

}  // namespace shcnn::SHCNN_EXECUTOR
