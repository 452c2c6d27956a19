// The ops of the CUDA sources, in the namespace of the executor they are compiled for (shcnn::cuda or shcnn::simt).
// Shapes and meaning are those of kernels/ops.h. fill_ops (ops.cu) puts them into a table.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/ops.h"

namespace shcnn::SHCNN_EXECUTOR {

using In = View<const float>;
using Out = View<float>;

// leaky_dropout.cu
void leaky_dropout_forward(const Context&, LeakyDropout, const StepState* state, Out y);
void leaky_dropout_backward(const Context&, LeakyDropout, const StepState* state, In y, Out dy);

/// Every op that has a CUDA kernel.
Ops<float> gpu_ops();

}  // namespace shcnn::SHCNN_EXECUTOR
