// LeakyReLU and inverted dropout of the hidden dense layers, in place.
//
//   forward:   y = keep(f, n) * leaky(y) / (1 - rate)
//   backward:  dy = keep(f, n) * dy * leaky'(y) / (1 - rate)
//
// keep is a Philox function of (seed, step, layer, f, n): no mask is stored, and forward and backward draw the same
// numbers. One thread processes kGroup adjacent samples of one feature, which share a Philox block (10 rounds for four
// numbers). Cost per element: 8 bytes (forward) or 12 (backward) and about 20 integer operations; limited by memory
// bandwidth.
#include "kernels/cuda/ops.h"
#include "kernels/cuda/primitives.h"
#include "kernels/math/dropout.h"
#include "kernels/math/leaky_relu.h"

namespace shcnn::SHCNN_EXECUTOR {
namespace {

constexpr int kGroup = 4;

/// Kernel arguments of both directions; threshold 0 keeps every unit.
struct Rule {
  float slope;
  float scale;  ///< 1 / (1 - rate)
  std::uint32_t threshold;
  Purpose layer;
};

Rule make_rule(const LeakyDropout& p, const StepState* state) {
  const double rate = state ? p.rate : 0.0;
  return {static_cast<float>(p.slope), static_cast<float>(1 / (1 - rate)), dropout_threshold(rate), p.layer};
}

/// The group's four random words. `sample` is a multiple of 4, so they are one Philox block.
__device__ __forceinline__ Philox4 draw(const StepState& state, Purpose layer, std::int64_t feature,
                                        std::int64_t sample) {
  const std::uint64_t index = (static_cast<std::uint64_t>(feature) << 32) | static_cast<std::uint64_t>(sample);
  return philox(state.seed, layer, static_cast<std::uint32_t>(state.step), index >> 2);
}

/// y, target (features, samples). kBackward: `target` is dy and y is only read; else `target` is y itself.
template <bool kBackward>
__global__ void leaky_dropout_kernel(Rule rule, const StepState* state, std::int64_t features, std::int64_t samples,
                                     const float* y, float* target) {
  const std::int64_t groups = (samples + kGroup - 1) / kGroup;
  const std::int64_t thread = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (thread >= features * groups) return;
  const std::int64_t feature = thread / groups;
  const std::int64_t first = thread % groups * kGroup;
  Philox4 random{{0, 0, 0, 0}};
  if (rule.threshold > 0) random = draw(*state, rule.layer, feature, first);
  for (int i = 0; i < kGroup && first + i < samples; ++i) {
    const std::int64_t at = feature * samples + first + i;
    const bool keep = random.v[i] >= rule.threshold;
    if constexpr (kBackward) {
      target[at] = keep ? target[at] * leaky_relu_grad(y[at], rule.slope) * rule.scale : 0.0f;
    } else {
      target[at] = keep ? leaky_relu(target[at], rule.slope) * rule.scale : 0.0f;
    }
  }
}

template <bool kBackward>
void run(const Context& context, const char* op, const LeakyDropout& p, const StepState* state, const float* y,
         Out target) {
  const std::int64_t features = target[0], samples = target[1];
  const std::int64_t groups = (samples + kGroup - 1) / kGroup;
  launch_1d(context, op, leaky_dropout_kernel<kBackward>, features * groups, make_rule(p, state), state, features,
            samples, y, target.data);
}

}  // namespace

void leaky_dropout_forward(const Context& context, LeakyDropout p, const StepState* state, Out y) {
  run<false>(context, "leaky_dropout_forward", p, state, y.data, y);
}

void leaky_dropout_backward(const Context& context, LeakyDropout p, const StepState* state, In y, Out dy) {
  require_shape("leaky_dropout_backward", "dy", dy, y.shape);
  run<true>(context, "leaky_dropout_backward", p, state, y.data, dy);
}

}  // namespace shcnn::SHCNN_EXECUTOR
