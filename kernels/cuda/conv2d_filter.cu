// The convolution's filter gradient as an implicit matrix product (gemm.cuh). Stride 1.
//
//   dw[co][ci, tap] = sum over lanes of  dz[co][lane] * x[ci][lane + tap]         lanes: (oy, ox, n), contiguous
//
// A block computes 44 x 132 (or 28) of the (co, (ci, tap)) sums over one split of the lanes; sum_splits adds the splits
// in a fixed order. Both operands are contiguous along the summed lanes, so both are row-major in shared memory. Taps
// on padding are multiplied as zeros and not skipped, because the lanes they affect differ between the columns of a
// tile (at most 7 % of the work, docs/kernels.md).
#include <algorithm>

#include "kernels/cuda/conv2d.cuh"
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_tf32.cuh"
#include "kernels/cuda/sum_splits.cuh"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

//                     rows, cols per thread; rows, cols of threads; slices; depth
using WideTile = Tile<11, 6, 4, 22, 4, 32>;   // 44 x 132, 352 threads
using NarrowTile = Tile<11, 7, 4, 4, 8, 32>;  // 44 x 28, 128 threads: the first layer has 25 columns
//                              16-row, 8-col products per warp; rows, cols of warps; slices; depth
using TensorTile128 = TensorTile<3, 8, 1, 2, 2, 32>;  // 48 x 128, 128 threads: tf32

template <class T>
using Product = BlockProduct<T, Layout::kRowMajor, Layout::kRowMajor>;
using Tf32Product = TensorProduct<TensorTile128, Layout::kRowMajor, Layout::kRowMajor>;

constexpr std::int64_t kLargestExtent = 0x7f00;  ///< largest height or width of a map: TapLoader packs a row in 15 bits

/// Kernel arguments: the forward pass's geometry, dz, and the split of the lanes.
struct FilterSum {
  Correlation forward;  ///< y unused
  const float* dz;      ///< (Co, lanes)
  float* sums;          ///< (splits, Co, columns)
  int columns;          ///< Ci * K * K
  int lanes_per_split;  ///< a multiple of kDepth
};

/// Loads the right operand: stage[(ci, tap)][lane] = x[ci][lane shifted by tap], zero on padding. A thread has the same
/// columns in every chunk; only its lanes change.
template <class T, int Vec>
class TapLoader {
 public:
  __device__ TapLoader(int thread, const Correlation& p, int first_col, int columns)
      : p_(p), k_(thread % kPerRow * Vec), col_(thread / kPerRow) {
    const int taps = p.kernel * p.kernel;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int wanted = first_col + col_ + i * kStep;
      // a column beyond the last, whose sums are not stored: all padding, or a copy of the last column
      const int col = kPacked && wanted >= columns ? columns - 1 : wanted;
      const int channel = col / taps, tap = col % taps;
      const int y = col < columns ? tap / p.kernel : 0x10000, x = tap % p.kernel;
      tap_y_[i] = kPacked ? y << 16 | x : y;
      if constexpr (!kPacked) tap_x_[i] = x;
      offset_[i] = channel * p.plane + (tap / p.kernel * p.width + x) * p.samples;
    }
  }
  __device__ void operator()(float* stage, int k, int end) const {
    if (col_ >= kStep) return;
    const int lane = k + k_;
    const int pixel = p_.by_samples.quotient(lane);
    const int out_y = p_.by_out_width.quotient(pixel);
    const int out_x = p_.by_out_width.remainder(pixel, out_y);
    const int y = out_y - p_.pad, x = out_x - p_.pad;
    const int at = (y * p_.width + x) * p_.samples + p_.by_samples.remainder(lane, pixel);
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int col = col_ + i * kStep;
      if (col >= T::kCols) break;
      const int both = (out_y << 16) + out_x + tap_y_[i];  // if kPacked: row and column on the padded map
      const int row = kPacked ? (both >> 16) - p_.pad : y + tap_y_[i];
      const int column = kPacked ? (both & 0xffff) - p_.pad : x + tap_x_[kPacked ? 0 : i];
      const bool valid = lane < end && static_cast<unsigned>(row) < static_cast<unsigned>(p_.height) &&
                         static_cast<unsigned>(column) < static_cast<unsigned>(p_.width);
      async_copy<4 * Vec>(stage + col * kStride + k_, p_.x + (valid ? at + offset_[i] : 0), valid ? 4 * Vec : 0);
    }
  }

 private:
  static constexpr int kPerRow = T::kDepth / Vec;
  static constexpr int kStep = T::kThreads / kPerRow < T::kCols ? T::kThreads / kPerRow : T::kCols;
  static constexpr int kCount = (T::kCols + kStep - 1) / kStep;
  static constexpr int kStride = Stage<Layout::kRowMajor, T::kCols, T::kDepth>::kStride;

  /// With 4-byte copies a thread has 12 columns, and with 352 threads it has 168 registers. So a tap's row and column
  /// are packed in one register.
  static constexpr bool kPacked = Vec == 1;

  const Correlation& p_;
  int k_, col_;
  int tap_y_[kCount], tap_x_[kPacked ? 1 : kCount], offset_[kCount];
};

/// A block computes dw rows blockIdx.y * kRows .., columns blockIdx.x * kCols .., over the lanes of split blockIdx.z.
template <class P, int Vec>
__global__ void __launch_bounds__(P::T::kThreads) filter_kernel(FilterSum p) {
  using T = typename P::T;
  const int thread = static_cast<int>(threadIdx.x);
  const int first_col = static_cast<int>(blockIdx.x) * T::kCols;
  const int first_row = static_cast<int>(blockIdx.y) * T::kRows;
  const int first_lane = static_cast<int>(blockIdx.z) * p.lanes_per_split;
  RowLoader<T, T::kRows, Vec> gradient(thread, p.dz, p.forward.lanes, first_row, p.forward.out_channels);
  TapLoader<T, Vec> window(thread, p.forward, first_col, p.columns);
  P product(thread);
  product.run(shared_memory<float>(), first_lane, std::min(first_lane + p.lanes_per_split, p.forward.lanes), gradient,
              window);
  if (!product.holds_result()) return;
  float* const sums = p.sums + static_cast<std::int64_t>(blockIdx.z) * p.forward.out_channels * p.columns;
  store_tile<1>(product, first_col, p.columns, [&](int tile_row) -> float* {
    const int row = first_row + tile_row;
    return row < p.forward.out_channels ? sums + static_cast<std::int64_t>(row) * p.columns : nullptr;
  });
}

/// Choice of tile and splits for a filter gradient.
struct FilterPlan {
  bool narrow;
  std::int64_t splits, lanes_per_split;
};

FilterPlan plan_filter(std::int64_t out_channels, std::int64_t columns, std::int64_t lanes, bool tf32) {
  const auto round_up = [](std::int64_t count, std::int64_t each) { return (count + each - 1) / each * each; };
  FilterPlan plan{};
  const std::int64_t narrow_cols = round_up(columns, NarrowTile::kCols), wide_cols = round_up(columns, WideTile::kCols);
  // a wide tile reads less per product, so it is used even if up to an eighth more columns are computed
  plan.narrow = !tf32 && narrow_cols < wide_cols && 8 * wide_cols > 9 * columns;
  const std::int64_t rows = tf32 ? TensorTile128::kRows : WideTile::kRows;
  const std::int64_t cols = tf32 ? TensorTile128::kCols : plan.narrow ? NarrowTile::kCols : WideTile::kCols;
  constexpr std::int64_t depth = WideTile::kDepth;
  static_assert(WideTile::kRows == NarrowTile::kRows && depth == NarrowTile::kDepth && depth == TensorTile128::kDepth);
  const std::int64_t tiles = round_up(out_channels, rows) / rows * (round_up(columns, cols) / cols);
  // the registers of a multiprocessor hold one wide block or four narrow ones
  const std::int64_t wanted = std::max<std::int64_t>(1, kMultiprocessors * (plan.narrow ? 4 : 1) / tiles);
  const std::int64_t chunks = std::max<std::int64_t>(1, round_up(lanes, depth) / depth);
  plan.lanes_per_split = (chunks + wanted - 1) / wanted * depth;
  plan.splits = std::max<std::int64_t>(1, (lanes + plan.lanes_per_split - 1) / plan.lanes_per_split);
  return plan;
}

template <class P>
void launch_filter(const Context& context, const FilterSum& p, std::int64_t splits) {
  constexpr const char* kOp = "conv2d_backward_filter";
  const bool by_four = p.forward.samples % 4 == 0 && is_aligned16(p.forward.x) && is_aligned16(p.dz);
  const dim3 grid(blocks_for(kOp, p.columns, P::T::kCols), blocks_for(kOp, p.forward.out_channels, P::T::kRows),
                  static_cast<unsigned>(splits));
  launch(context, kOp, by_four ? filter_kernel<P, 4> : filter_kernel<P, 1>, grid, dim3(P::T::kThreads), P::kSharedBytes,
         p);
}

/// Plain kernel for tests: one thread per filter element, lanes summed in order.
__global__ void conv2d_backward_filter_naive_kernel(FilterSum p) {
  const Correlation& f = p.forward;
  const int col = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int co = static_cast<int>(blockIdx.y);
  if (col >= p.columns) return;
  const int kx = col % f.kernel, ky = col / f.kernel % f.kernel, ci = col / f.kernel / f.kernel;
  float sum = 0;
  for (int lane = 0; lane < f.lanes; ++lane) {
    const int n = lane % f.samples;
    const int y = lane / f.samples / f.out_width + ky - f.pad, x = lane / f.samples % f.out_width + kx - f.pad;
    if (y < 0 || y >= f.height || x < 0 || x >= f.width) continue;
    sum = fmadd(p.dz[static_cast<std::int64_t>(co) * f.lanes + lane],
                f.x[ci * f.plane + (y * f.width + x) * f.samples + n], sum);
  }
  p.sums[static_cast<std::int64_t>(co) * p.columns + col] = sum;
}

/// Checks the shapes and returns the arguments for one split. Throws Error(kUsage) if a map exceeds kLargestExtent.
FilterSum filter_geometry(ConvPads pads, In x, In dz, Out dw) {
  constexpr const char* kOp = "conv2d_backward_filter";
  require_shape(kOp, "dw", dw, Shape(dz[0], x[0], dw[2], dw[2]));
  require_shape(kOp, "dz", dz, output_shape(x.shape, dw.shape, pads));
  if (std::max({x[1], x[2], dz[1], dz[2]}) > kLargestExtent) {
    throw Error(ErrorKind::kUsage, kOp, message("maps of more than ", kLargestExtent, " rows or columns"));
  }
  FilterSum p{};
  p.forward = make_correlation(kOp, x.shape, dz.shape, dw[2], pads.begin);
  p.forward.x = x.data;
  p.dz = dz.data;
  p.sums = dw.data;
  p.columns = static_cast<int>(x[0] * dw[2] * dw[2]);
  p.lanes_per_split = p.forward.lanes;
  return p;
}

}  // namespace

void conv2d_backward_filter(const Context& context, ConvPads pads, In x, In dz, Out dw) {
  constexpr const char* kOp = "conv2d_backward_filter";
  FilterSum p = filter_geometry(pads, x, dz, dw);
  if (dw.count() == 0) return;
  const FilterPlan plan = plan_filter(dw[0], p.columns, p.forward.lanes, context.allow_tf32);
  p.lanes_per_split = static_cast<int>(plan.lanes_per_split);
  if (plan.splits > 1) p.sums = workspace_as<float>(context, kOp, static_cast<std::size_t>(plan.splits * dw.count()));
  const auto run = context.allow_tf32 ? launch_filter<Tf32Product>
                   : plan.narrow      ? launch_filter<Product<NarrowTile>>
                                      : launch_filter<Product<WideTile>>;
  run(context, p, plan.splits);
  if (plan.splits > 1) sum_splits(context, kOp, plan.splits, dw.count(), p.sums, nullptr, 1, dw.data);
}

void conv2d_backward_filter_naive(const Context& context, ConvPads pads, In x, In dz, Out dw) {
  constexpr const char* kOp = "conv2d_backward_filter";
  const FilterSum p = filter_geometry(pads, x, dz, dw);
  const dim3 grid(blocks_for(kOp, p.columns, kThreads1D), static_cast<unsigned>(dw[0]));
  launch(context, kOp, conv2d_backward_filter_naive_kernel, grid, dim3(kThreads1D), 0, p);
}

std::size_t conv2d_filter_workspace(const ConvGeometry& g) {
  const Shape z = output_shape(g.x, g.w, g.pads);
  std::int64_t splits = 0;
  for (const bool tf32 : {false, true}) {
    splits = std::max(splits, plan_filter(g.w[0], g.w[1] * g.w[2] * g.w[3], z[1] * z[2] * z[3], tf32).splits);
  }
  return splits > 1 ? sizeof(float) * static_cast<std::size_t>(splits * g.w.count()) : 0;
}

}  // namespace shcnn::SHCNN_EXECUTOR
