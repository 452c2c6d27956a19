// Convolution, its input gradient and its filter gradient, as implicit matrix products (gemm.cuh). Stride 1.
//
// The sample is innermost, so for one channel the outputs (oy, ox, n) are one run of `lanes`, and shifting the window
// by a tap shifts that run by a constant: no im2col matrix is ever built, its rows are read where they lie.
//
//   forward:          z [co][lane]          = sum over (tap, ci) of  w[tap, ci][co] * x[ci][lane + tap]     correlate
//   input gradient:   dx[ci][lane]          = sum over (tap, co) of  w[-tap, co][ci] * dz[co][lane + tap]   correlate
//   filter gradient:  dw[co][ci, tap]       = sum over lanes of      dz[co][lane] * x[ci][lane + tap]       filter
//
// correlate: a block makes 44 channels x 96 (or 32) lanes. The weights are first put into the order in which the
// product reads them (pack_weights, a few hundred kB at most), for the input gradient mirrored, which makes it the same
// kernel. Taps that fall on padding for every lane of a tile are not multiplied at all. filter: a block makes 44 x 132
// (or 28) of the (co, (ci, tap)) sums over its share of the lanes; the shares' sums are added in a second kernel, in a
// fixed order.
//
// 44 rows are four threads' 11: SHCNN's 44 and 88 channels need no padding to a power of two. docs/kernels.md counts.
#include <algorithm>

#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/sum_splits.cuh"
#include "kernels/math/fast_divisor.h"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

//                        rows, cols a thread; threads; slices; depth
using WideTile = Tile<11, 8, 4, 12, 4, 44>;         // 44 x 96, 192 threads
using NarrowTile = Tile<11, 8, 4, 4, 8, 44>;        // 44 x 32, 128 threads: where wide tiles are too few
using WideFilterTile = Tile<11, 6, 4, 22, 4, 32>;   // 44 x 132, 352 threads
using NarrowFilterTile = Tile<11, 7, 4, 4, 8, 32>;  // 44 x 28, 128 threads: the first layer has 25 columns
static_assert(WideTile::kRows == NarrowTile::kRows, "one packing of the weights serves both");

/// What the tile choices are made for: the multiprocessors of an H100. A constant, so that a sum's order is the same
/// on every GPU.
constexpr int kMultiprocessors = 132;

/// One stride-1 correlation of x (channels, height, width, samples) -> y (out_channels, out_height, out_width,
/// samples).
struct Correlation {
  const float* x;
  float* y;
  int channels, height, width, samples;
  int out_channels, out_width;
  int lanes;  ///< out_height * out_width * samples
  int plane;  ///< height * width * samples
  int kernel, pad;
  FastDivisor by_samples, by_out_width, by_channels;
};

// --- weights in the order of the product
// -------------------------------------------------------------------------------

/// Columns of the packed weights: each thread's 11 rows of a tile, padded to 12.
template <class T>
constexpr int kPackedTile = (T::kThreadRows + 3) / 4 * 4 * T::kGridRows;

/// packed (taps, channels in, tiles of 48) <- w (Co, Ci, K, K); for the input gradient (kMirrored) channels in are Co,
/// rows are Ci, and tap t is K*K - 1 - t. One thread an element of `packed`; padding is zero.
template <bool kMirrored>
__global__ void pack_weights_kernel(int taps, int in, int out, int packed_cols, const float* __restrict__ w,
                                    float* __restrict__ packed) {
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index >= taps * in * packed_cols) return;
  const int col = index % packed_cols;
  const int channel = index / packed_cols % in;
  const int tap = index / packed_cols / in;
  constexpr int kPadded = (WideTile::kThreadRows + 3) / 4 * 4;
  const int row = col / kPadded * WideTile::kThreadRows + col % kPadded;
  float value = 0;
  if (col % kPadded < WideTile::kThreadRows && row < out) {
    value = kMirrored ? w[(channel * out + row) * taps + taps - 1 - tap] : w[(row * in + channel) * taps + tap];
  }
  packed[index] = value;
}

std::int64_t packed_cols(std::int64_t out) {
  return (out + WideTile::kRows - 1) / WideTile::kRows * kPackedTile<WideTile>;
}

// --- forward and input gradient: correlate
// -------------------------------------------------------------------------------

/// The taps that fall on x for at least one lane of a tile: rows first_y .., columns first_x .. first_x + columns - 1.
struct TapRectangle {
  int first_y, first_x, columns, count;
  unsigned reciprocal;  ///< 2^16 / columns, rounded up

  __device__ TapRectangle(const Correlation& p, int first_lane, int last_lane) {
    const int first_pixel = p.by_samples.quotient(first_lane), last_pixel = p.by_samples.quotient(last_lane);
    const int top = p.by_out_width.quotient(first_pixel), bottom = p.by_out_width.quotient(last_pixel);
    const bool one_row = top == bottom;
    const int left = one_row ? p.by_out_width.remainder(first_pixel, top) : 0;
    const int right = one_row ? p.by_out_width.remainder(last_pixel, top) : p.out_width - 1;
    first_y = std::max(0, p.pad - bottom);
    first_x = std::max(0, p.pad - right);
    const int rows = std::min(p.kernel - 1, p.height - 1 + p.pad - top) - first_y + 1;
    columns = std::max(1, std::min(p.kernel - 1, p.width - 1 + p.pad - left) - first_x + 1);
    count = std::max(0, rows) * columns;
    reciprocal = 65536u / static_cast<unsigned>(columns) + 1;
  }
  __device__ void at(int tap, int& y, int& x) const {
    const int row = static_cast<int>((static_cast<unsigned>(tap) * reciprocal) >> 16);
    y = first_y + row;
    x = first_x + tap - row * columns;
  }
};

/// A value of k as (tap, channel). WholeTaps: a chunk of k never crosses a tap, as channels are a multiple of kDepth.
__device__ __forceinline__ void split_depth(const Correlation& p, const TapRectangle& taps, int k, int& y, int& x,
                                            int& channel) {
  const int tap = p.by_channels.quotient(k);
  channel = p.by_channels.remainder(k, tap);
  taps.at(tap, y, x);
}

/// Right operand: stage[k][lane] = x[channel][lane shifted by tap], zero on padding.
template <class T, int Vec, bool WholeTaps>
class WindowLoader {
 public:
  __device__ WindowLoader(int thread, const Correlation& p, const TapRectangle& taps, int first_lane)
      : p_(p), taps_(taps), col_(thread % kPerRow * Vec), row_(thread / kPerRow) {
    const int lane = first_lane + col_;
    const int pixel = p.by_samples.quotient(lane);
    const int out_y = p.by_out_width.quotient(pixel);
    y_ = lane < p.lanes ? out_y - p.pad : -0x10000;  // a lane beyond the last lies on padding for every tap
    x_ = p.by_out_width.remainder(pixel, out_y) - p.pad;
    sample_ = p.by_samples.remainder(lane, pixel);
  }
  __device__ void operator()(float* stage, int k, int end) const {
    if (row_ >= kStep) return;
    int tap_y, tap_x, channel;
    split_depth(p_, taps_, WholeTaps ? k : k + row_, tap_y, tap_x, channel);
    if (WholeTaps) channel += row_;
#pragma unroll
    for (int i = 0; i < T::kDepth; i += kStep) {
      const int row = row_ + i;
      if (row >= T::kDepth || k + row >= end) break;
      if (!WholeTaps && i > 0) split_depth(p_, taps_, k + row, tap_y, tap_x, channel);
      const int y = y_ + tap_y, x = x_ + tap_x;
      const bool valid = static_cast<unsigned>(y) < static_cast<unsigned>(p_.height) &&
                         static_cast<unsigned>(x) < static_cast<unsigned>(p_.width);
      const int at = (y * p_.width + x) * p_.samples + sample_ + (WholeTaps ? channel + i : channel) * p_.plane;
      async_copy<4 * Vec>(stage + row * T::kCols + col_, p_.x + (valid ? at : 0), valid ? 4 * Vec : 0);
    }
  }

 private:
  static constexpr int kPerRow = T::kCols / Vec;
  static constexpr int kStep = T::kThreads / kPerRow < T::kDepth ? T::kThreads / kPerRow : T::kDepth;
  static_assert(kStep > 0);

  const Correlation& p_;
  const TapRectangle& taps_;
  int col_, row_, y_, x_, sample_;
};

/// Left operand: stage[k][row] = packed[tap][channel][tile's columns].
template <class T, bool WholeTaps>
class PackedWeightLoader {
 public:
  __device__ PackedWeightLoader(int thread, const Correlation& p, const TapRectangle& taps, const float* packed,
                                int cols)
      : p_(p), taps_(taps), cols_(cols), col_(thread % kPerRow * 4), row_(thread / kPerRow), from_(packed + col_) {}
  __device__ void operator()(float* stage, int k, int end) const {
    if (row_ >= kStep) return;
    int depth = packed_depth(WholeTaps ? k : k + row_);
    if (WholeTaps) depth += row_;
#pragma unroll
    for (int i = 0; i < T::kDepth; i += kStep) {
      const int row = row_ + i;
      if (row >= T::kDepth || k + row >= end) break;
      if (!WholeTaps && i > 0) depth = packed_depth(k + row);
      async_copy<16>(stage + row * kPackedTile<T> + col_, from_ + (WholeTaps ? depth + i : depth) * cols_);
    }
  }

 private:
  static constexpr int kPerRow = kPackedTile<T> / 4;
  static constexpr int kStep = T::kThreads / kPerRow < T::kDepth ? T::kThreads / kPerRow : T::kDepth;

  /// Row of `packed`, which holds all taps, for k, which counts those of the tile's rectangle.
  __device__ int packed_depth(int k) const {
    int y, x, channel;
    split_depth(p_, taps_, k, y, x, channel);
    return (y * p_.kernel + x) * p_.channels + channel;
  }

  const Correlation& p_;
  const TapRectangle& taps_;
  int cols_, col_, row_;
  const float* from_;
};

/// One block: rows blockIdx.y * 44 .., lanes blockIdx.x * kCols .. of y.
template <class T, int Vec, bool WholeTaps>
__global__ void __launch_bounds__(T::kThreads)
    correlate_kernel(Correlation p, const float* __restrict__ packed, int packed_columns) {
  const int thread = static_cast<int>(threadIdx.x);
  const int first_lane = static_cast<int>(blockIdx.x) * T::kCols;
  const int first_row = static_cast<int>(blockIdx.y) * T::kRows;
  const TapRectangle taps(p, first_lane, std::min(first_lane + T::kCols, p.lanes) - 1);
  PackedWeightLoader<T, WholeTaps> weights(thread, p, taps, packed + blockIdx.y * kPackedTile<T>, packed_columns);
  WindowLoader<T, Vec, WholeTaps> window(thread, p, taps, first_lane);
  BlockProduct<T, Layout::kDepthMajor, Layout::kDepthMajor> product(thread);
  product.run(shared_memory<float>(), 0, taps.count * p.channels, weights, window);
  if (!product.holds_result()) return;
#pragma unroll
  for (int i = 0; i < T::kThreadRows; ++i) {
    const int row = first_row + product.row(i);
    if (row >= p.out_channels) break;
    float* const y = p.y + static_cast<std::int64_t>(row) * p.lanes;
#pragma unroll
    for (int j = 0; j < T::kThreadCols; j += Vec) {
      const int lane = first_lane + product.col(j);
      if (lane >= p.lanes) continue;
      if constexpr (Vec == 4) {
        store4(y + lane,
               make_float4(product.acc[i][j], product.acc[i][j + 1], product.acc[i][j + 2], product.acc[i][j + 3]));
      } else {
        y[lane] = product.acc[i][j];
      }
    }
  }
}

template <class T, int Vec, bool WholeTaps>
void launch_correlate(const Context& context, const char* op, const Correlation& p, const float* packed) {
  const dim3 grid(blocks_for(op, p.lanes, T::kCols), blocks_for(op, p.out_channels, T::kRows));
  launch(context, op, correlate_kernel<T, Vec, WholeTaps>, grid, dim3(T::kThreads),
         BlockProduct<T, Layout::kDepthMajor, Layout::kDepthMajor>::kSharedBytes, p, packed,
         static_cast<int>(packed_cols(p.out_channels)));
}

template <class T>
void launch_correlate(const Context& context, const char* op, const Correlation& p, const float* packed) {
  const bool by_four = p.samples % 4 == 0 && is_aligned16(p.x) && is_aligned16(p.y);
  const bool whole_taps = p.channels % T::kDepth == 0;
  const auto run = by_four ? (whole_taps ? launch_correlate<T, 4, true> : launch_correlate<T, 4, false>)
                           : (whole_taps ? launch_correlate<T, 1, true> : launch_correlate<T, 1, false>);
  run(context, op, p, packed);
}

/// Packs the weights and correlates. x (channels,height,width,N) -> y (out_channels,out_height,out_width,N).
template <bool kMirrored>
void correlate(const Context& context, const char* op, Correlation p, const float* w) {
  const std::int64_t taps = p.kernel * p.kernel;
  const std::int64_t packed_count = taps * p.channels * packed_cols(p.out_channels);
  float* const packed = workspace_as<float>(context, op, static_cast<std::size_t>(packed_count));
  launch_1d(context, op, pack_weights_kernel<kMirrored>, packed_count, static_cast<int>(taps), p.channels,
            p.out_channels, static_cast<int>(packed_cols(p.out_channels)), w, packed);
  const std::int64_t wide_tiles =
      std::int64_t{blocks_for(op, p.lanes, WideTile::kCols)} * blocks_for(op, p.out_channels, WideTile::kRows);
  if (wide_tiles >= kMultiprocessors / 2) {
    launch_correlate<WideTile>(context, op, p, packed);
  } else {
    launch_correlate<NarrowTile>(context, op, p, packed);
  }
}

// --- filter gradient
// ---------------------------------------------------------------------------------------------------

/// What the filter gradient's blocks need: Correlation's geometry of the forward pass, dz, and the split of the lanes.
struct FilterSum {
  Correlation forward;  ///< y unused
  const float* dz;      ///< (Co, lanes)
  float* sums;          ///< (splits, Co, columns)
  int columns;          ///< Ci * K * K
  int lanes_per_split;  ///< a multiple of kDepth
};

/// Right operand: stage[(ci, tap)][lane] = x[ci][lane shifted by tap], zero on padding. A thread's columns stay the
/// same, its lanes move on.
template <class T, int Vec>
class TapLoader {
 public:
  __device__ TapLoader(int thread, const Correlation& p, int first_col, int columns)
      : p_(p), k_(thread % kPerRow * Vec), col_(thread / kPerRow) {
    const int taps = p.kernel * p.kernel;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int col = first_col + col_ + i * kStep;
      const int channel = col / taps, tap = col % taps;
      tap_y_[i] = col < columns ? tap / p.kernel : 0x10000;  // a column beyond the last lies on padding for every lane
      tap_x_[i] = tap % p.kernel;
      offset_[i] = channel * p.plane + (tap / p.kernel * p.width + tap_x_[i]) * p.samples;
    }
  }
  __device__ void operator()(float* stage, int k, int end) const {
    if (col_ >= kStep) return;
    const int lane = k + k_;
    const int pixel = p_.by_samples.quotient(lane);
    const int out_y = p_.by_out_width.quotient(pixel);
    const int y = out_y - p_.pad, x = p_.by_out_width.remainder(pixel, out_y) - p_.pad;
    const int at = (y * p_.width + x) * p_.samples + p_.by_samples.remainder(lane, pixel);
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int col = col_ + i * kStep;
      if (col >= T::kCols) break;
      const bool valid = lane < end && static_cast<unsigned>(y + tap_y_[i]) < static_cast<unsigned>(p_.height) &&
                         static_cast<unsigned>(x + tap_x_[i]) < static_cast<unsigned>(p_.width);
      async_copy<4 * Vec>(stage + col * kStride + k_, p_.x + (valid ? at + offset_[i] : 0), valid ? 4 * Vec : 0);
    }
  }

 private:
  static constexpr int kPerRow = T::kDepth / Vec;
  static constexpr int kStep = T::kThreads / kPerRow < T::kCols ? T::kThreads / kPerRow : T::kCols;
  static constexpr int kCount = (T::kCols + kStep - 1) / kStep;
  static constexpr int kStride = Stage<Layout::kRowMajor, T::kCols, T::kDepth>::kStride;

  const Correlation& p_;
  int k_, col_;
  int tap_y_[kCount], tap_x_[kCount], offset_[kCount];
};

/// One block: dw rows blockIdx.y * 44 .., columns blockIdx.x * kCols .., summed over the lanes of split blockIdx.z.
template <class T, int Vec>
__global__ void __launch_bounds__(T::kThreads) filter_kernel(FilterSum p) {
  const int thread = static_cast<int>(threadIdx.x);
  const int first_col = static_cast<int>(blockIdx.x) * T::kCols;
  const int first_row = static_cast<int>(blockIdx.y) * T::kRows;
  const int first_lane = static_cast<int>(blockIdx.z) * p.lanes_per_split;
  RowLoader<T, T::kRows, Vec> gradient(thread, p.dz, p.forward.lanes, first_row, p.forward.out_channels);
  TapLoader<T, Vec> window(thread, p.forward, first_col, p.columns);
  BlockProduct<T, Layout::kRowMajor, Layout::kRowMajor> product(thread);
  product.run(shared_memory<float>(), first_lane, std::min(first_lane + p.lanes_per_split, p.forward.lanes), gradient,
              window);
  if (!product.holds_result()) return;
  float* const sums = p.sums + static_cast<std::int64_t>(blockIdx.z) * p.forward.out_channels * p.columns;
#pragma unroll
  for (int i = 0; i < T::kThreadRows; ++i) {
    const int row = first_row + product.row(i);
    if (row >= p.forward.out_channels) continue;
#pragma unroll
    for (int j = 0; j < T::kThreadCols; ++j) {
      const int col = first_col + product.col(j);
      if (col < p.columns) sums[static_cast<std::int64_t>(row) * p.columns + col] = product.acc[i][j];
    }
  }
}

/// How the filter gradient of a shape is divided.
struct FilterPlan {
  bool narrow;
  std::int64_t splits, lanes_per_split;
};

FilterPlan plan_filter(std::int64_t out_channels, std::int64_t columns, std::int64_t lanes) {
  const auto round_up = [](std::int64_t count, std::int64_t each) { return (count + each - 1) / each * each; };
  FilterPlan plan{};
  plan.narrow = round_up(columns, NarrowFilterTile::kCols) < round_up(columns, WideFilterTile::kCols);
  const std::int64_t rows = plan.narrow ? NarrowFilterTile::kRows : WideFilterTile::kRows;
  const std::int64_t cols = plan.narrow ? NarrowFilterTile::kCols : WideFilterTile::kCols;
  const std::int64_t depth = plan.narrow ? NarrowFilterTile::kDepth : WideFilterTile::kDepth;
  const std::int64_t tiles = round_up(out_channels, rows) / rows * (round_up(columns, cols) / cols);
  // one wide block fills a multiprocessor's registers, four narrow ones do
  const std::int64_t wanted = std::max<std::int64_t>(1, kMultiprocessors * (plan.narrow ? 4 : 1) / tiles);
  const std::int64_t chunks = std::max<std::int64_t>(1, round_up(lanes, depth) / depth);
  plan.lanes_per_split = (chunks + wanted - 1) / wanted * depth;
  plan.splits = std::max<std::int64_t>(1, (lanes + plan.lanes_per_split - 1) / plan.lanes_per_split);
  return plan;
}

template <class T>
void launch_filter(const Context& context, const FilterSum& p, std::int64_t splits) {
  constexpr const char* kOp = "conv2d_backward_filter";
  const bool by_four = p.forward.samples % 4 == 0 && is_aligned16(p.forward.x) && is_aligned16(p.dz);
  const dim3 grid(blocks_for(kOp, p.columns, T::kCols), blocks_for(kOp, p.forward.out_channels, T::kRows),
                  static_cast<unsigned>(splits));
  launch(context, kOp, by_four ? filter_kernel<T, 4> : filter_kernel<T, 1>, grid, dim3(T::kThreads),
         BlockProduct<T, Layout::kRowMajor, Layout::kRowMajor>::kSharedBytes, p);
}

// --- shapes
// --------------------------------------------------------------------------------------------------------------

/// Geometry of x (Ci,H,W,N) * w (Co,Ci,K,K) -> z (Co,Ho,Wo,N) as the kernels want it. Throws where indices would not
/// fit.
Correlation make_correlation(const char* op, const Shape& x, const Shape& z, std::int64_t kernel, std::int64_t pad) {
  constexpr std::int64_t kMost = 0x7fffffff - 4096;  // tiles reach beyond the last lane
  if (x.count() > kMost || z.count() > kMost) {
    throw Error(
        ErrorKind::kUsage, op,
        message("maps ", x.str(), " and ", z.str(), " need indices of more than 31 bits; ", "use a smaller batch"));
  }
  Correlation p{};
  p.channels = static_cast<int>(x[0]);
  p.height = static_cast<int>(x[1]);
  p.width = static_cast<int>(x[2]);
  p.samples = static_cast<int>(x[3]);
  p.out_channels = static_cast<int>(z[0]);
  p.out_width = static_cast<int>(z[2]);
  p.lanes = static_cast<int>(z[1] * z[2] * z[3]);
  p.plane = static_cast<int>(x[1] * x[2] * x[3]);
  p.kernel = static_cast<int>(kernel);
  p.pad = static_cast<int>(pad);
  p.by_samples = FastDivisor(std::max<std::int64_t>(1, x[3]));
  p.by_out_width = FastDivisor(std::max<std::int64_t>(1, z[2]));
  p.by_channels = FastDivisor(std::max<std::int64_t>(1, x[0]));
  return p;
}

Shape output_shape(const Shape& x, const Shape& w, ConvPads pads) {
  const std::int64_t grown = pads.begin + pads.end - w[2] + 1;
  return Shape(w[0], x[1] + grown, x[2] + grown, x[3]);
}

}  // namespace

void conv2d_forward(const Context& context, ConvPads pads, In x, In w, Out z) {
  constexpr const char* kOp = "conv2d_forward";
  require_shape(kOp, "w", w, Shape(w[0], x[0], w[2], w[2]));
  require_shape(kOp, "z", z, output_shape(x.shape, w.shape, pads));
  if (z.count() == 0) return;
  Correlation p = make_correlation(kOp, x.shape, z.shape, w[2], pads.begin);
  p.x = x.data;
  p.y = z.data;
  correlate<false>(context, kOp, p, w.data);
}

void conv2d_backward_data(const Context& context, ConvPads pads, In w, In dz, Out dx) {
  constexpr const char* kOp = "conv2d_backward_data";
  require_shape(kOp, "w", w, Shape(dz[0], dx[0], w[2], w[2]));
  require_shape(kOp, "dz", dz, output_shape(dx.shape, w.shape, pads));
  if (dx.count() == 0) return;
  // dx[y] sees dz[y + pad_begin - tap], that is tap' = K - 1 - tap at a padding of K - 1 - pad_begin
  Correlation p = make_correlation(kOp, dz.shape, dx.shape, w[2], w[2] - 1 - pads.begin);
  p.x = dz.data;
  p.y = dx.data;
  correlate<true>(context, kOp, p, w.data);
}

void conv2d_backward_filter(const Context& context, ConvPads pads, In x, In dz, Out dw) {
  constexpr const char* kOp = "conv2d_backward_filter";
  require_shape(kOp, "dw", dw, Shape(dz[0], x[0], dw[2], dw[2]));
  require_shape(kOp, "dz", dz, output_shape(x.shape, dw.shape, pads));
  if (dw.count() == 0) return;
  FilterSum p{};
  p.forward = make_correlation(kOp, x.shape, dz.shape, dw[2], pads.begin);
  p.forward.x = x.data;
  p.dz = dz.data;
  p.columns = static_cast<int>(dw.count() / dw[0]);
  const FilterPlan plan = plan_filter(dw[0], p.columns, p.forward.lanes);
  p.lanes_per_split = static_cast<int>(plan.lanes_per_split);
  p.sums = plan.splits == 1 ? dw.data
                            : workspace_as<float>(context, kOp, static_cast<std::size_t>(plan.splits * dw.count()));
  plan.narrow ? launch_filter<NarrowFilterTile>(context, p, plan.splits)
              : launch_filter<WideFilterTile>(context, p, plan.splits);
  if (plan.splits > 1) sum_splits(context, kOp, plan.splits, dw.count(), p.sums, nullptr, 1, dw.data);
}

std::size_t conv2d_workspace(const ConvGeometry& g) {
  const std::int64_t taps = g.w[2] * g.w[3];
  const std::int64_t forward = taps * g.w[1] * packed_cols(g.w[0]);
  const std::int64_t data = taps * g.w[0] * packed_cols(g.w[1]);
  const Shape z = output_shape(g.x, g.w, g.pads);
  const FilterPlan plan = plan_filter(g.w[0], g.w[1] * taps, z.count() / std::max<std::int64_t>(1, z[0]));
  const std::int64_t filter = plan.splits > 1 ? plan.splits * g.w.count() : 0;
  return sizeof(float) * static_cast<std::size_t>(std::max({forward, data, filter}));
}

}  // namespace shcnn::SHCNN_EXECUTOR
