// cuBLAS for the dense layers, where it is built in (SHCNN_CUBLAS) and wanted (BackendOptions::hand_gemm is false).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device.h"
#include "kernels/ops.h"

namespace shcnn::cuda {

struct BlasLibrary;  ///< blas.cpp: cuBLAS's functions

/// A cuBLAS handle on one stream. The library is opened when a device asks for it, not linked: a program that was built
/// with cuBLAS starts on machines without it.
class Blas {
 public:
  /// `device` gives the workspace, which is taken once: a product allocates nothing and can be captured in a graph.
  /// Throws Error(kDevice) where the library is absent or cannot start.
  Blas(Device& device, cudaStream_t stream, bool allow_tf32);
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  /// c (rows, cols) = a (rows, depth) * b (depth, cols), all row-major. a_transposed: a stands in memory as
  /// (depth, rows); b_transposed: b stands as (cols, depth).
  void product(const char* op, std::int64_t rows, std::int64_t cols, std::int64_t depth, const float* a,
               bool a_transposed, const float* b, bool b_transposed, float* c);

 private:
  void check(int status, const char* place) const;

  std::unique_ptr<BlasLibrary> library_;
  void* handle_ = nullptr;  ///< cublasHandle_t
  DeviceBuffer workspace_;
};

/// Puts cuBLAS's products into the places of the hand-written ones (dense_blas.cu); Context::blas is then a Blas.
void use_blas(Ops<float>& ops);

}  // namespace shcnn::cuda
