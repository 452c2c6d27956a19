// Convolution and its input gradient, as implicit matrix products (gemm.cuh). Stride 1.
//
// The sample is innermost, so for one channel the outputs (oy, ox, n) are one contiguous run of `lanes`, and shifting
// the window by a tap shifts that run by a constant. So no im2col matrix is built: its rows are read directly from x.
//
//   forward:         z [co][lane] = sum over (tap, ci) of  w[tap, ci][co] * x[ci][lane + tap]
//   input gradient:  dx[ci][lane] = sum over (tap, co) of  w[-tap, co][ci] * dz[co][lane + tap]
//
// Both use one kernel, correlate: a block computes 44 channels x 96 (or 32) lanes. The weights are first reordered into
// the order in which the product reads them (pack_weights, a few hundred kB at most), mirrored for the input gradient.
// Taps that fall on padding for every lane of a tile are skipped.
//
// 44 rows are 11 rows for each of four threads: SHCNN's 44 and 88 channels need no padding to a power of two. Bytes and
// flops: docs/kernels.md.
#include <algorithm>

#include "kernels/cuda/conv2d.cuh"
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_tf32.cuh"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

//                     rows, cols per thread; rows, cols of threads; slices; depth
using WideTile = Tile<11, 8, 4, 12, 4, 44>;   // 44 x 96, 192 threads
using NarrowTile = Tile<11, 8, 4, 4, 8, 44>;  // 44 x 32, 128 threads: used if there are too few wide tiles
//                             16-row, 8-col products per warp; rows, cols of warps; slices; depth
using TensorTile96 = TensorTile<3, 6, 1, 2, 2, 44>;  // 48 x 96, 128 threads: tf32
constexpr int kTileRows = WideTile::kRows;
static_assert(kTileRows == NarrowTile::kRows, "one packing of the weights serves all");

template <class T>
using Product = BlockProduct<T, Layout::kDepthMajor, Layout::kDepthMajor>;
using Tf32Product = TensorProduct<TensorTile96, Layout::kDepthMajor, Layout::kDepthMajor>;

// --- weights in the order of the product ----------------------------------------------------------------------------

/// Columns of the packed weights: the 11 rows of each thread of a tile, padded to 12. Tensor cores multiply all 48.
constexpr int kPaddedRows = Product<WideTile>::kPaddedRows;
constexpr int kPackedTile = kPaddedRows * WideTile::kGridRows;
static_assert(kPackedTile == TensorTile96::kRows);

/// packed (taps, input channels, tiles of 48) <- w (Co, Ci, K, K). For the input gradient (kMirrored) the input
/// channels are Co, the rows are Ci, and tap t reads tap K*K - 1 - t of w. One thread per element of `packed`; padding
/// is zero.
template <bool kMirrored>
__global__ void pack_weights_kernel(int taps, int in, int out, int packed_cols, const float* __restrict__ w,
                                    float* __restrict__ packed) {
  const int index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (index >= taps * in * packed_cols) return;
  const int col = index % packed_cols;
  const int channel = index / packed_cols % in;
  const int tap = index / packed_cols / in;
  const int row = col / kPaddedRows * WideTile::kThreadRows + col % kPaddedRows;
  float value = 0;
  if (col % kPaddedRows < WideTile::kThreadRows && row < out) {
    value = kMirrored ? w[(channel * out + row) * taps + taps - 1 - tap] : w[(row * in + channel) * taps + tap];
  }
  packed[index] = value;
}

std::int64_t packed_cols(std::int64_t out) { return (out + kTileRows - 1) / kTileRows * kPackedTile; }

// --- forward and input gradient -------------------------------------------------------------------------------------

/// The taps that fall inside x for at least one lane of a tile: rows first_y .., columns first_x .. first_x + columns
/// - 1.
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

/// Splits k into the tap's row y and column x, and the channel. In the loaders below, WholeTaps means that the channels
/// are a multiple of kDepth, so that all k of a chunk have the same tap.
__device__ __forceinline__ void split_depth(const Correlation& p, const TapRectangle& taps, int k, int& y, int& x,
                                            int& channel) {
  const int tap = p.by_channels.quotient(k);
  channel = p.by_channels.remainder(k, tap);
  taps.at(tap, y, x);
}

/// Loads the right operand: stage[k][lane] = x[channel][lane shifted by tap], zero on padding.
template <class P, int Vec, bool WholeTaps>
class WindowLoader {
  using T = typename P::T;
  static constexpr int kStride = P::RightStage::kStride;

 public:
  __device__ WindowLoader(int thread, const Correlation& p, const TapRectangle& taps, int first_lane)
      : p_(p), taps_(taps), col_(thread % kPerRow * Vec), row_(thread / kPerRow) {
    const int lane = first_lane + col_;
    const int pixel = p.by_samples.quotient(lane);
    const int out_y = p.by_out_width.quotient(pixel);
    y_ = lane < p.lanes ? out_y - p.pad : -0x10000;  // a lane beyond the last one is on padding for every tap
    x_ = p.by_out_width.remainder(pixel, out_y) - p.pad;
    sample_ = p.by_samples.remainder(lane, pixel);
  }
  __device__ void operator()(float* stage, int k, int end) const {
    if (row_ >= kStep) return;
    float* const to = stage + row_ * kStride + col_;
    if constexpr (WholeTaps) {
      const Source source = locate(k);
      const float* from = source.address + static_cast<std::int64_t>(row_) * p_.plane;
      const std::int64_t step = static_cast<std::int64_t>(kStep) * p_.plane;
#pragma unroll
      for (int i = 0; i < T::kDepth; i += kStep, from += step) {
        if (row_ + i < T::kDepth) async_copy<4 * Vec>(to + i * kStride, from, source.bytes);
      }
    } else {
#pragma unroll
      for (int i = 0; i < T::kDepth; i += kStep) {
        if (row_ + i >= T::kDepth || k + row_ + i >= end) break;
        const Source source = locate(k + row_ + i);
        async_copy<4 * Vec>(to + i * kStride, source.address, source.bytes);
      }
    }
  }

 private:
  static constexpr int kPerRow = T::kCols / Vec;
  static constexpr int kStep = T::kThreads / kPerRow < T::kDepth ? T::kThreads / kPerRow : T::kDepth;
  static_assert(kStep > 0);

  struct Source {
    const float* address;
    int bytes;  ///< 0 on padding: the copy writes zeros
  };
  /// Address of the thread's lanes for k.
  __device__ Source locate(int k) const {
    int tap_y, tap_x, channel;
    split_depth(p_, taps_, k, tap_y, tap_x, channel);
    const int y = y_ + tap_y, x = x_ + tap_x;
    const bool valid = static_cast<unsigned>(y) < static_cast<unsigned>(p_.height) &&
                       static_cast<unsigned>(x) < static_cast<unsigned>(p_.width);
    const int at = valid ? (y * p_.width + x) * p_.samples + sample_ : 0;
    return {p_.x + channel * p_.plane + at, valid ? 4 * Vec : 0};
  }

  const Correlation& p_;
  const TapRectangle& taps_;
  int col_, row_, y_, x_, sample_;
};

/// Loads the left operand: stage[k][row] = packed[tap][channel][tile's columns].
template <class P, bool WholeTaps>
class PackedWeightLoader {
  using T = typename P::T;
  static constexpr int kStride = P::LeftStage::kStride;

 public:
  __device__ PackedWeightLoader(int thread, const Correlation& p, const TapRectangle& taps, const float* packed,
                                int cols)
      : p_(p), taps_(taps), cols_(cols), col_(thread % kPerRow * 4), row_(thread / kPerRow), from_(packed + col_) {}
  __device__ void operator()(float* stage, int k, int end) const {
    if (row_ >= kStep) return;
    float* const to = stage + row_ * kStride + col_;
    if constexpr (WholeTaps) {
      const float* from = locate(k) + row_ * cols_;
#pragma unroll
      for (int i = 0; i < T::kDepth; i += kStep, from += kStep * cols_) {
        if (row_ + i < T::kDepth) async_copy<16>(to + i * kStride, from);
      }
    } else {
#pragma unroll
      for (int i = 0; i < T::kDepth; i += kStep) {
        if (row_ + i >= T::kDepth || k + row_ + i >= end) break;
        async_copy<16>(to + i * kStride, locate(k + row_ + i));
      }
    }
  }

 private:
  static constexpr int kPerRow = kPackedTile / 4;
  static constexpr int kStep = T::kThreads / kPerRow < T::kDepth ? T::kThreads / kPerRow : T::kDepth;

  /// Address of the weights of k. `packed` holds all taps; k counts only the taps of the tile's rectangle.
  __device__ const float* locate(int k) const {
    int y, x, channel;
    split_depth(p_, taps_, k, y, x, channel);
    return from_ + ((y * p_.kernel + x) * p_.channels + channel) * cols_;
  }

  const Correlation& p_;
  const TapRectangle& taps_;
  int cols_, col_, row_;
  const float* from_;
};

/// A block computes rows blockIdx.y * 44 .., lanes blockIdx.x * kCols .. of y.
template <class P, int Vec, bool WholeTaps>
__global__ void __launch_bounds__(P::T::kThreads)
    correlate_kernel(Correlation p, const float* __restrict__ packed, int packed_columns) {
  using T = typename P::T;
  const int thread = static_cast<int>(threadIdx.x);
  const int first_lane = static_cast<int>(blockIdx.x) * T::kCols;
  const int first_row = static_cast<int>(blockIdx.y) * kTileRows;
  const TapRectangle taps(p, first_lane, std::min(first_lane + T::kCols, p.lanes) - 1);
  PackedWeightLoader<P, WholeTaps> weights(thread, p, taps, packed + blockIdx.y * kPackedTile, packed_columns);
  WindowLoader<P, Vec, WholeTaps> window(thread, p, taps, first_lane);
  P product(thread);
  product.run(shared_memory<float>(), 0, taps.count * p.channels, weights, window);
  if (!product.holds_result()) return;
  store_tile<Vec>(product, first_lane, p.lanes, [&](int tile_row) -> float* {
    int row = first_row + tile_row;
    if constexpr (P::kTensorCores) {  // the tile's rows are columns of `packed`: every twelfth is padding
      if (tile_row % kPaddedRows >= WideTile::kThreadRows) return nullptr;
      row = first_row + tile_row / kPaddedRows * WideTile::kThreadRows + tile_row % kPaddedRows;
    }
    return row < p.out_channels ? p.y + static_cast<std::int64_t>(row) * p.lanes : nullptr;
  });
}

template <class P, int Vec, bool WholeTaps>
void launch_correlate(const Context& context, const char* op, const Correlation& p, const float* packed) {
  const dim3 grid(blocks_for(op, p.lanes, P::T::kCols), blocks_for(op, p.out_channels, kTileRows));
  launch(context, op, correlate_kernel<P, Vec, WholeTaps>, grid, dim3(P::T::kThreads), P::kSharedBytes, p, packed,
         static_cast<int>(packed_cols(p.out_channels)));
}

template <class P>
void launch_correlate(const Context& context, const char* op, const Correlation& p, const float* packed) {
  const bool by_four = p.samples % 4 == 0 && is_aligned16(p.x) && is_aligned16(p.y);
  const bool whole_taps = p.channels % P::T::kDepth == 0;
  const auto run = by_four ? (whole_taps ? launch_correlate<P, 4, true> : launch_correlate<P, 4, false>)
                           : (whole_taps ? launch_correlate<P, 1, true> : launch_correlate<P, 1, false>);
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
  if (context.allow_tf32) {
    launch_correlate<Tf32Product>(context, op, p, packed);
  } else if (wide_tiles >= 2 * kMultiprocessors) {
    launch_correlate<Product<WideTile>>(context, op, p, packed);
  } else {
    launch_correlate<Product<NarrowTile>>(context, op, p, packed);
  }
}

// --- plain kernels: one thread per output, for tests ----------------------------------------------------------------

/// z = conv(x, w); `p` is forward_geometry's, p.x is x, p.y is z. Taps are summed in order.
__global__ void conv2d_forward_naive_kernel(Correlation p, const float* __restrict__ w) {
  const int lane = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int co = static_cast<int>(blockIdx.y);
  if (lane >= p.lanes) return;
  const int n = lane % p.samples, out_x = lane / p.samples % p.out_width, out_y = lane / p.samples / p.out_width;
  float sum = 0;
  for (int ci = 0; ci < p.channels; ++ci) {
    for (int ky = 0; ky < p.kernel; ++ky) {
      for (int kx = 0; kx < p.kernel; ++kx) {
        const int y = out_y + ky - p.pad, x = out_x + kx - p.pad;
        if (y < 0 || y >= p.height || x < 0 || x >= p.width) continue;
        sum = fmadd(w[((co * p.channels + ci) * p.kernel + ky) * p.kernel + kx],
                    p.x[ci * p.plane + (y * p.width + x) * p.samples + n], sum);
      }
    }
  }
  p.y[static_cast<std::int64_t>(co) * p.lanes + lane] = sum;
}

/// dx from dz: for each (y, x) the sum over all outputs that depend on it. `p` is backward_geometry's: p.x is dz (Co),
/// p.y is dx (Ci), and the forward pad is kernel - 1 - p.pad.
__global__ void conv2d_backward_data_naive_kernel(Correlation p, const float* __restrict__ w) {
  const int lane = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int ci = static_cast<int>(blockIdx.y);
  if (lane >= p.lanes) return;
  const int n = lane % p.samples, x = lane / p.samples % p.out_width, y = lane / p.samples / p.out_width;
  const int pad = p.kernel - 1 - p.pad;
  float sum = 0;
  for (int co = 0; co < p.channels; ++co) {
    for (int ky = 0; ky < p.kernel; ++ky) {
      for (int kx = 0; kx < p.kernel; ++kx) {
        const int out_y = y + pad - ky, out_x = x + pad - kx;
        if (out_y < 0 || out_y >= p.height || out_x < 0 || out_x >= p.width) continue;
        sum = fmadd(w[((co * p.out_channels + ci) * p.kernel + ky) * p.kernel + kx],
                    p.x[co * p.plane + (out_y * p.width + out_x) * p.samples + n], sum);
      }
    }
  }
  p.y[static_cast<std::int64_t>(ci) * p.lanes + lane] = sum;
}

// --- arguments ------------------------------------------------------------------------------------------------------

/// Checks the shapes of conv2d_forward and returns its correlation.
Correlation forward_geometry(ConvPads pads, In x, In w, Out z) {
  constexpr const char* kOp = "conv2d_forward";
  require_shape(kOp, "w", w, Shape(w[0], x[0], w[2], w[2]));
  require_shape(kOp, "z", z, output_shape(x.shape, w.shape, pads));
  Correlation p = make_correlation(kOp, x.shape, z.shape, w[2], pads.begin);
  p.x = x.data;
  p.y = z.data;
  return p;
}

/// The same for the input gradient: dx[y] depends on dz[y + begin - tap], which the mirrored tap K - 1 - tap reads if
/// the padding is K - 1 - begin.
Correlation backward_geometry(ConvPads pads, In w, In dz, Out dx) {
  constexpr const char* kOp = "conv2d_backward_data";
  require_shape(kOp, "w", w, Shape(dz[0], dx[0], w[2], w[2]));
  require_shape(kOp, "dz", dz, output_shape(dx.shape, w.shape, pads));
  Correlation p = make_correlation(kOp, dz.shape, dx.shape, w[2], w[2] - 1 - pads.begin);
  p.x = dz.data;
  p.y = dx.data;
  return p;
}

}  // namespace

void conv2d_forward(const Context& context, ConvPads pads, In x, In w, Out z) {
  const Correlation p = forward_geometry(pads, x, w, z);
  if (z.count() > 0) correlate<false>(context, "conv2d_forward", p, w.data);
}

void conv2d_backward_data(const Context& context, ConvPads pads, In w, In dz, Out dx) {
  const Correlation p = backward_geometry(pads, w, dz, dx);
  if (dx.count() > 0) correlate<true>(context, "conv2d_backward_data", p, w.data);
}

void conv2d_forward_naive(const Context& context, ConvPads pads, In x, In w, Out z) {
  const Correlation p = forward_geometry(pads, x, w, z);
  const dim3 grid(blocks_for("conv2d_forward", p.lanes, kThreads1D), static_cast<unsigned>(p.out_channels));
  launch(context, "conv2d_forward", conv2d_forward_naive_kernel, grid, dim3(kThreads1D), 0, p, w.data);
}

void conv2d_backward_data_naive(const Context& context, ConvPads pads, In w, In dz, Out dx) {
  const Correlation p = backward_geometry(pads, w, dz, dx);
  const dim3 grid(blocks_for("conv2d_backward_data", p.lanes, kThreads1D), static_cast<unsigned>(p.out_channels));
  launch(context, "conv2d_backward_data", conv2d_backward_data_naive_kernel, grid, dim3(kThreads1D), 0, p, w.data);
}

std::size_t conv2d_workspace(const ConvGeometry& g) {
  const std::int64_t taps = g.w[2] * g.w[3];
  const std::int64_t forward = taps * g.w[1] * packed_cols(g.w[0]);
  const std::int64_t data = taps * g.w[0] * packed_cols(g.w[1]);
  return std::max(sizeof(float) * static_cast<std::size_t>(std::max(forward, data)), conv2d_filter_workspace(g));
}

}  // namespace shcnn::SHCNN_EXECUTOR
