#include "kernels/cuda/blas.h"

#include <cublas_v2.h>

#include "kernels/cuda/dynamic_library.h"

namespace shcnn::cuda {
namespace {

/// The library of the major version whose header this file is compiled with, so that the ABI matches.
constexpr const char* kSoname = "libcublas.so." SHCNN_TEXT_OF(CUBLAS_VER_MAJOR);

/// NVIDIA's recommendation for Hopper, the largest of all architectures. Without its own workspace cuBLAS allocates
/// memory and is not deterministic.
constexpr std::size_t kWorkspaceBytes = 32u << 20;

}  // namespace

struct BlasLibrary {
  DynamicLibrary library{
      kSoname, SHCNN_CUBLAS_FILE, "cuBLAS",
      "install it (it comes with CUDA), or build with SHCNN_CUBLAS=OFF, which takes the hand-written "
      "products"};
  decltype(&cublasCreate_v2) create = nullptr;
  decltype(&cublasDestroy_v2) destroy = nullptr;
  decltype(&cublasSetStream_v2) set_stream = nullptr;
  decltype(&cublasSetWorkspace_v2) set_workspace = nullptr;
  decltype(&cublasSetMathMode) set_math_mode = nullptr;
  decltype(&cublasGetStatusString) status_string = nullptr;
  decltype(&cublasSgemm_v2) sgemm = nullptr;

  BlasLibrary() {
    library.find(create, "cublasCreate_v2");
    library.find(destroy, "cublasDestroy_v2");
    library.find(set_stream, "cublasSetStream_v2");
    library.find(set_workspace, "cublasSetWorkspace_v2");
    library.find(set_math_mode, "cublasSetMathMode");
    library.find(status_string, "cublasGetStatusString");
    library.find(sgemm, "cublasSgemm_v2");
  }
};

Blas::Blas(Device& device, cudaStream_t stream, bool allow_tf32)
    : library_(std::make_unique<BlasLibrary>()), workspace_(device, kWorkspaceBytes) {
  cublasHandle_t handle = nullptr;
  check(library_->create(&handle), "cublasCreate");
  handle_ = handle;
  try {
    check(library_->set_stream(handle, stream), "cublasSetStream");  // first, because it resets the workspace
    check(library_->set_workspace(handle, workspace_.data(), workspace_.bytes()), "cublasSetWorkspace");
    // pedantic: always fp32, regardless of environment variables and of the default in later versions
    check(library_->set_math_mode(handle, allow_tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_PEDANTIC_MATH),
          "cublasSetMathMode");
  } catch (...) {
    library_->destroy(handle);
    throw;
  }
}

Blas::~Blas() {
  if (handle_) library_->destroy(static_cast<cublasHandle_t>(handle_));
}

void Blas::check(int status, const char* place) const {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorKind::kDevice, place,
              message("cuBLAS: ", library_->status_string(static_cast<cublasStatus_t>(status)),
                      status == CUBLAS_STATUS_ALLOC_FAILED || status == CUBLAS_STATUS_NOT_INITIALIZED
                          ? "; the GPU's memory may be full, or its driver older than this cuBLAS"
                          : "; SHCNN_CUBLAS=OFF at build takes the hand-written products"));
}

void Blas::product(const char* op, std::int64_t rows, std::int64_t cols, std::int64_t depth, const float* a,
                   bool a_transposed, const float* b, bool b_transposed, float* c) {
  constexpr std::int64_t kMost = 0x7fffffff;
  if (rows > kMost || cols > kMost || depth > kMost) {
    throw Error(ErrorKind::kUsage, op, "more than 2^31 samples or features");
  }
  // cuBLAS is column-major and sees a row-major matrix as its transpose, so compute c' (cols, rows) = b' * a'
  const float one = 1, zero = 0;
  const auto m = static_cast<int>(cols), n = static_cast<int>(rows), k = static_cast<int>(depth);
  check(library_->sgemm(static_cast<cublasHandle_t>(handle_), b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                        a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k, &one, b, b_transposed ? k : m, a,
                        a_transposed ? n : k, &zero, c, m),
        op);
}

}  // namespace shcnn::cuda
