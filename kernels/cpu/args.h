// What the kernels of this folder get to see of an op's arguments: plain numbers, taken from shapes and checked here,
// in code that is compiled for the baseline processor. Files compiled for one instruction set call nothing inline that
// could be emitted out of line (README.md), so they leave shapes, strings and errors to these functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/ops.h"

namespace shcnn::cpu {

/// A convolution in numbers; pad_begin and pad_end may be negative where it is the transpose of one with wide pads.
struct ConvDims {
  std::int64_t in_channels, height, width, samples;
  std::int64_t channels, out_height, out_width, kernel;
  std::int64_t pad_begin, pad_end;
};
/// Throws Error(kInternal) unless x (Ci,H,W,N), w (Co,Ci,K,K) and z (Co,Ho,Wo,N) fit together.
ConvDims conv_dims(const char* op, ConvPads pads, const Shape& x, const Shape& w, const Shape& z);
/// The dimensions that conv_dims would find, for sizing a workspace.
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
/// x (I,N), w (O,I), y (O,N); `b` may be null (the data gradient has none).
DenseDims dense_dims(const char* op, const Shape& x, const Shape& w, const Shape* b, const Shape& y);

struct UnitDims {
  std::int64_t units, samples;
};
UnitDims unit_dims(const char* op, const Shape& y, const Shape& dy);

/// Count of elements of arrays of equal shape; `other`s may be null.
std::int64_t equal_count(const char* op, const Shape& first, const Shape* second, const Shape* third,
                         const Shape* fourth);
std::int64_t count_of(const Shape& shape);

/// Context's workspace; throws if it holds fewer than `bytes`.
void* workspace_bytes(const Context& context, const char* op, std::size_t bytes);

/// StepState's scalars of the steps first .. first + steps - 1 under `schedule`.
void learning_rates(const StepSchedule& schedule, std::uint64_t first, std::int64_t steps, float* lr_t);

}  // namespace shcnn::cpu
