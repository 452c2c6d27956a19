// cuBLAS for the dense layers, used if it is built in (SHCNN_CUBLAS) and BackendOptions::hand_gemm is false.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device.h"
#include "kernels/ops.h"

namespace shcnn::cuda {

struct BlasLibrary;  ///< the cuBLAS functions (blas.cpp)

/// A cuBLAS handle on one stream. The library is loaded when a device needs it, not linked, so that a program built
/// with cuBLAS also starts on machines without it.
class Blas {
 public:
  /// Allocates the workspace from `device` once, so that a product allocates nothing and can be captured in a graph.
  /// Throws Error(kDevice) if the library is missing or cannot be initialised.
  Blas(Device& device, cudaStream_t stream, bool allow_tf32);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  /// c (rows, cols) = a (rows, depth) * b (depth, cols), all row-major. a_transposed: a is stored as (depth, rows);
  /// b_transposed: b is stored as (cols, depth).
  void product(const char* op, std::int64_t rows, std::int64_t cols, std::int64_t depth, const float* a,
               bool a_transposed, const float* b, bool b_transposed, float* c);

 private:
  void check(int status, const char* place) const;

  std::unique_ptr<BlasLibrary> library_;
  void* handle_ = nullptr;  ///< cublasHandle_t
  DeviceBuffer workspace_;
};

/// Replaces the hand-written dense layers in `ops` by those on cuBLAS (dense_blas.cu); Context::blas must be a Blas.
void use_blas(Ops<float>& ops);

}  // namespace shcnn::cuda
