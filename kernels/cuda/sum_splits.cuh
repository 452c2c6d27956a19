// The second pass of a split-k product, which adds the partial sums of the blocks:
//   y[i] = b[i / per_bias] + sum over s of sums[s][i]
// The shape alone fixes the order of the sum, so results are bit-identical on every run.
#pragma once

#include "kernels/cuda/launch.h"

namespace shcnn::SHCNN_EXECUTOR {

/// sums (splits, count) -> y (count); b (count / per_bias) or null.
void sum_splits(const Context& context, const char* op, std::int64_t splits, std::int64_t count, const float* sums,
                const float* b, std::int64_t per_bias, float* y);

}  // namespace shcnn::SHCNN_EXECUTOR
