// LeakyReLU and inverted dropout of the hidden dense layers, in place, forward and backward in plain loops.
//
//   y = keep / (1 - rate) * leaky(y);   dy = keep / (1 - rate) * leaky'(y) * dy
//
// y, dy (F,N). The backward pass draws the mask again (math/dropout.h): unit = row, sample = column. If there is no
// StepState (evaluation) or the rate is 0, every unit is kept and nothing is divided.
#pragma once

#include "kernels/math/dropout.h"
#include "kernels/math/leaky_relu.h"
#include "kernels/naive/index.h"
#include "kernels/naive/parallel.h"
#include "kernels/ops.h"

namespace shcnn::naive {

/// Calls body(unit, sample, kept) for every element of an (F,N) activation.
template <class Body>
void for_each_unit(const Context& context, const LeakyDropout& layer, const StepState* state, const Shape& shape,
                   const Body& body) {
  const bool drops = state != nullptr && layer.rate > 0;
  const std::uint32_t threshold = dropout_threshold(layer.rate);
  parallel_for(context, shape[0], [&](std::int64_t unit) {
    for (std::int64_t sample = 0; sample < shape[1]; ++sample) {
      body(unit, sample, !drops || dropout_keeps(state->seed, layer.layer, state->step, unit, sample, threshold));
    }
  });
}

/// Divisor of a kept unit.
template <class T>
T kept_share(const LeakyDropout& layer, const StepState* state) {
  return state != nullptr ? static_cast<T>(1 - layer.rate) : T(1);
}

template <class T>
void leaky_dropout_forward(const Context& context, LeakyDropout layer, const StepState* state, View<T> y) {
  const T slope = static_cast<T>(layer.slope), share = kept_share<T>(layer, state);
  for_each_unit(context, layer, state, y.shape, [&](std::int64_t unit, std::int64_t sample, bool kept) {
    T& value = at(y, unit, sample);
    value = kept ? leaky_relu(value, slope) / share : T(0);
  });
}

template <class T>
void leaky_dropout_backward(const Context& context, LeakyDropout layer, const StepState* state, View<const T> y,
                            View<T> dy) {
  require_shape("leaky_dropout_backward", "dy", dy, y.shape);
  const T slope = static_cast<T>(layer.slope), share = kept_share<T>(layer, state);
  for_each_unit(context, layer, state, y.shape, [&](std::int64_t unit, std::int64_t sample, bool kept) {
    T& gradient = at(dy, unit, sample);
    gradient = kept ? gradient * leaky_relu_grad(at(y, unit, sample), slope) / share : T(0);
  });
}

}  // namespace shcnn::naive
