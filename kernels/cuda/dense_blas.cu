// Dense layers on cuBLAS: each of the three products of dense.cu is one call (blas.h). The forward product is written
// to the workspace, and sum_splits adds the bias, as for the hand-written product. fp32, or tf32 if the handle allows
// it.
#include "kernels/cuda/blas.h"
#include "kernels/cuda/dense.cuh"
#include "kernels/cuda/sum_splits.cuh"

namespace shcnn::cuda {
namespace {

Blas& blas_of(const Context& context) { return *static_cast<Blas*>(context.blas); }

void forward(const Context& context, In x, In w, In b, Out y) {
  constexpr const char* kOp = "dense_forward";
  check_dense_forward(x, w, b, y);
  if (y.count() == 0) return;
  float* const product = workspace_as<float>(context, kOp, static_cast<std::size_t>(y.count()));
  blas_of(context).product(kOp, w[0], x[1], x[0], w.data, false, x.data, false, product);
  sum_splits(context, kOp, 1, y.count(), product, b.data, x[1], y.data);
}

void backward_data(const Context& context, In w, In dy, Out dx) {
  check_dense_backward_data(w, dy, dx);
  if (dx.count() == 0) return;
  blas_of(context).product("dense_backward_data", w[1], dy[1], w[0], w.data, true, dy.data, false, dx.data);
}

void backward_filter(const Context& context, In x, In dy, Out dw, Out db) {
  constexpr const char* kOp = "dense_backward_filter";
  check_dense_backward_filter(x, dy, dw, db);
  row_sums(context, kOp, dy, db);
  if (dw.count() == 0) return;
  if (x[1] == 0) {
    context.device->fill_zero(dw.data, static_cast<std::size_t>(dw.count()) * sizeof(float));
  } else {
    blas_of(context).product(kOp, dy[0], x[0], x[1], dy.data, false, x.data, true, dw.data);
  }
}

}  // namespace

void use_blas(Ops<float>& ops) {
  ops.dense_forward = forward;
  ops.dense_backward_data = backward_data;
  ops.dense_backward_filter = backward_filter;
}

}  // namespace shcnn::cuda
