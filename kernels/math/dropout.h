// Inverted dropout: a unit is kept with probability 1 - rate and then divided by 1 - rate. The mask is never stored: it
// is a function of (seed, step, layer, unit, sample), the same on every executor and for every grid.
#pragma once

#include <cstdint>

#include "kernels/math/philox.h"

namespace shcnn {

/// A unit is dropped if its random word is below this threshold; rate in [0, 1).
SHCNN_HD std::uint32_t dropout_threshold(double rate) { return static_cast<std::uint32_t>(rate * 4294967296.0); }

/// True if unit `unit` of sample `sample` is kept. One Philox block provides the words of four consecutive samples of a
/// unit. index = unit * 2^32 + sample, so the result does not depend on the batch size.
SHCNN_HD bool dropout_keeps(std::uint64_t seed, Purpose layer, std::uint64_t step, std::int64_t unit,
                            std::int64_t sample, std::uint32_t threshold) {
  const std::uint64_t index = (static_cast<std::uint64_t>(unit) << 32) | static_cast<std::uint64_t>(sample);
  return philox_word(seed, layer, static_cast<std::uint32_t>(step), index) >= threshold;
}

}  // namespace shcnn
