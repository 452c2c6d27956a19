// Adam in TensorFlow 1's form (Kingma & Ba 2015, the formulation before section 2.1), with the L2 term in the gradient:
//   g' = clip * (g + 2 lambda w);  m = b1 m + (1-b1) g';  v = b2 v + (1-b2) g'^2;  w -= lr_t m / (sqrt(v) + eps)
// where lr_t = lr sqrt(1-b2^t) / (1-b1^t) comes from StepState.
#pragma once

#include <cmath>

#include "kernels/math/host_device.h"
#include "kernels/math/step_state.h"

namespace shcnn {

template <class T>
struct AdamParams {
  T beta1 = T(kAdamBeta1);
  T beta2 = T(kAdamBeta2);
  T epsilon = T(1e-8);
  T lambda = T(3e-4);  ///< L2 weight of decayed parameters; biases have none
};

/// Updates one element; `g` is the data gradient, `lambda` the L2 weight of this element.
template <class T>
SHCNN_HD void adam_update(T& w, T& m, T& v, T g, T lambda, T clip_scale, T lr_t, const AdamParams<T>& p) {
  const T gradient = clip_scale * (g + T(2) * lambda * w);
  m = p.beta1 * m + (T(1) - p.beta1) * gradient;
  v = p.beta2 * v + (T(1) - p.beta2) * gradient * gradient;
  w -= lr_t * m / (std::sqrt(v) + p.epsilon);
}

/// True if w, m and v are finite: x - x is 0 for finite x, and NaN for NaN and infinity.
template <class T>
SHCNN_HD bool adam_is_finite(T w, T m, T v) {
  return (w - w) + (m - m) + (v - v) == T(0);
}

/// One element's contribution to the squared global norm |g + 2 lambda w|^2, in double.
SHCNN_HD double decayed_square(double g, double lambda, double w) {
  const double gradient = g + 2 * lambda * w;
  return gradient * gradient;
}

/// min(1, limit / norm)
SHCNN_HD float clip_scale_for(double norm, double limit) {
  return norm > limit ? static_cast<float>(limit / norm) : 1.0f;
}

}  // namespace shcnn
