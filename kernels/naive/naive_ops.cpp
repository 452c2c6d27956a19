// The table of the plain loops, for float and double.
#include "kernels/naive/adam.h"
#include "kernels/naive/avg_pool.h"
#include "kernels/naive/batch.h"
#include "kernels/naive/conv2d.h"
#include "kernels/naive/dense.h"
#include "kernels/naive/leaky_dropout.h"
#include "kernels/naive/max_pool.h"
#include "kernels/naive/softmax.h"
#include "kernels/ops.h"

namespace shcnn {

template <class T>
Ops<T> naive_ops() {
  Ops<T> ops;
  ops.conv2d_forward = naive::conv2d_forward<T>;
  ops.conv2d_backward_data = naive::conv2d_backward_data<T>;
  ops.conv2d_backward_filter = naive::conv2d_backward_filter<T>;
  ops.conv2d_workspace = naive::conv2d_workspace;
  ops.max_pool_forward = naive::max_pool_forward<T>;
  ops.max_pool_backward = naive::max_pool_backward<T>;
  ops.avg_pool_forward = naive::avg_pool_forward<T>;
  ops.avg_pool_backward = naive::avg_pool_backward<T>;
  ops.dense_forward = naive::dense_forward<T>;
  ops.dense_backward_data = naive::dense_backward_data<T>;
  ops.dense_backward_filter = naive::dense_backward_filter<T>;
  ops.dense_workspace = naive::dense_workspace;
  ops.leaky_dropout_forward = naive::leaky_dropout_forward<T>;
  ops.leaky_dropout_backward = naive::leaky_dropout_backward<T>;
  ops.softmax_forward = naive::softmax_forward<T>;
  ops.softmax_score_gradient = naive::softmax_score_gradient<T>;
  ops.soft_cross_entropy = naive::soft_cross_entropy<T>;
  ops.vote = naive::vote<T>;
  ops.count_confusion = naive::count_confusion;
  ops.advance_step = naive::advance_step;
  ops.clip_by_global_norm = naive::clip_by_global_norm<T>;
  ops.adam_step = naive::adam_step<T>;
  ops.adam_replay = naive::adam_replay<T>;
  ops.publish_report = naive::publish_report;
  ops.adam_workspace = naive::adam_workspace;
  ops.make_batch = naive::make_batch<T>;
  ops.uncrop_mean = naive::uncrop_mean<T>;
  return ops;
}

template Ops<float> naive_ops<float>();
template Ops<double> naive_ops<double>();

}  // namespace shcnn
