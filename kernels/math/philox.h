// Philox 4x32-10, the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC
// 2011). A number is a pure function of (seed, purpose, step, index), so there is no generator state, and all executors
// draw the same numbers.
#pragma once

#include <cstdint>

#include "kernels/math/host_device.h"

namespace shcnn {

/// Purpose of a random number; each purpose has its own random stream.
enum class Purpose : std::uint32_t {
  kInitialWeights = 1,  ///< index: element, step: parameter number
  kShuffle = 2,         ///< step: epoch
  kDropout1 = 3,        ///< step: training step
  kDropout2 = 4,
  kSynth = 5,   ///< synthetic faces and clips; step: item
  kFolds = 6,   ///< k-fold assignment
  kAttack = 7,  ///< the control pixels of the saliency attack
  kTest = 99,
};

struct Philox4 {
  std::uint32_t v[4];
};

/// Ten rounds of Philox on counter (c0..c3) with key (k0, k1).
SHCNN_HD Philox4 philox4x32_10(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3, std::uint32_t k0,
                               std::uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return Philox4{{c0, c1, c2, c3}};
}

/// The four words of (seed, purpose, step, block). `step` has 32 bits: 4e9 steps.
SHCNN_HD Philox4 philox(std::uint64_t seed, Purpose purpose, std::uint32_t step, std::uint64_t block) {
  return philox4x32_10(static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), step,
                       static_cast<std::uint32_t>(purpose), static_cast<std::uint32_t>(seed),
                       static_cast<std::uint32_t>(seed >> 32));
}

/// The word of `index`: word index % 4 of block index / 4.
SHCNN_HD std::uint32_t philox_word(std::uint64_t seed, Purpose purpose, std::uint32_t step, std::uint64_t index) {
  return philox(seed, purpose, step, index >> 2).v[index & 3];
}

/// Uniform in [0, 1) with 32 random bits, in double.
SHCNN_HD double to_unit(std::uint32_t word) { return word * (1.0 / 4294967296.0); }

}  // namespace shcnn
