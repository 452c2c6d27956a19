// A stream of random numbers for synthetic data: Philox words in order, transformed without libm, so that every machine
// draws the same bits.
#pragma once

#include <cstdint>

#include "kernels/math/philox.h"

namespace shcnn::synth {

/// The words of the Philox blocks first_block, first_block + 1, ... of (seed, Purpose::kSynth, item), in order.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint32_t item, std::uint64_t first_block = 0)
      : seed_(seed), item_(item), block_(first_block) {}

  std::uint32_t word() {
    if (used_ == 4) {
      words_ = philox(seed_, Purpose::kSynth, item_, block_++);
      used_ = 0;
    }
    return words_.v[used_++];
  }
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * to_unit(word()); }
  /// Bell-shaped (sum of three uniforms) with mean `mean` and standard deviation `deviation`; at most 3 deviations from
  /// the mean.
  double bell(double mean, double deviation) {
    const double sum = to_unit(word()) + to_unit(word()) + to_unit(word());  // mean 1.5, variance 1/4
    return mean + deviation * 2.0 * (sum - 1.5);
  }
  bool chance(double probability) { return to_unit(word()) < probability; }
  /// Uniform integer in 0 .. n - 1.
  int below(int n) { return static_cast<int>((std::uint64_t{word()} * static_cast<std::uint32_t>(n)) >> 32); }

 private:
  std::uint64_t seed_;
  std::uint32_t item_;
  std::uint64_t block_;
  Philox4 words_{};
  int used_ = 4;
};

}  // namespace shcnn::synth
