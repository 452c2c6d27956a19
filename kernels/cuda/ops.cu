// Tables of the ops in this folder.
#include "kernels/cuda/ops.h"

namespace shcnn::SHCNN_EXECUTOR {

Ops<float> gpu_ops() {
  Ops<float> ops;
  ops.conv2d_forward = conv2d_forward;
  ops.conv2d_backward_data = conv2d_backward_data;
  ops.conv2d_backward_filter = conv2d_backward_filter;
  ops.conv2d_workspace = conv2d_workspace;
  ops.max_pool_forward = max_pool_forward;
  ops.max_pool_backward = max_pool_backward;
  ops.avg_pool_forward = avg_pool_forward;
  ops.avg_pool_backward = avg_pool_backward;
  ops.dense_forward = dense_forward;
  ops.dense_backward_data = dense_backward_data;
  ops.dense_backward_filter = dense_backward_filter;
  ops.dense_workspace = dense_workspace;
  ops.leaky_dropout_forward = leaky_dropout_forward;
  ops.leaky_dropout_backward = leaky_dropout_backward;
  ops.softmax_forward = softmax_forward;
  ops.softmax_score_gradient = softmax_score_gradient;
  ops.soft_cross_entropy = soft_cross_entropy;
  ops.vote = vote;
  ops.count_confusion = count_confusion;
  ops.advance_step = advance_step;
  ops.clip_by_global_norm = clip_by_global_norm;
  ops.adam_step = adam_step;
  ops.adam_replay = adam_replay;
  ops.publish_report = publish_report;
  ops.adam_workspace = adam_workspace;
  ops.make_batch = make_batch;
  ops.uncrop_mean = uncrop_mean;
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
