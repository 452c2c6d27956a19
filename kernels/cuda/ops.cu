// The table of the CUDA sources' ops.
#include "kernels/cuda/ops.h"

namespace shcnn::SHCNN_EXECUTOR {

Ops<float> gpu_ops() {
  Ops<float> ops;
  ops.conv2d_forward = conv2d_forward;
  ops.conv2d_backward_data = conv2d_backward_data;
  ops.conv2d_backward_filter = conv2d_backward_filter;
  ops.conv2d_workspace = conv2d_workspace;
  ops.dense_forward = dense_forward;
  ops.dense_backward_data = dense_backward_data;
  ops.dense_backward_filter = dense_backward_filter;
  ops.dense_workspace = dense_workspace;
  ops.leaky_dropout_forward = leaky_dropout_forward;
  ops.leaky_dropout_backward = leaky_dropout_backward;
  return ops;
}

Ops<float> gpu_naive_ops() {
  Ops<float> ops = gpu_ops();
  ops.conv2d_forward = conv2d_forward_naive;
  ops.conv2d_backward_data = conv2d_backward_data_naive;
  ops.conv2d_backward_filter = conv2d_backward_filter_naive;
  ops.dense_forward = dense_forward_naive;
  ops.dense_backward_data = dense_backward_data_naive;
  ops.dense_backward_filter = dense_backward_filter_naive;
  return ops;
}

}  // namespace shcnn::SHCNN_EXECUTOR
