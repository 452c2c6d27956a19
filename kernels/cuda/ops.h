// The ops of the CUDA sources, in the namespace of the executor they are compiled for (shcnn::cuda or shcnn::simt).
// Shapes and meaning are those of kernels/ops.h. fill_ops (ops.cu) puts them into a table.
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

// dense.cu
void dense_forward(const Context&, In x, In w, In b, Out y);
void dense_backward_data(const Context&, In w, In dy, Out dx);
void dense_backward_filter(const Context&, In x, In dy, Out dw, Out db);
std::size_t dense_workspace(std::int64_t inputs, std::int64_t outputs, std::int64_t samples);

// leaky_dropout.cu
void leaky_dropout_forward(const Context&, LeakyDropout, const StepState* state, Out y);
void leaky_dropout_backward(const Context&, LeakyDropout, const StepState* state, In y, Out dy);

/// Every op that has a CUDA kernel.
Ops<float> gpu_ops();

// The plain kernels beside the tiled ones: one thread an output, the tests' second opinion.
void conv2d_forward_naive(const Context&, ConvPads, In x, In w, Out z);
void conv2d_backward_data_naive(const Context&, ConvPads, In w, In dz, Out dx);
void conv2d_backward_filter_naive(const Context&, ConvPads, In x, In dz, Out dw);
void dense_forward_naive(const Context&, In x, In w, In b, Out y);
void dense_backward_data_naive(const Context&, In w, In dy, Out dx);
void dense_backward_filter_naive(const Context&, In x, In dy, Out dw, Out db);

/// gpu_ops() with the plain kernels in the places of the tiled ones.
Ops<float> gpu_naive_ops();

}  // namespace shcnn::SHCNN_EXECUTOR
