// The optimiser: global-norm clipping, the Adam step with L2 in the gradient, and its replay for parameters whose data
// gradient is zero.
//
//   g' = clip (g + 2 lambda w);  m = b1 m + (1-b1) g';  v = b2 v + (1-b2) g'^2;  w -= lr_t m / (sqrt(v) + eps)
//
// One streaming pass over 28 bytes per parameter (16 read, 12 written), limited by memory bandwidth; it also computes
// the sum of squares. Sums are in double, one for each block of kBlock parameters, added in block order. The operations
// on an element are those of math/adam.h in the same order, so every instruction set gives the same bits, and a
// replayed step gives the same bits as adam_step.
#include "kernels/cpu/args.h"
#include "kernels/cpu/entry_points.h"
#include "kernels/cpu/simd.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {
namespace {

constexpr std::int64_t kBlock = 16384;     // parameters per task
constexpr std::int64_t kReplaySteps = 64;  // steps in one pass of adam_replay
constexpr int kReplayVecs = 2;             // independent vectors, to overlap the latency of square root and division

std::int64_t blocks_of(std::int64_t parameters) { return ceil_div(parameters, kBlock); }

/// The constants of a step, as vectors.
struct Step {
  Vec beta1, rest1, beta2, rest2, epsilon, clip, lr_t;
  Step(const AdamParams<float>& p, float clip_scale, float rate)
      : beta1(set1(p.beta1)),
        rest1(set1(1 - p.beta1)),
        beta2(set1(p.beta2)),
        rest2(set1(1 - p.beta2)),
        epsilon(set1(p.epsilon)),
        clip(set1(clip_scale)),
        lr_t(set1(rate)) {}
};

/// adam_update of math/adam.h for kW elements.
SHCNN_HD void update(const Step& s, Vec g, Vec lambda, Vec& w, Vec& m, Vec& v) {
  const Vec gradient = s.clip * (g + 2.0f * lambda * w);
  m = s.beta1 * m + s.rest1 * gradient;
  v = s.beta2 * v + s.rest2 * gradient * gradient;
  w -= s.lr_t * m / (sqrt(v) + s.epsilon);
}

SHCNN_HD void add_squares(Vec a, VecD& sum) {
  const VecD low = lower_double(a), high = upper_double(a);
  sum += low * low;
  sum += high * high;
}

double add_up(const double* partial, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += partial[i];
  return sum;
}

/// Calls body(first, lanes, mask of decayed lanes, lambda) for each vector of a block; lambda is zero in lanes from
/// element `decayed` on.
template <class Body>
SHCNN_HD void for_each_vector(std::int64_t block, std::int64_t count, std::int64_t decayed, float lambda,
                              const Body& body) {
  const std::int64_t end = min(count, (block + 1) * kBlock);
  for (std::int64_t i = block * kBlock; i < end; i += kW) {
    const std::int64_t carry = decayed - i;
    const VecI has = carry >= kW ? VecI{} - 1 : first_lanes(max(0, carry));
    body(i, min(kW, end - i), has, has ? set1(lambda) : Vec{});
  }
}

SHCNN_HD Vec load_some(const float* p, std::int64_t lanes) { return lanes == kW ? load(p) : load_first(p, lanes); }
SHCNN_HD void store_some(float* p, Vec v, std::int64_t lanes) { lanes == kW ? store(p, v) : store_first(p, v, lanes); }

}  // namespace

std::size_t adam_workspace(std::int64_t parameters) {
  return static_cast<std::size_t>(max(1, blocks_of(parameters)) * kReplaySteps) * sizeof(double);
}

void clip_by_global_norm(const Context& context, float max_norm, float lambda, std::int64_t decayed, In w, In g,
                         StepState* state, StepReport* report) {
  const std::int64_t count = equal_count("clip_by_global_norm", w.shape, &g.shape, nullptr, nullptr);
  double* partial = static_cast<double*>(workspace_bytes(context, "clip_by_global_norm", adam_workspace(count)));
  context.threads->run(blocks_of(count), [&](std::int64_t block, int) {
    VecD sum{};
    for_each_vector(block, count, decayed, lambda, [&](std::int64_t i, std::int64_t lanes, VecI, Vec decay) {
      // in double, because the norm is reported in double
      const Vec weight = load_some(w.data + i, lanes), data = load_some(g.data + i, lanes);
      const VecD low = lower_double(data) + 2.0 * lower_double(decay) * lower_double(weight);
      const VecD high = upper_double(data) + 2.0 * upper_double(decay) * upper_double(weight);
      sum += low * low;
      sum += high * high;
    });
    partial[block] = sum_lanes(sum);
  });
  report->grad_norm = __builtin_sqrt(add_up(partial, blocks_of(count)));
  const double limit = static_cast<double>(max_norm);
  state->clip_scale = report->grad_norm > limit ? static_cast<float>(limit / report->grad_norm) : 1.0f;
}

void adam_step(const Context& context, AdamParams<float> params, std::int64_t decayed, const StepState* state, In g,
               Out w, Out m, Out v, StepReport* report) {
  const std::int64_t count = equal_count("adam_step", w.shape, &g.shape, &m.shape, &v.shape);
  if (report->non_finite > 0) return;
  double* squares = static_cast<double*>(workspace_bytes(context, "adam_step", adam_workspace(count)));
  double* bad = squares + blocks_of(count);  // non-finite updates per block; integers
  const Step step(params, state->clip_scale, state->lr_t);
  context.threads->run(blocks_of(count), [&](std::int64_t block, int) {
    VecD sum{};
    VecI odd{};
    for_each_vector(
        block, count, decayed, params.lambda, [&](std::int64_t i, std::int64_t lanes, VecI has, Vec lambda) {
          const Vec gradient = load_some(g.data + i, lanes);
          Vec weight = load_some(w.data + i, lanes), mean = load_some(m.data + i, lanes),
              square = load_some(v.data + i, lanes);
          add_squares(has ? weight : Vec{}, sum);
          Vec new_weight = weight, new_mean = mean, new_square = square;
          update(step, gradient, lambda, new_weight, new_mean, new_square);
          // adam_is_finite of math/adam.h
          const VecI finite = (new_weight - new_weight) + (new_mean - new_mean) + (new_square - new_square) == 0.0f;
          odd += ~finite & 1;
          store_some(w.data + i, finite ? new_weight : weight, lanes);
          store_some(m.data + i, finite ? new_mean : mean, lanes);
          store_some(v.data + i, finite ? new_square : square, lanes);
        });
    squares[block] = sum_lanes(sum);
    std::int64_t total = 0;
    for (int lane = 0; lane < kW; ++lane) total += odd[lane];
    bad[block] = static_cast<double>(total);
  });
  report->sum_squares += add_up(squares, blocks_of(count));
  report->non_finite += static_cast<std::int64_t>(add_up(bad, blocks_of(count)));
}

void adam_replay(const Context& context, AdamParams<float> params, StepSchedule schedule, std::uint64_t first_step,
                 Out w, Out m, Out v, View<double> sum_squares) {
  const std::int64_t count = equal_count("adam_replay", w.shape, &m.shape, &v.shape, nullptr);
  const std::int64_t steps = count_of(sum_squares.shape), blocks = blocks_of(count);
  double* partial = static_cast<double*>(workspace_bytes(context, "adam_replay", adam_workspace(count)));
  // each group of kReplayVecs vectors stays in registers for kReplaySteps steps
  for (std::int64_t from = 0; from < steps; from += kReplaySteps) {
    const std::int64_t now = min(kReplaySteps, steps - from);
    float rates[kReplaySteps];
    learning_rates(schedule, first_step + static_cast<std::uint64_t>(from), now, rates);
    context.threads->run(blocks, [&](std::int64_t block, int) {
      VecD sums[kReplaySteps]{};
      Step step(params, 1.0f, 0.0f);
      const Vec lambda = set1(params.lambda);
      const std::int64_t end = min(count, (block + 1) * kBlock);
      for (std::int64_t i = block * kBlock; i < end; i += kReplayVecs * kW) {
        Vec weight[kReplayVecs], mean[kReplayVecs], square[kReplayVecs];
        std::int64_t lanes[kReplayVecs];
        for (int k = 0; k < kReplayVecs; ++k) {
          lanes[k] = max(0, min(kW, end - i - k * kW));
          const std::int64_t at = min(i + k * kW, count);
          weight[k] = load_some(w.data + at, lanes[k]);
          mean[k] = load_some(m.data + at, lanes[k]);
          square[k] = load_some(v.data + at, lanes[k]);
        }
        for (std::int64_t s = 0; s < now; ++s) {
          step.lr_t = set1(rates[s]);
          for (int k = 0; k < kReplayVecs; ++k) {
            add_squares(weight[k], sums[s]);
            update(step, Vec{}, lambda, weight[k], mean[k], square[k]);
          }
        }
        for (int k = 0; k < kReplayVecs; ++k) {
          const std::int64_t at = min(i + k * kW, count);
          store_some(w.data + at, weight[k], lanes[k]);
          store_some(m.data + at, mean[k], lanes[k]);
          store_some(v.data + at, square[k], lanes[k]);
        }
      }
      for (std::int64_t s = 0; s < now; ++s) partial[s * blocks + block] = sum_lanes(sums[s]);
    });
    for (std::int64_t s = 0; s < now; ++s) sum_squares.data[from + s] = add_up(partial + s * blocks, blocks);
  }
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
