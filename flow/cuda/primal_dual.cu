// primal_dual: several inner iterations of a tile in one launch, with the state in registers and the neighbours read
// through shared memory.
//
//     v  = u + threshold step
//     u' = v + theta div p
//     p' = (p + tau/theta grad u') / (1 + tau/theta |grad u'|)
//
// A block loads a tile of 64 x 32 pixels (64 x 24 with gamma) with a halo of kBatchSteps pixels, does up to kBatchSteps
// iterations, and stores the pixels that are still correct: a pixel of p' depends on u' one pixel to the right and
// below, and u' on p one pixel to the left and above, so an iteration costs one pixel on every side except at the
// image's edges. A thread holds 8 pixels of one column (6 with gamma). Its vertical neighbours are its own registers;
// from shared memory it reads p1 of the column to its left, u of the column to its right, and one row at each end.
// There are two barriers per iteration.
//
// Threads of a warp are neighbours along a row: a warp loads 128 contiguous bytes of a plane, once for kBatchSteps
// iterations. 16-byte loads would save eight of about a thousand instructions and take the registers of four columns.
//
// advance: sums the errors of the tiles in a fixed tree and decides what each pair does next. A launch of several
// iterations can go past the iteration at which the flow converges. Its results are then dropped (the older copies are
// still there), and the next launch does exactly the iterations up to that one, so a pair stops at the same iteration
// as on the CPU.
#include "flow/cuda/kernel.h"
#include "flow/cuda/tiles.h"
#include "flow/math/cubic.h"
#include "flow/math/tvl1_step.h"

namespace shcnn::flow::SHCNN_EXECUTOR {
namespace {

constexpr int kWarp = 32;

/// The pixels that one thread iterates, and its exchange with neighbouring threads.
template <int kC>
class Strip {
  using T = StepTile<kC>;
  static constexpr int kRows = T::kRows;

 public:
  __device__ __forceinline__ Strip(const BatchLevel& level, const StepSizes& sizes, TileSpan across, TileSpan down)
      : sizes_(sizes),
        column_(static_cast<int>(threadIdx.x) % T::kWidth),
        group_(static_cast<int>(threadIdx.x) / T::kWidth),
        x_(across.origin + column_),
        y_(down.origin + group_ * kRows),
        rows_(level.height - y_ < kRows ? level.height - y_ : kRows),
        first_(down.begin - y_),
        end_(x_ >= across.begin && x_ < across.end ? down.end - y_ : first_),
        last_column_(x_ + 1 >= level.width || column_ == T::kWidth - 1),
        has_below_(group_ < T::kGroups - 1 && y_ + kRows < level.height),
        shared_(shared_memory<float>()) {
    if (x_ >= level.width) rows_ = 0;
  }

  /// Whether any of its pixels lie in the image; if not, the thread only takes part in the barriers.
  __device__ __forceinline__ bool works() const { return rows_ > 0; }

  __device__ __forceinline__ void load(const BatchLevel& level, int pair, const Progress& progress) {
#pragma unroll
    for (int c = 0; c < kC; ++c) {
      load(level.u, pair, progress.u * kC + c, u_[c]);
      load(level.p, pair, (progress.p * kC + c) * 2, p1_[c]);
      load(level.p, pair, (progress.p * kC + c) * 2 + 1, p2_[c]);
    }
    load(level.warped, pair, 0, ix_);
    load(level.warped, pair, 1, iy_);
    load(level.warped, pair, 2, rho_c_);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const float grad = ix_[r] * ix_[r] + iy_[r] * iy_[r];
      inv_grad_[r] = grad > kFlat ? reciprocal(grad) : 0.0f;
    }
  }

  /// Writes to the copies that were not read.
  __device__ __forceinline__ void store(const BatchLevel& level, int pair, const Progress& progress) const {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      if (r < first_ || r >= end_) continue;
#pragma unroll
      for (int c = 0; c < kC; ++c) {
        level.u.row(pair, (1 - progress.u) * kC + c, y_ + r)[x_] = u_[c][r];
        level.p.row(pair, ((1 - progress.p) * kC + c) * 2, y_ + r)[x_] = p1_[c][r];
        level.p.row(pair, ((1 - progress.p) * kC + c) * 2 + 1, y_ + r)[x_] = p2_[c][r];
      }
    }
  }

  /// All threads must call this: the tile's first column reads the element before its row, which must be initialised.
  __device__ __forceinline__ void share_p() const {
#pragma unroll
    for (int c = 0; c < kC; ++c) {
#pragma unroll
      for (int r = 0; r < kRows; ++r) p1_at(c, group_ * kRows + r, column_) = p1_[c][r];
      p2_at(c, group_, column_) = p2_[c][kRows - 1];
    }
  }

  /// Threshold and primal step; returns the squared change of u, summed over the pixels that this block stores.
  __device__ __forceinline__ float primal() {
    const bool column0 = x_ == 0;
    float error = 0.0f;
    float p2_up[kC];
#pragma unroll
    for (int c = 0; c < kC; ++c) p2_up[c] = group_ > 0 ? p2_at(c, group_ - 1, column_) : 0.0f;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const float grad = ix_[r] * ix_[r] + iy_[r] * iy_[r];
      float rho = rho_c_[r] + (ix_[r] * u_[0][r] + iy_[r] * u_[1][r]);
      if constexpr (kC == 3) rho = rho + sizes_.gamma * u_[2][r];
      const float step = threshold_step(rho, grad, inv_grad_[r], sizes_.l_t);
      float change2 = 0.0f;
#pragma unroll
      for (int c = 0; c < kC; ++c) {
        const float direction = c == 0 ? ix_[r] : c == 1 ? iy_[r] : sizes_.gamma;
        const float p1_left = p1_at(c, group_ * kRows + r, column_ - 1);
        const float div = divergence(column0, p1_[c][r], p1_left, p2_[c][r], p2_up[c]);
        const float u = (u_[c][r] + step * direction) + sizes_.theta * div;
        const float change = u - u_[c][r];
        change2 = c == 0 ? change * change : change2 + change * change;
        u_[c][r] = u;
        u_at(c, group_ * kRows + r, column_) = u;
        p2_up[c] = p2_[c][r];
      }
      if (r >= first_ && r < end_) error = error + change2;
    }
    return error;
  }

  __device__ __forceinline__ void dual() {
    const int right = last_column_ ? column_ : column_ + 1;
#pragma unroll
    for (int c = 0; c < kC; ++c) {
      const float below = has_below_ ? u_at(c, (group_ + 1) * kRows, column_) : 0.0f;
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float u = u_[c][r];
        const float dx = u_at(c, group_ * kRows + r, right) - u;
        const float u_down = r < kRows - 1 ? u_[c][r < kRows - 1 ? r + 1 : r] : below;
        const float dy = r + 1 < rows_ || (r == kRows - 1 && has_below_) ? u_down - u : 0.0f;
        dual_step(dx, dy, sizes_.taut, p1_[c][r], p2_[c][r]);
      }
    }
  }

  __device__ __forceinline__ void share_error(int iteration, float error) const {
    shared_[kErrors + iteration * T::kThreads + static_cast<int>(threadIdx.x)] = error;
  }
  /// The block's error of one iteration, summed by one warp: 8 terms per lane in order, then a tree.
  __device__ __forceinline__ float sum_errors(int iteration) const {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    float sum = 0.0f;
    for (int i = 0; i < T::kThreads / kWarp; ++i) {
      sum = sum + shared_[kErrors + iteration * T::kThreads + i * kWarp + lane];
    }
    for (int half = kWarp / 2; half > 0; half /= 2) sum = sum + __shfl_down_sync(0xffffffffu, sum, half);
    return sum;
  }

 private:
  static constexpr int kErrors = kC * (2 * T::kPixels + T::kThreads);

  __device__ __forceinline__ void load(const BatchPlanes& planes, int pair, int plane, float (&to)[kRows]) const {
    const float* from = planes.row(pair, plane, y_) + x_;
#pragma unroll
    for (int r = 0; r < kRows; ++r, from += planes.pitch) to[r] = r < rows_ ? *from : 0.0f;
  }
  __device__ __forceinline__ float& p1_at(int c, int row, int column) const {
    return shared_[kC * T::kThreads + c * T::kPixels + row * T::kWidth + column];
  }
  __device__ __forceinline__ float& u_at(int c, int row, int column) const {
    return shared_[kC * (T::kThreads + T::kPixels) + c * T::kPixels + row * T::kWidth + column];
  }
  __device__ __forceinline__ float& p2_at(int c, int group, int column) const {
    return shared_[c * T::kThreads + group * T::kWidth + column];
  }

  const StepSizes& sizes_;
  const int column_, group_;  ///< position in the tile
  const int x_, y_;           ///< image coordinates of the first pixel
  int rows_;                  ///< rows inside the image
  const int first_, end_;     ///< rows that the block stores
  const bool last_column_;    ///< the column is the last of the image or of the tile
  const bool has_below_;      ///< the last row has a row below it, in the tile and in the image
  float* const shared_;
  float u_[kC][kRows], p1_[kC][kRows], p2_[kC][kRows];
  float ix_[kRows], iy_[kRows], rho_c_[kRows], inv_grad_[kRows];
};

template <int kC>
__global__ void __launch_bounds__(StepTile<kC>::kThreads, 2)
    primal_dual_kernel(BatchLevel level, StepSizes sizes, int steps_wanted, float* errors) {
  using T = StepTile<kC>;
  const int pair = static_cast<int>(blockIdx.z);
  const Progress& progress = level.progress[pair];  // read again at the end rather than kept in registers
  if (progress.state == PairState::kRests) return;
  const int steps = progress.state == PairState::kAgain ? progress.again : steps_wanted;
  if (steps == 0) return;
  Strip<kC> strip(level, sizes, tile_span(static_cast<int>(blockIdx.x), level.width, T::kWidth),
                  tile_span(static_cast<int>(blockIdx.y), level.height, T::kHeight));
  strip.load(level, pair, progress);
  for (int i = 0; i < steps; ++i) {
    strip.share_p();
    __syncthreads();
    float error = 0.0f;
    if (strip.works()) error = strip.primal();
    strip.share_error(i, error);
    __syncthreads();
    if (strip.works()) strip.dual();
  }
  strip.store(level, pair, progress);
  const int warp_index = static_cast<int>(threadIdx.x) / kWarp;
  if (warp_index < steps) {
    const float sum = strip.sum_errors(warp_index);
    const int tiles = static_cast<int>(gridDim.x * gridDim.y);
    const int tile = static_cast<int>(blockIdx.y * gridDim.x + blockIdx.x);
    if (threadIdx.x % kWarp == 0) {
      errors[(std::ptrdiff_t{pair} * kBatchSteps + warp_index) * tiles + tile] = sum;
    }
  }
}

/// One block per pair, one warp per iteration.
__global__ void __launch_bounds__(kWarp* kBatchSteps)
    advance_kernel(BatchLevel level, StopRule rule, int steps, int tiles, const float* errors, int* finished) {
  const int pair = static_cast<int>(blockIdx.x);
  Progress progress = level.progress[pair];
  if (progress.state == PairState::kRests || (progress.state == PairState::kRunning && steps == 0)) return;
  double* const sums = shared_memory<double>();  // per iteration
  const int lane = static_cast<int>(threadIdx.x) % kWarp, iteration = static_cast<int>(threadIdx.x) / kWarp;
  double sum = 0;
  if (iteration < steps && progress.state == PairState::kRunning) {
    const float* of_tiles = errors + (std::ptrdiff_t{pair} * kBatchSteps + iteration) * tiles;
    for (int tile = lane; tile < tiles; tile += kWarp) sum += static_cast<double>(of_tiles[tile]);
  }
  for (int half = kWarp / 2; half > 0; half /= 2) sum += __shfl_down_sync(0xffffffffu, sum, half);
  if (lane == 0) sums[iteration] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;

  int done = steps;
  if (progress.state == PairState::kAgain) {
    done = progress.again;
    progress.state = PairState::kRests;
  } else if (rule.early_stop) {
    for (int i = 0; i < steps; ++i) {
      if (sums[i] > rule.enough) continue;
      progress.state = i + 1 == steps ? PairState::kRests : PairState::kAgain;
      progress.again = i + 1;
      break;
    }
  }
  if (progress.state != PairState::kAgain) {
    progress.u = 1 - progress.u;
    progress.p = 1 - progress.p;
    progress.iterations += done;
    progress.pixel_iterations += static_cast<long long>(done) * level.width * level.height;
  }
  level.progress[pair] = progress;
  if (progress.state == PairState::kRests) finished[pair] = rule.serial;
}

/// One thread per pair.
__global__ void turn_kernel(BatchLevel level, bool after_median) {
  const int pair = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (pair >= level.pairs) return;
  Progress& progress = level.progress[pair];
  if (after_median && progress.state != PairState::kRunning) return;
  progress.u = 1 - progress.u;
  if (after_median) ++progress.medians;
}

template <int kC>
void run(const Context& context, const BatchLevel& level, const StepSizes& sizes, int steps, float* errors) {
  using T = StepTile<kC>;
  static_assert(T::kSharedFloats * sizeof(float) <= kDefaultSharedBytes);
  const dim3 grid(static_cast<unsigned>(tiles_along(level.width, T::kWidth)),
                  static_cast<unsigned>(tiles_along(level.height, T::kHeight)), static_cast<unsigned>(level.pairs));
  launch(context, "primal_dual", primal_dual_kernel<kC>, grid, dim3(T::kThreads), sizeof(float) * T::kSharedFloats,
         level, sizes, steps, errors);
}

}  // namespace

void primal_dual(const Context& context, const BatchLevel& level, const StepSizes& sizes, int steps, float* errors) {
  if (level.components == 3) return run<3>(context, level, sizes, steps, errors);
  run<2>(context, level, sizes, steps, errors);
}

void advance(const Context& context, const BatchLevel& level, const StopRule& rule, int steps, const float* errors,
             int* finished) {
  launch(context, "advance", advance_kernel, dim3(static_cast<unsigned>(level.pairs)), dim3(kWarp * kBatchSteps),
         sizeof(double) * kBatchSteps, level, rule, steps, step_tiles(level.width, level.height, level.components),
         errors, finished);
}

void turn(const Context& context, const BatchLevel& level, bool after_median) {
  launch_1d(context, "turn", turn_kernel, level.pairs, level, after_median);
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
