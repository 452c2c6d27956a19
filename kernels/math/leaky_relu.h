// LeakyReLU: y = max(a x, x) for a slope 0 <= a < 1; a = 0 is plain ReLU. The gradient needs only the sign of y.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn {

template <class T>
SHCNN_HD T leaky_relu(T x, T slope) {
  return x > T(0) ? x : slope * x;
}

/// dy/dx from the output y: 1 if y > 0, else the slope (also at 0, as TensorFlow's gradient of max(a x, x)).
template <class T>
SHCNN_HD T leaky_relu_grad(T y, T slope) {
  return y > T(0) ? T(1) : slope;
}

}  // namespace shcnn
