// LeakyReLU: y = max(a x, x) for a slope 0 <= a < 1; a = 0 is plain ReLU. Undone from the sign of its output.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn {

template <class T>
SHCNN_HD T leaky_relu(T x, T slope) {
  return x > T(0) ? x : slope * x;
}

/// dy/dx from the output y alone: 1 where y > 0, else the slope (also at 0, as max(a x, x) has it in TensorFlow).
template <class T>
SHCNN_HD T leaky_relu_grad(T y, T slope) {
  return y > T(0) ? T(1) : slope;
}

}  // namespace shcnn
