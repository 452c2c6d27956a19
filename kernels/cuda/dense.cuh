// Functions shared by the hand-written dense layers (dense.cu) and those on cuBLAS (dense_blas.cu).
#pragma once

#include "kernels/cuda/ops.h"

namespace shcnn::SHCNN_EXECUTOR {

// Each throws Error(kInternal) if the shapes of a dense layer's arguments do not match.
void check_dense_forward(In x, In w, In b, Out y);
void check_dense_backward_data(In w, In dy, Out dx);
void check_dense_backward_filter(In x, In dy, Out dw, Out db);

/// db[o] = sum over n of dy[o][n].  dy (O,N) -> db (O)
void row_sums(const Context& context, const char* op, In dy, Out db);

}  // namespace shcnn::SHCNN_EXECUTOR
