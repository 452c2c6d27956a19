// Checks CUDA return codes: a failure becomes an Error(kDevice) that names the op and says how to fix it.
#pragma once

#include <cuda_runtime.h>

#include "kernels/error.h"

namespace shcnn::cuda {

/// How the user can fix `code`, as text for the error message.
const char* remedy_for(cudaError_t code);
/// Throws Error(kDevice, place, ...) for `code`, which is not cudaSuccess.
[[noreturn]] void throw_cuda_error(cudaError_t code, const char* place);

inline void check(cudaError_t code, const char* place) {
  if (code != cudaSuccess) throw_cuda_error(code, place);
}

}  // namespace shcnn::cuda
