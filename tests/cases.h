// Test shapes: one list per op family, used for every executor, for the plain loops and for finite differences.
//
// Each list contains the paper's shapes of both variants (with a smaller batch if the full one is slow), sizes that are
// 1, odd, prime and one more or less than a vector, tile or warp, empty batches, and random shapes drawn log-uniformly
// up to a maximum number of operations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace shcnn::test {

/// Maximum number of floating-point operations of one random case: in full runs, and in simt and sanitizer runs.
inline constexpr double kFlopCap = 20e6;
inline constexpr double kSmallFlopCap = 2e6;

struct ConvCase {
  std::int64_t in_channels, out_channels, height, width, samples;
  int kernel;
  ConvPads pads;

  Shape x() const { return Shape(in_channels, height, width, samples); }
  Shape w() const { return Shape(out_channels, in_channels, kernel, kernel); }
  Shape z() const {
    const int grow = pads.begin + pads.end - kernel + 1;
    return Shape(out_channels, height + grow, width + grow, samples);
  }
  double flops() const;
  std::string text() const;
};

/// Max and average pools. The shape of a max-pool's y follows from `pool`, `rows` and `columns`.
struct PoolCase {
  std::int64_t channels, height, width, samples;
  MaxPool pool;                ///< used by max-pools only
  std::int64_t rows, columns;  ///< stored pooled cells of a max-pool
  double slope;

  Shape z() const { return Shape(channels, height, width, samples); }
  Shape max_y() const { return Shape(channels, rows, columns, samples); }
  Shape average_y() const { return Shape(channels, (height + 1) / 2, (width + 1) / 2, samples); }
  std::string text() const;
};

/// Dense layers and their activations: inputs, outputs (classes, features), samples.
struct DenseCase {
  std::int64_t inputs, outputs, samples;
  std::string text() const;
};

/// `small`: for simt and sanitizers. `random`: number of random shapes after the fixed ones.
std::vector<ConvCase> conv_cases(bool small, int random);
std::vector<PoolCase> pool_cases(bool small, int random);
std::vector<DenseCase> dense_cases(bool small, int random);
/// Fields `outputs` and `samples` are (classes, samples).
std::vector<DenseCase> score_cases(int random);

}  // namespace shcnn::test
