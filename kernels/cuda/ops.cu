// The table of the CUDA sources' ops.
#include "kernels/cuda/ops.h"

namespace shcnn::SHCNN_EXECUTOR {

Ops<float> gpu_ops() {
  Ops<float> ops;
  ops.leaky_dropout_forward = leaky_dropout_forward;
  ops.leaky_dropout_backward = leaky_dropout_backward;
  return ops;
}

}  // namespace shcnn::SHCNN_EXECUTOR
