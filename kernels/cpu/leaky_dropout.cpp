// LeakyReLU and inverted dropout of the hidden dense layers, in place, forward and backward.
//
//   y = keep / (1 - rate) * leaky(y);   dy = keep / (1 - rate) * leaky'(y) * dy           y, dy (F,N)
//
// The mask is a function of (seed, step, layer, unit, sample), see math/dropout.h. A Philox block has the words of four
// consecutive samples of a unit, so a vector of kBlocks blocks gives the words of 4 * kBlocks samples. A task is kUnits
// rows.
#include "kernels/cpu/args.h"
#include "kernels/cpu/entry_points.h"
#include "kernels/cpu/simd.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {
namespace {

constexpr std::int64_t kUnits = 16;
constexpr int kBlocks = kW / 2;  // Philox blocks per vector: one word in each 64-bit lane
constexpr int kSamples = 4 * kBlocks;

using Vec64 = std::uint64_t __attribute__((vector_size(kW * 4)));
using Vec64At = std::uint64_t __attribute__((vector_size(kW * 4), aligned(4), may_alias));

SHCNN_HD Vec64 splat(std::uint64_t a) { return a - Vec64{}; }

/// The 64-bit products of the lower 32-bit halves.
SHCNN_HD Vec64 multiply_low(Vec64 a, Vec64 b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vec64>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Vec64>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

/// Interleaves the lower (part 0) or upper (part 1) halves of a and b as a0 b0 a1 b1 ...
SHCNN_HD Vec64 interleave(Vec64 a, Vec64 b, int part) {
  Vec64 order;
  for (int i = 0; i < kBlocks; ++i) order[i] = static_cast<std::uint64_t>(part * kBlocks / 2 + i / 2 + i % 2 * kBlocks);
  return __builtin_shuffle(a, b, order);
}

/// The words that math/philox.h gives for samples sample .. sample + kSamples - 1 of one unit, as two vectors; `sample`
/// is a multiple of 4.
SHCNN_HD void draw(std::uint64_t seed, Purpose layer, std::uint32_t step, std::int64_t unit, std::int64_t sample,
                   VecU words[2]) {
  Vec64 block;
  for (int i = 0; i < kBlocks; ++i) {
    block[i] = (static_cast<std::uint64_t>(unit) << 30) + static_cast<std::uint64_t>(sample / 4 + i);
  }
  // only the lower half of each lane is a word; multiply_low ignores the upper half
  Vec64 c0 = block, c1 = block >> 32, c2 = splat(step), c3 = splat(static_cast<std::uint32_t>(layer));
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const Vec64 p0 = multiply_low(splat(0xD2511F53u), c0), p1 = multiply_low(splat(0xCD9E8D57u), c2);
    const Vec64 n0 = (p1 >> 32) ^ c1 ^ splat(k0), n2 = (p0 >> 32) ^ c3 ^ splat(k1);
    c1 = p1;
    c3 = p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const Vec64 low = (c0 & 0xffffffffu) | (c1 << 32), high = (c2 & 0xffffffffu) | (c3 << 32);
  for (int part = 0; part < 2; ++part) words[part] = reinterpret_cast<VecU>(interleave(low, high, part));
}

/// Calls body(offset, lanes, mask of kept lanes) for every vector of the rows.
template <class Body>
SHCNN_HD void for_each_vector(const Context& context, const LeakyDropout& layer, const StepState* state,
                              const UnitDims& d, const Body& body) {
  const bool drops = state != nullptr && layer.rate > 0;
  if (!drops) {  // no mask: all rows are one run of lanes
    constexpr std::int64_t kLanes = 64 * kW;
    const std::int64_t all = d.units * d.samples;
    context.threads->run(ceil_div(all, kLanes), [&](std::int64_t task, int) {
      for (std::int64_t at = task * kLanes; at < min(all, (task + 1) * kLanes); at += kW)
        body(at, min(kW, all - at), VecI{} - 1);
    });
    return;
  }
  const std::uint32_t threshold = static_cast<std::uint32_t>(layer.rate * 4294967296.0);  // as dropout_threshold
  context.threads->run(ceil_div(d.units, kUnits), [&](std::int64_t task, int) {
    for (std::int64_t unit = task * kUnits; unit < min(d.units, (task + 1) * kUnits); ++unit) {
      for (std::int64_t sample = 0; sample < d.samples; sample += kSamples) {
        VecU words[2] = {};
        if (drops) draw(state->seed, layer.layer, static_cast<std::uint32_t>(state->step), unit, sample, words);
        for (int half = 0; half < 2 && sample + half * kW < d.samples; ++half) {
          const std::int64_t part = half * kW;
          VecI kept = VecI{} - 1;
          if (drops) kept = reinterpret_cast<VecI>(words[half] >= threshold);
          body(unit * d.samples + sample + part, min(kW, d.samples - sample - part), kept);
        }
      }
    }
  });
}

float kept_share(const LeakyDropout& layer, const StepState* state) {
  return state != nullptr ? static_cast<float>(1 - layer.rate) : 1.0f;
}

}  // namespace

void leaky_dropout_forward(const Context& context, LeakyDropout layer, const StepState* state, Out y) {
  const UnitDims d = unit_dims("leaky_dropout_forward", y.shape, y.shape);
  const Vec slope = set1(static_cast<float>(layer.slope)), share = set1(kept_share(layer, state));
  for_each_vector(context, layer, state, d, [&](std::int64_t at, std::int64_t lanes, VecI kept) {
    const Vec value = lanes == kW ? load(y.data + at) : load_first(y.data + at, lanes);
    const Vec out = kept ? leaky(value, slope) / share : Vec{};
    lanes == kW ? store(y.data + at, out) : store_first(y.data + at, out, lanes);
  });
}

void leaky_dropout_backward(const Context& context, LeakyDropout layer, const StepState* state, In y, Out dy) {
  const UnitDims d = unit_dims("leaky_dropout_backward", y.shape, dy.shape);
  const Vec slope = set1(static_cast<float>(layer.slope)), share = set1(kept_share(layer, state));
  for_each_vector(context, layer, state, d, [&](std::int64_t at, std::int64_t lanes, VecI kept) {
    const Vec value = lanes == kW ? load(y.data + at) : load_first(y.data + at, lanes);
    const Vec gradient = lanes == kW ? load(dy.data + at) : load_first(dy.data + at, lanes);
    const Vec out = kept ? gradient * leaky_grad(value, slope) / share : Vec{};
    lanes == kW ? store(dy.data + at, out) : store_first(dy.data + at, out, lanes);
  });
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
