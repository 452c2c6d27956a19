// Dense layers as matrix products (gemm.cuh).
//
//   forward:          y [o][n] = b[o] + sum over i of w[o][i] * x[i][n]     product, w row-major in shared memory
//   input gradient:   dx[i][n] =        sum over o of w[o][i] * dy[o][n]    product, w depth-major
//   filter gradient:  dw[o][i] =        sum over n of dy[o][n] * x[i][n]    outer, both row-major
//                     db[o]    =        sum over n of dy[o][n]              row_sums
//
// With a batch of 100 samples a forward product has only 100 columns, and too few tiles of 64 x 104 to fill a GPU. So
// the sum over k is split among blocks (split-k), and sum_splits adds their partial sums in a fixed order. Bytes and
// flops: docs/kernels.md.
#include <algorithm>

#include "kernels/cuda/dense.cuh"
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_tf32.cuh"
#include "kernels/cuda/sum_splits.cuh"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

//                     rows, cols per thread; rows, cols of threads; slices; depth
using WideTile = Tile<8, 8, 8, 13, 2, 32>;    // 64 x 104, 208 threads: a batch of 100
using NarrowTile = Tile<8, 8, 16, 4, 4, 32>;  // 128 x 32, 256 threads: small batches
using OuterTile = Tile<8, 8, 8, 16, 1, 20>;   // 64 x 128, 128 threads: 100 samples are five chunks
// tf32:                             16-row, 8-col products per warp; rows, cols of warps; slices; depth
using TensorTile104 = TensorTile<2, 13, 2, 1, 2, 32>;  // 64 x 104, 128 threads
using TensorTile128 = TensorTile<2, 8, 2, 2, 1, 32>;   // 64 x 128, 128 threads: filter gradients
static_assert(TensorTile104::kRows == WideTile::kRows && TensorTile104::kCols == WideTile::kCols &&
              TensorTile104::kDepth == WideTile::kDepth);

/// Number of multiprocessors that the splits are made for: that of an H100. A constant, so that the order of sums is
/// the same on every GPU.
constexpr int kMultiprocessors = 132;

// --- y (rows, cols) = left (rows, depth) * right (depth, cols) -------------------------------------------------------

/// Arguments of one product whose columns are samples.
struct Product {
  const float* left;   ///< forward: w (rows, depth); input gradient: w (depth, rows)
  const float* right;  ///< (depth, cols)
  float* sums;         ///< (splits, rows, cols)
  std::int64_t rows;
  int cols, depth;
  int depth_per_split;  ///< a multiple of kDepth
};

template <class P, Layout kLeft, int VecLeft>
using LeftLoader = std::conditional_t<kLeft == Layout::kRowMajor, RowLoader<typename P::T, P::T::kRows, VecLeft>,
                                      ColumnLoader<typename P::T, P::T::kRows, VecLeft, P::LeftStage::kStride>>;

/// Minimum number of blocks per multiprocessor. Without it, ptxas limits registers on sm_100 to fit more blocks, and
/// spills.
constexpr int kBlocks = 1;

/// A block computes columns blockIdx.x * kCols .., rows blockIdx.y * kRows .., over split blockIdx.z of the depth.
template <class P, Layout kLeft, int VecLeft, int VecRight>
__global__ void __launch_bounds__(P::T::kThreads, kBlocks) product_kernel(Product p) {
  using T = typename P::T;
  const int thread = static_cast<int>(threadIdx.x);
  const int first_col = static_cast<int>(blockIdx.x) * T::kCols;
  const std::int64_t first_row = std::int64_t{blockIdx.y} * T::kRows;
  const int begin = static_cast<int>(blockIdx.z) * p.depth_per_split;
  LeftLoader<P, kLeft, VecLeft> load_left(thread, p.left, kLeft == Layout::kRowMajor ? p.depth : p.rows, first_row,
                                          p.rows);
  ColumnLoader<T, T::kCols, VecRight, P::RightStage::kStride> load_right(thread, p.right, p.cols, first_col, p.cols);
  P product(thread);
  product.run(shared_memory<float>(), begin, std::min(begin + p.depth_per_split, p.depth), load_left, load_right);
  if (!product.holds_result()) return;
  float* const sums = p.sums + std::int64_t{blockIdx.z} * p.rows * p.cols;
  store_tile<VecRight>(product, first_col, p.cols, [&](int tile_row) -> float* {
    const std::int64_t row = first_row + tile_row;
    return row < p.rows ? sums + row * p.cols : nullptr;
  });
}

/// Choice of tile and splits for a product.
struct ProductPlan {
  bool narrow;
  std::int64_t splits, depth_per_split;
};

ProductPlan plan_product(std::int64_t rows, std::int64_t cols, std::int64_t depth, bool tf32) {
  static_assert(WideTile::kDepth == NarrowTile::kDepth);
  constexpr std::int64_t kChunk = WideTile::kDepth;
  const auto tiles_of = [](std::int64_t count, std::int64_t each) { return (count + each - 1) / each; };
  ProductPlan plan{};
  plan.narrow = !tf32 && tiles_of(cols, NarrowTile::kCols) * NarrowTile::kCols <
                             tiles_of(cols, WideTile::kCols) * WideTile::kCols;
  const std::int64_t tiles = plan.narrow ? tiles_of(rows, NarrowTile::kRows) * tiles_of(cols, NarrowTile::kCols)
                                         : tiles_of(rows, WideTile::kRows) * tiles_of(cols, WideTile::kCols);
  const std::int64_t chunks = std::max<std::int64_t>(1, tiles_of(depth, kChunk));
  const std::int64_t wanted = std::max<std::int64_t>(1, kMultiprocessors / std::max<std::int64_t>(1, tiles));
  plan.depth_per_split = tiles_of(chunks, wanted) * kChunk;
  plan.splits = std::max<std::int64_t>(1, tiles_of(depth, plan.depth_per_split));
  return plan;
}

template <class P, Layout kLeft>
void launch_product(const Context& context, const char* op, const Product& p, std::int64_t splits, bool left_by_four) {
  const bool right_by_four = p.cols % 4 == 0 && is_aligned16(p.right) && is_aligned16(p.sums);
  const dim3 grid(blocks_for(op, p.cols, P::T::kCols), blocks_for(op, p.rows, P::T::kRows),
                  static_cast<unsigned>(splits));
  launch(context, op,
         !left_by_four   ? product_kernel<P, kLeft, 1, 1>
         : right_by_four ? product_kernel<P, kLeft, 4, 4>
                         : product_kernel<P, kLeft, 4, 1>,
         grid, dim3(P::T::kThreads), P::kSharedBytes, p);
}

/// y = left * right + b (null: no bias). left is (rows, depth) if kLeft is kRowMajor, else (depth, rows). Uses the
/// workspace unless there is one split and no bias.
template <Layout kLeft>
void multiply(const Context& context, const char* op, const float* left, const float* right, const float* b,
              std::int64_t rows, std::int64_t cols, std::int64_t depth, float* y) {
  if (cols > 0x7fffff00 || depth > 0x7fffff00) throw Error(ErrorKind::kUsage, op, "more than 2^31 samples or features");
  const ProductPlan plan = plan_product(rows, cols, depth, context.allow_tf32);
  const bool in_place = plan.splits == 1 && !b;
  Product p{
      left, right, y, rows, static_cast<int>(cols), static_cast<int>(depth), static_cast<int>(plan.depth_per_split)};
  if (!in_place) p.sums = workspace_as<float>(context, op, static_cast<std::size_t>(plan.splits * rows * cols));
  const bool left_by_four = (kLeft == Layout::kRowMajor ? depth : rows) % 4 == 0 && is_aligned16(left);
  const auto run = context.allow_tf32 ? launch_product<TensorProduct<TensorTile104, kLeft, Layout::kDepthMajor>, kLeft>
                   : plan.narrow      ? launch_product<BlockProduct<NarrowTile, kLeft, Layout::kDepthMajor>, kLeft>
                                      : launch_product<BlockProduct<WideTile, kLeft, Layout::kDepthMajor>, kLeft>;
  run(context, op, p, plan.splits, left_by_four);
  if (!in_place) sum_splits(context, op, plan.splits, rows * cols, p.sums, b, cols, y);
}

// --- dw (rows, cols) = dy (rows, samples) * x (cols, samples)' -------------------------------------------------------

struct Outer {
  const float* dy;  ///< (rows, samples)
  const float* x;   ///< (cols, samples)
  float* dw;        ///< (rows, cols)
  std::int64_t rows, cols;
  int samples;
};

/// A block computes rows blockIdx.y * kRows .., columns blockIdx.x * kCols .. of dw.
template <class P, int Vec>
__global__ void __launch_bounds__(P::T::kThreads, kBlocks) outer_kernel(Outer p) {
  using T = typename P::T;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t first_col = std::int64_t{blockIdx.x} * T::kCols;
  const std::int64_t first_row = std::int64_t{blockIdx.y} * T::kRows;
  RowLoader<T, T::kRows, Vec> load_dy(thread, p.dy, p.samples, first_row, p.rows);
  RowLoader<T, T::kCols, Vec> load_x(thread, p.x, p.samples, first_col, p.cols);
  P product(thread);
  product.run(shared_memory<float>(), 0, p.samples, load_dy, load_x);
  if (!product.holds_result()) return;
  store_tile<1>(product, first_col, p.cols, [&](int tile_row) -> float* {
    const std::int64_t row = first_row + tile_row;
    return row < p.rows ? p.dw + row * p.cols : nullptr;
  });
}

template <class P>
void launch_outer(const Context& context, const char* op, const Outer& p) {
  const bool by_four = p.samples % 4 == 0 && is_aligned16(p.x) && is_aligned16(p.dy);
  const dim3 grid(blocks_for(op, p.cols, P::T::kCols), blocks_for(op, p.rows, P::T::kRows));
  launch(context, op, by_four ? outer_kernel<P, 4> : outer_kernel<P, 1>, grid, dim3(P::T::kThreads), P::kSharedBytes,
         p);
}

constexpr int kWarpLanes = 32;
constexpr int kRowsPerBlock = 4;

/// db[o] = sum over n of dy[o][n]: one warp per row, reduced by shuffles.
__global__ void row_sums_kernel(std::int64_t rows, int samples, const float* __restrict__ dy, float* __restrict__ db) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
  const std::int64_t row = std::int64_t{blockIdx.x} * kRowsPerBlock + static_cast<int>(threadIdx.x) / kWarpLanes;
  float sum = 0;
  if (row < rows) {
    for (int n = lane; n < samples; n += kWarpLanes) sum += dy[row * samples + n];
  }
#pragma unroll
  for (int other = kWarpLanes / 2; other > 0; other /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, other);
  if (lane == 0 && row < rows) db[row] = sum;
}

// --- plain kernels: one thread per output, for tests -----------------------------------------------------------------

/// y[row][col] = b[row] + sum over k of left[row * row_stride + k * depth_stride] * right[k * cols + col]; b may be
/// null.
__global__ void dense_product_naive_kernel(std::int64_t rows, std::int64_t cols, std::int64_t depth, const float* left,
                                           std::int64_t row_stride, std::int64_t depth_stride, const float* right,
                                           const float* b, float* y) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (index >= rows * cols) return;
  const std::int64_t row = index / cols, col = index % cols;
  float sum = 0;
  for (std::int64_t k = 0; k < depth; ++k) {
    sum = fmadd(left[row * row_stride + k * depth_stride], right[k * cols + col], sum);
  }
  y[index] = b ? sum + b[row] : sum;
}

/// dw[o][i] = sum over n of dy[o][n] * x[i][n]; the thread of i = 0 also computes db[o].
__global__ void dense_backward_filter_naive_kernel(std::int64_t outputs, std::int64_t inputs, std::int64_t samples,
                                                   const float* x, const float* dy, float* dw, float* db) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (index >= outputs * inputs) return;
  const std::int64_t o = index / inputs, i = index % inputs;
  float sum = 0, bias = 0;
  for (std::int64_t n = 0; n < samples; ++n) {
    sum = fmadd(dy[o * samples + n], x[i * samples + n], sum);
    bias += dy[o * samples + n];
  }
  dw[index] = sum;
  if (i == 0) db[o] = bias;
}

}  // namespace

void check_dense_forward(In x, In w, In b, Out y) {
  constexpr const char* kOp = "dense_forward";
  require_shape(kOp, "w", w, Shape(w[0], x[0]));
  require_shape(kOp, "b", b, Shape(w[0]));
  require_shape(kOp, "y", y, Shape(w[0], x[1]));
}

void check_dense_backward_data(In w, In dy, Out dx) {
  constexpr const char* kOp = "dense_backward_data";
  require_shape(kOp, "dy", dy, Shape(w[0], dy[1]));
  require_shape(kOp, "dx", dx, Shape(w[1], dy[1]));
}

void check_dense_backward_filter(In x, In dy, Out dw, Out db) {
  constexpr const char* kOp = "dense_backward_filter";
  require_shape(kOp, "dy", dy, Shape(dy[0], x[1]));
  require_shape(kOp, "dw", dw, Shape(dy[0], x[0]));
  require_shape(kOp, "db", db, Shape(dy[0]));
}

void row_sums(const Context& context, const char* op, In dy, Out db) {
  launch(context, op, row_sums_kernel, dim3(blocks_for(op, dy[0], kRowsPerBlock)), dim3(kWarpLanes * kRowsPerBlock), 0,
         dy[0], static_cast<int>(dy[1]), dy.data, db.data);
}

void dense_forward(const Context& context, In x, In w, In b, Out y) {
  check_dense_forward(x, w, b, y);
  if (y.count() == 0) return;
  multiply<Layout::kRowMajor>(context, "dense_forward", w.data, x.data, b.data, w[0], x[1], x[0], y.data);
}

void dense_backward_data(const Context& context, In w, In dy, Out dx) {
  check_dense_backward_data(w, dy, dx);
  if (dx.count() == 0) return;
  multiply<Layout::kDepthMajor>(context, "dense_backward_data", w.data, dy.data, nullptr, w[1], dy[1], w[0], dx.data);
}

void dense_backward_filter(const Context& context, In x, In dy, Out dw, Out db) {
  constexpr const char* kOp = "dense_backward_filter";
  check_dense_backward_filter(x, dy, dw, db);
  const int samples = static_cast<int>(x[1]);
  row_sums(context, kOp, dy, db);
  if (dw.count() == 0) return;
  const Outer p{dy.data, x.data, dw.data, dy[0], x[0], samples};
  if (context.allow_tf32) {
    launch_outer<TensorProduct<TensorTile128, Layout::kRowMajor, Layout::kRowMajor>>(context, kOp, p);
  } else {
    launch_outer<BlockProduct<OuterTile, Layout::kRowMajor, Layout::kRowMajor>>(context, kOp, p);
  }
}

void dense_forward_naive(const Context& context, In x, In w, In b, Out y) {
  check_dense_forward(x, w, b, y);
  launch_1d(context, "dense_forward", dense_product_naive_kernel, y.count(), w[0], x[1], x[0], w.data, x[0],
            std::int64_t{1}, x.data, b.data, y.data);
}

void dense_backward_data_naive(const Context& context, In w, In dy, Out dx) {
  check_dense_backward_data(w, dy, dx);
  launch_1d(context, "dense_backward_data", dense_product_naive_kernel, dx.count(), w[1], dy[1], w[0], w.data,
            std::int64_t{1}, w[1], dy.data, nullptr, dx.data);
}

void dense_backward_filter_naive(const Context& context, In x, In dy, Out dw, Out db) {
  check_dense_backward_filter(x, dy, dw, db);
  launch_1d(context, "dense_backward_filter", dense_backward_filter_naive_kernel, dw.count(), dy[0], x[0], x[1], x.data,
            dy.data, dw.data, db.data);
}

std::size_t dense_workspace(std::int64_t inputs, std::int64_t outputs, std::int64_t samples) {
  std::int64_t floats = 0;
  for (const bool tf32 : {false, true}) {
    floats = std::max(floats, plan_product(outputs, samples, inputs, tf32).splits * outputs * samples);
    floats = std::max(floats, plan_product(inputs, samples, outputs, tf32).splits * inputs * samples);
  }
  return sizeof(float) * static_cast<std::size_t>(floats);
}

}  // namespace shcnn::SHCNN_EXECUTOR
