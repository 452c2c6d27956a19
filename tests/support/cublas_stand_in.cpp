// Replaces cuBLAS on a machine without a GPU: the few functions that shcnn calls, as NVIDIA documents them, on host
// memory. cublasSgemm is its definition in plain column-major loops; it fails if a set-up function was not called
// before it.
#include <cublas_v2.h>

struct cublasContext {
  bool has_stream = false, has_workspace = false, has_mode = false;
  cublasMath_t mode = CUBLAS_DEFAULT_MATH;
};

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t) {
  handle->has_stream = true;
  handle->has_workspace = false;  // as documented: returns to the default workspace, which cuBLAS allocates
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  handle->has_workspace = workspace != nullptr && bytes > 0;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  handle->has_mode = true;
  handle->mode = mode;
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasGetStatusString(cublasStatus_t) { return "stand-in"; }

/// c (m, n) = alpha op(a) (m, k) op(b) (k, n) + beta c, column-major. The math mode changes the result so that tests
/// can check it: tf32 adds 0.25 to every element.
cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n,
                              int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                              const float* beta, float* c, int ldc) {
  if (!handle->has_stream || !handle->has_workspace || !handle->has_mode) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (lda < (op_a == CUBLAS_OP_N ? m : k) || ldb < (op_b == CUBLAS_OP_N ? k : n) || ldc < m) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const bool exact = handle->mode == CUBLAS_PEDANTIC_MATH;
  if (!exact && handle->mode != CUBLAS_TF32_TENSOR_OP_MATH) return CUBLAS_STATUS_INVALID_VALUE;
  for (int col = 0; col < n; ++col) {
    for (int row = 0; row < m; ++row) {
      float sum = exact ? 0 : 0.25f;
      for (int i = 0; i < k; ++i) {
        const float left =
            op_a == CUBLAS_OP_N ? a[row + static_cast<long>(i) * lda] : a[i + static_cast<long>(row) * lda];
        const float right =
            op_b == CUBLAS_OP_N ? b[i + static_cast<long>(col) * ldb] : b[col + static_cast<long>(i) * ldb];
        sum += left * right;
      }
      float& out = c[row + static_cast<long>(col) * ldc];
      out = *beta == 0 ? *alpha * sum : *alpha * sum + *beta * out;
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
