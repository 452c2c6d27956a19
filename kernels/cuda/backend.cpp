#include "kernels/backend.h"

#include "kernels/cuda/device.h"

namespace shcnn {
namespace cuda {
Ops<float> gpu_ops();  // ops.cu; its header is for nvcc
}

Backend cuda_backend(int ordinal, const BackendOptions& options) {
  auto device = std::make_unique<cuda::CudaDevice>(ordinal);
  Backend backend;
  backend.context.device = device.get();
  backend.context.stream = device->stream();
  backend.context.allow_tf32 = options.allow_tf32;
  backend.ops = cuda::gpu_ops();
  backend.device = std::move(device);
  return backend;
}

}  // namespace shcnn
