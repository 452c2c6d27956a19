// The op case table: one list of shapes an op family, for every executor, for the plain loops and for finite
// differences.
//
// Each list holds the paper's shapes of both variants (reduced batch where a full one is costly), sizes that are 1,
// odd, prime and one off a vector, a tile or a warp, empty batches, and random shapes drawn log-uniformly under a cap
// of work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace shcnn::test {

/// Floating-point operations that one random case may cost: of the whole table, and of simt and sanitizer runs.
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

/// Max and average pools. `y` of a max-pool is what `pool` and the extents below say.
struct PoolCase {
  std::int64_t channels, height, width, samples;
  MaxPool pool;                ///< of a max-pool; an average-pool ignores it
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

/// `small`: for simt and sanitizers. `random`: how many random shapes follow the fixed ones.
std::vector<ConvCase> conv_cases(bool small, int random);
std::vector<PoolCase> pool_cases(bool small, int random);
std::vector<DenseCase> dense_cases(bool small, int random);
/// (classes, samples) in outputs and samples.
std::vector<DenseCase> score_cases(int random);

}  // namespace shcnn::test
