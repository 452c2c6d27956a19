// The optimiser: the step's scalars, global-norm clipping, Adam with fused L2, its replay for parameters whose data
// gradient is zero, and publishing the report. Formulas: math/adam.h, math/step_state.h.
//
// A block streams kBlock parameters, 16 per thread with 16-byte loads and stores: 28 bytes per parameter (16 read, 12
// written). It is limited by memory bandwidth. The same pass computes the report's sums: each block writes its partial
// sums to the workspace, in double, and one block adds them in an order that the number of parameters alone fixes.
// There are no float atomics.
//
// adam_replay keeps its parameters in registers for up to kReplaySteps steps, so it moves 24 bytes per parameter for
// all these steps together; it is limited by square roots and divisions. It calls adam_update like adam_step does,
// compiled without contraction to fused multiply-add, so the results are bit-identical.
#include <algorithm>

#include "kernels/cuda/block_sum.cuh"
#include "kernels/cuda/lanes.cuh"
#include "kernels/cuda/ops.h"
#include "kernels/math/adam.h"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpThreads;
constexpr int kFours = 4;  // groups of four parameters per thread
constexpr std::int64_t kBlock = std::int64_t{kThreads} * kFours * 4;
constexpr int kReplaySteps = 64;  // steps in one pass of adam_replay
static_assert(kReplaySteps <= kThreads, "one thread adds up one step's shares");

/// A block's partial sums of the step's report.
struct Share {
  double sum_squares;
  std::int64_t non_finite;
};

std::int64_t blocks_of(std::int64_t parameters) { return (parameters + kBlock - 1) / kBlock; }

/// First of the thread's four parameters in round `i`. Adjacent threads of a warp have adjacent groups of four.
__device__ __forceinline__ std::int64_t first_of_four(int i) {
  return std::int64_t{blockIdx.x} * kBlock + (i * kThreads + static_cast<int>(threadIdx.x)) * 4;
}

__global__ void advance_step_kernel(StepSchedule schedule, StepState* state) { advance(*state, schedule); }

// --- global norm ----------------------------------------------------------------------------------------------------

/// squares[block] = sum of (g + 2 lambda w)^2 over the block's parameters. w, g (count)
template <bool kAligned>
__global__ void norm_kernel(double lambda, std::int64_t count, std::int64_t decayed, const float* __restrict__ w,
                            const float* __restrict__ g, double* __restrict__ squares) {
  double sum = 0;
#pragma unroll
  for (int round = 0; round < kFours; ++round) {
    const std::int64_t at = first_of_four(round);
    if (at >= count) break;
    const Lanes<4> weight = load_four<kAligned>(w, at, count), gradient = load_four<kAligned>(g, at, count);
#pragma unroll
    for (int i = 0; i < 4; ++i) sum += decayed_square(gradient.v[i], at + i < decayed ? lambda : 0.0, weight.v[i]);
  }
  const double total = block_sum<kThreads>(sum, shared_memory<double>());
  if (threadIdx.x == 0) squares[blockIdx.x] = total;
}

/// Computes the norm and the clip scale, in one block. squares (blocks)
__global__ void clip_scale_kernel(double limit, std::int64_t blocks, const double* __restrict__ squares,
                                  StepState* state, StepReport* report) {
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < blocks; i += kThreads) sum += squares[i];
  sum = block_sum<kThreads>(sum, shared_memory<double>());
  if (threadIdx.x > 0) return;
  report->grad_norm = sqrt(sum);
  state->clip_scale = clip_scale_for(report->grad_norm, limit);
}

// --- a step ---------------------------------------------------------------------------------------------------------

/// w, m, v, g (count); shares (blocks). Changes nothing if the report counts a non-finite logit.
template <bool kAligned>
__global__ void adam_step_kernel(AdamParams<float> params, std::int64_t count, std::int64_t decayed,
                                 const StepState* __restrict__ state, const StepReport* __restrict__ report,
                                 const float* __restrict__ g, float* __restrict__ w, float* __restrict__ m,
                                 float* __restrict__ v, Share* __restrict__ shares) {
  if (report->non_finite > 0) return;
  const float clip_scale = state->clip_scale, lr_t = state->lr_t;
  Share mine{0, 0};
#pragma unroll
  for (int round = 0; round < kFours; ++round) {
    const std::int64_t at = first_of_four(round);
    if (at >= count) break;
    const Lanes<4> gradient = load_four<kAligned>(g, at, count);
    Lanes<4> weight = load_four<kAligned>(w, at, count), mean = load_four<kAligned>(m, at, count),
             square = load_four<kAligned>(v, at, count);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool decays = at + i < decayed;
      if (decays) mine.sum_squares += static_cast<double>(weight.v[i]) * static_cast<double>(weight.v[i]);
      float new_weight = weight.v[i], new_mean = mean.v[i], new_square = square.v[i];
      adam_update(new_weight, new_mean, new_square, gradient.v[i], decays ? params.lambda : 0.0f, clip_scale, lr_t,
                  params);
      if (!adam_is_finite(new_weight, new_mean, new_square)) {
        ++mine.non_finite;
        continue;
      }
      weight.v[i] = new_weight;
      mean.v[i] = new_mean;
      square.v[i] = new_square;
    }
    store_four<kAligned>(w, at, count, weight);
    store_four<kAligned>(m, at, count, mean);
    store_four<kAligned>(v, at, count, square);
  }
  const double sum_squares = block_sum<kThreads>(mine.sum_squares, shared_memory<double>());
  const std::int64_t non_finite =
      block_sum<kThreads>(mine.non_finite, shared_memory<std::int64_t>(block_sum_bytes<kThreads, double>()));
  if (threadIdx.x == 0) shares[blockIdx.x] = {sum_squares, non_finite};
}

/// Adds the blocks' partial sums to the report, in one block; does nothing if the report counts a non-finite logit.
/// shares (blocks)
__global__ void add_shares_kernel(std::int64_t blocks, const Share* __restrict__ shares, StepReport* report) {
  if (report->non_finite > 0) return;
  Share mine{0, 0};
  for (std::int64_t i = threadIdx.x; i < blocks; i += kThreads) {
    mine.sum_squares += shares[i].sum_squares;
    mine.non_finite += shares[i].non_finite;
  }
  const double sum_squares = block_sum<kThreads>(mine.sum_squares, shared_memory<double>());
  const std::int64_t non_finite =
      block_sum<kThreads>(mine.non_finite, shared_memory<std::int64_t>(block_sum_bytes<kThreads, double>()));
  if (threadIdx.x > 0) return;
  report->sum_squares += sum_squares;
  report->non_finite += non_finite;
}

// --- replay ---------------------------------------------------------------------------------------------------------

/// rates (steps): lr_t of steps first_step .. first_step + steps - 1, computed with the same function as in
/// advance_step.
__global__ void replay_rates_kernel(StepSchedule schedule, std::uint64_t first_step, int steps, float* rates) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= steps) return;
  StepState state;
  state.step = first_step + static_cast<std::uint64_t>(i) - 1;
  advance(state, schedule);
  rates[i] = state.lr_t;
}

/// Updates w, m, v (count) `steps` times. squares (steps, blocks): sums of w^2 before each step. In each step every
/// warp writes its sum to shared memory without a barrier; after one barrier at the end the sums are added.
template <bool kAligned>
__global__ void replay_kernel(AdamParams<float> params, std::int64_t count, int steps, const float* __restrict__ rates,
                              float* __restrict__ w, float* __restrict__ m, float* __restrict__ v,
                              double* __restrict__ squares) {
  Lanes<4> weight[kFours], mean[kFours], square[kFours];
#pragma unroll
  for (int round = 0; round < kFours; ++round) {
    const std::int64_t at = first_of_four(round);
    weight[round] = load_four<kAligned>(w, at, count);
    mean[round] = load_four<kAligned>(m, at, count);
    square[round] = load_four<kAligned>(v, at, count);
  }
  double* const sums = shared_memory<double>();  // (steps, warps)
  const int thread = static_cast<int>(threadIdx.x), warp = thread / kWarpThreads;
  for (int step = 0; step < steps; ++step) {
    const float lr_t = rates[step];
    double sum = 0;
#pragma unroll
    for (int round = 0; round < kFours; ++round) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const double before = static_cast<double>(weight[round].v[i]);
        sum += before * before;
        adam_update(weight[round].v[i], mean[round].v[i], square[round].v[i], 0.0f, params.lambda, 1.0f, lr_t, params);
      }
    }
    sum = warp_sum(sum);
    if (thread % kWarpThreads == 0) sums[step * kWarps + warp] = sum;
  }
#pragma unroll
  for (int round = 0; round < kFours; ++round) {
    const std::int64_t at = first_of_four(round);
    store_four<kAligned>(w, at, count, weight[round]);
    store_four<kAligned>(m, at, count, mean[round]);
    store_four<kAligned>(v, at, count, square[round]);
  }
  __syncthreads();
  if (thread >= steps) return;
  double sum = 0;
  for (int i = 0; i < kWarps; ++i) sum += sums[thread * kWarps + i];
  squares[std::int64_t{thread} * gridDim.x + blockIdx.x] = sum;
}

/// One block per step. squares (steps, blocks) -> sum_squares (steps)
__global__ void add_squares_kernel(std::int64_t blocks, const double* __restrict__ squares,
                                   double* __restrict__ sum_squares) {
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < blocks; i += kThreads) sum += squares[blockIdx.x * blocks + i];
  sum = block_sum<kThreads>(sum, shared_memory<double>());
  if (threadIdx.x == 0) sum_squares[blockIdx.x] = sum;
}

__global__ void publish_report_kernel(const StepState* state, const StepReport* report, std::uint64_t slots,
                                      StepReport* ring) {
  StepReport published = *report;
  published.step = state->step;
  ring[state->step % slots] = published;
}

// Workspace layout of all three ops: kRateBytes of rates, then the blocks' partial sums, which shares_of returns.
constexpr std::size_t kRateBytes = kReplaySteps * sizeof(float);
static_assert(kRateBytes % alignof(Share) == 0 && sizeof(Share) <= kReplaySteps * sizeof(double),
              "the replay's sums are the largest of what the blocks leave");
unsigned char* shares_of(const Context& context, const char* op, std::int64_t parameters) {
  return workspace_as<unsigned char>(context, op, adam_workspace(parameters)) + kRateBytes;
}

}  // namespace

std::size_t adam_workspace(std::int64_t parameters) {
  const auto blocks = static_cast<std::size_t>(std::max<std::int64_t>(1, blocks_of(parameters)));
  return kRateBytes + blocks * kReplaySteps * sizeof(double);
}

void advance_step(const Context& context, StepSchedule schedule, StepState* state) {
  launch(context, "advance_step", advance_step_kernel, dim3(1), dim3(1), 0, schedule, state);
}

void clip_by_global_norm(const Context& context, float max_norm, float lambda, std::int64_t decayed, In w, In g,
                         StepState* state, StepReport* report) {
  constexpr const char* kOp = "clip_by_global_norm";
  require_shape(kOp, "g", g, w.shape);
  const std::int64_t count = w.count(), blocks = blocks_of(count);
  auto* const squares = reinterpret_cast<double*>(shares_of(context, kOp, count));
  launch(context, kOp, aligned_to(16, {w.data, g.data}) ? norm_kernel<true> : norm_kernel<false>,
         dim3(static_cast<unsigned>(blocks)), dim3(kThreads), block_sum_bytes<kThreads, double>(),
         static_cast<double>(lambda), count, decayed, w.data, g.data, squares);
  launch(context, kOp, clip_scale_kernel, dim3(1), dim3(kThreads), block_sum_bytes<kThreads, double>(),
         static_cast<double>(max_norm), blocks, squares, state, report);
}

void adam_step(const Context& context, AdamParams<float> params, std::int64_t decayed, const StepState* state, In g,
               Out w, Out m, Out v, StepReport* report) {
  constexpr const char* kOp = "adam_step";
  require_shape(kOp, "g", g, w.shape);
  require_shape(kOp, "m", m, w.shape);
  require_shape(kOp, "v", v, w.shape);
  const std::int64_t count = w.count(), blocks = blocks_of(count);
  auto* const shares = reinterpret_cast<Share*>(shares_of(context, kOp, count));
  const bool aligned = aligned_to(16, {w.data, m.data, v.data, g.data});
  constexpr std::size_t kShared = block_sum_bytes<kThreads, double>() + block_sum_bytes<kThreads, std::int64_t>();
  launch(context, kOp, aligned ? adam_step_kernel<true> : adam_step_kernel<false>, dim3(static_cast<unsigned>(blocks)),
         dim3(kThreads), kShared, params, count, decayed, state, report, g.data, w.data, m.data, v.data, shares);
  launch(context, kOp, add_shares_kernel, dim3(1), dim3(kThreads), kShared, blocks, shares, report);
}

void adam_replay(const Context& context, AdamParams<float> params, StepSchedule schedule, std::uint64_t first_step,
                 Out w, Out m, Out v, View<double> sum_squares) {
  constexpr const char* kOp = "adam_replay";
  require_shape(kOp, "m", m, w.shape);
  require_shape(kOp, "v", v, w.shape);
  const std::int64_t count = w.count(), blocks = blocks_of(count), steps = sum_squares.count();
  auto* const squares = reinterpret_cast<double*>(shares_of(context, kOp, count));
  auto* const rates = static_cast<float*>(context.workspace);
  const bool aligned = aligned_to(16, {w.data, m.data, v.data});
  for (std::int64_t from = 0; from < steps; from += kReplaySteps) {
    const int now = static_cast<int>(std::min<std::int64_t>(kReplaySteps, steps - from));
    launch(context, kOp, replay_rates_kernel, dim3(1), dim3(kReplaySteps), 0, schedule,
           first_step + static_cast<std::uint64_t>(from), now, rates);
    launch(context, kOp, aligned ? replay_kernel<true> : replay_kernel<false>, dim3(static_cast<unsigned>(blocks)),
           dim3(kThreads), kReplaySteps * kWarps * sizeof(double), params, count, now, rates, w.data, m.data, v.data,
           squares);
    launch(context, kOp, add_squares_kernel, dim3(static_cast<unsigned>(now)), dim3(kThreads),
           block_sum_bytes<kThreads, double>(), blocks, squares, sum_squares.data + from);
  }
}

void publish_report(const Context& context, const StepState* state, const StepReport* report, View<StepReport> ring) {
  launch(context, "publish_report", publish_report_kernel, dim3(1), dim3(1), 0, state, report,
         static_cast<std::uint64_t>(ring.count()), ring.data);
}

}  // namespace shcnn::SHCNN_EXECUTOR
