// The ops of the CUDA sources, in the namespace of the executor they are compiled for (shcnn::cuda or shcnn::simt).
// Shapes and meaning are those of kernels/ops.h. gpu_ops (ops.cu) puts them into a table.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/ops.h"

namespace shcnn::SHCNN_EXECUTOR {

using In = View<const float>;
using Out = View<float>;

// conv2d.cu, conv2d_filter.cu
void conv2d_forward(const Context&, ConvPads, In x, In w, Out z);
void conv2d_backward_data(const Context&, ConvPads, In w, In dz, Out dx);
void conv2d_backward_filter(const Context&, ConvPads, In x, In dz, Out dw);
std::size_t conv2d_workspace(const ConvGeometry&);

// max_pool.cu, avg_pool.cu
void max_pool_forward(const Context&, MaxPool, float slope, In z, In b, Out y, View<std::uint8_t> winner);
void max_pool_backward(const Context&, MaxPool, float slope, In y, View<const std::uint8_t> winner, In dy, Out dz,
                       Out db);
void avg_pool_forward(const Context&, float slope, In z, In b, Out y);
void avg_pool_backward(const Context&, float slope, In y, In dy, Out dz, Out db);

// dense.cu
void dense_forward(const Context&, In x, In w, In b, Out y);
void dense_backward_data(const Context&, In w, In dy, Out dx);
void dense_backward_filter(const Context&, In x, In dy, Out dw, Out db);
std::size_t dense_workspace(std::int64_t inputs, std::int64_t outputs, std::int64_t samples);

// leaky_dropout.cu
void leaky_dropout_forward(const Context&, LeakyDropout, const StepState* state, Out y);
void leaky_dropout_backward(const Context&, LeakyDropout, const StepState* state, In y, Out dy);

// softmax.cu
void softmax_forward(const Context&, Temperature, In logits, Out p);
void softmax_score_gradient(const Context&, Temperature, In logits, View<const std::int32_t> classes, Out grad);
void soft_cross_entropy(const Context&, CrossEntropyGradient, In logits, In labels, Out grad, StepReport* report);
void vote(const Context&, int crops, In p, Out scores, View<std::int32_t> predicted);
void count_confusion(const Context&, View<const std::int32_t> truth, View<const std::int32_t> predicted,
                     View<std::int64_t> confusion);

// adam.cu
void advance_step(const Context&, StepSchedule, StepState* state);
void clip_by_global_norm(const Context&, float max_norm, float lambda, std::int64_t decayed, In w, In g,
                         StepState* state, StepReport* report);
void adam_step(const Context&, AdamParams<float>, std::int64_t decayed, const StepState* state, In g, Out w, Out m,
               Out v, StepReport* report);
void adam_replay(const Context&, AdamParams<float>, StepSchedule, std::uint64_t first_step, Out w, Out m, Out v,
                 View<double> sum_squares);
void publish_report(const Context&, const StepState* state, const StepReport* report, View<StepReport> ring);
std::size_t adam_workspace(std::int64_t parameters);

// batch.cu
void make_batch(const Context&, CropPlan, View<const std::uint8_t> images, In labels, View<const std::int32_t> order,
                const StepState* state, Out x, Out y);
void uncrop_mean(const Context&, CropPlan, int crops, In dx, View<const std::int32_t> order, Out map);

/// The table of all ops.
Ops<float> gpu_ops();

// Plain kernels with one thread per output; the reference that tests compare the tiled kernels with.
void conv2d_forward_naive(const Context&, ConvPads, In x, In w, Out z);
void conv2d_backward_data_naive(const Context&, ConvPads, In w, In dz, Out dx);
void conv2d_backward_filter_naive(const Context&, ConvPads, In x, In dz, Out dw);
void dense_forward_naive(const Context&, In x, In w, In b, Out y);
void dense_backward_data_naive(const Context&, In w, In dy, Out dx);
void dense_backward_filter_naive(const Context&, In x, In dy, Out dw, Out db);

/// gpu_ops() with the plain kernels in place of the tiled ones.
Ops<float> gpu_naive_ops();

}  // namespace shcnn::SHCNN_EXECUTOR
