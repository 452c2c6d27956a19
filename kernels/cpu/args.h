// Checks the shapes of an op's arguments and converts them to plain numbers for the kernels of this folder. These
// functions are compiled for the baseline instruction set. Files compiled for a specific instruction set must not call
// inline functions that could be emitted out of line (README.md), so they use these for shapes, strings and errors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/ops.h"

namespace shcnn::cpu {

/// Dimensions of a convolution; pad_begin and pad_end may be negative in the transpose of one with wide pads.
struct ConvDims {
  std::int64_t in_channels, height, width, samples;
  std::int64_t channels, out_height, out_width, kernel;
  std::int64_t pad_begin, pad_end;
};
/// Throws Error(kInternal) unless x (Ci,H,W,N), w (Co,Ci,K,K) and z (Co,Ho,Wo,N) match.
ConvDims conv_dims(const char* op, ConvPads pads, const Shape& x, const Shape& w, const Shape& z);
/// The same dimensions from the geometry, without checks; for the size of the workspace.
ConvDims conv_dims(const ConvGeometry& geometry);

struct PoolDims {
  std::int64_t channels, height, width, samples;  ///< of the convolution's map
  std::int64_t out_height, out_width;             ///< of the stored pooled map
  std::int64_t pad, first;
};
PoolDims max_pool_dims(const char* op, MaxPool pool, const Shape& z, const Shape& b, const Shape& y,
                       const Shape& winner);
PoolDims avg_pool_dims(const char* op, const Shape& z, const Shape& b, const Shape& y);

struct DenseDims {
  std::int64_t inputs, outputs, samples;
};
/// x (I,N), w (O,I), y (O,N); `b` may be null (the input gradient has none).
DenseDims dense_dims(const char* op, const Shape& x, const Shape& w, const Shape* b, const Shape& y);

struct UnitDims {
  std::int64_t units, samples;
};
UnitDims unit_dims(const char* op, const Shape& y, const Shape& dy);

/// Element count of arrays of equal shape; all but `first` may be null.
std::int64_t equal_count(const char* op, const Shape& first, const Shape* second, const Shape* third,
                         const Shape* fourth);
std::int64_t count_of(const Shape& shape);

/// The context's workspace; throws Error(kInternal) if it is smaller than `bytes`.
void* workspace_bytes(const Context& context, const char* op, std::size_t bytes);

/// lr_t (steps): StepState::lr_t of steps first .. first + steps - 1 under `schedule`.
void learning_rates(const StepSchedule& schedule, std::uint64_t first, std::int64_t steps, float* lr_t);

}  // namespace shcnn::cpu
