// Adam with TensorFlow 1's learning-rate formula, one parameter at a time, in double.
#pragma once

#include <cmath>

#include "support/tensor.h"

namespace shcnn::test::reference {

struct Adam {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, lambda = 0;
  double rate_beta1 = 0.9, rate_beta2 = 0.999;  ///< betas of the bias correction, which the schedule computes in double
  double w = 0, m = 0, v = 0;

  /// Step t (from 1) with data gradient g at learning rate `rate`, all gradients scaled by `clip`.
  void step(double g, std::int64_t t, double rate, double clip = 1) {
    const double gradient = clip * (g + lambda * (w + w));
    m += (1 - beta1) * (gradient - m);
    v += (1 - beta2) * (gradient * gradient - v);
    double power1 = 1, power2 = 1;
    for (std::int64_t i = 0; i < t; ++i) {
      power1 *= rate_beta1;
      power2 *= rate_beta2;
    }
    w -= rate * std::sqrt(1 - power2) / (1 - power1) * m / (std::sqrt(v) + epsilon);
  }
};

}  // namespace shcnn::test::reference
