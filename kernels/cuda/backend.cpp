#include "kernels/backend.h"

#include "kernels/cuda/device.h"
#if defined(SHCNN_HAVE_CUBLAS)
#include "kernels/cuda/blas.h"
#endif

namespace shcnn {
namespace cuda {
Ops<float> gpu_ops();  // defined in ops.cu; ops.h cannot be included here because without nvcc it means shcnn::simt
}

Backend cuda_backend(int ordinal, const BackendOptions& options) {
  auto device = std::make_unique<cuda::CudaDevice>(ordinal);
  if (options.allow_tf32 && device->capability() < 80) {
    throw Error(ErrorKind::kDevice, device->name(),
                "tf32 needs a GPU of compute capability 8.0 or more; run without it, in float32");
  }
  Backend backend;
  backend.context.device = device.get();
  backend.context.stream = device->stream();
  backend.context.allow_tf32 = options.allow_tf32;
  backend.ops = cuda::gpu_ops();
#if defined(SHCNN_HAVE_CUBLAS)
  if (!options.hand_gemm) {
    auto blas = std::make_shared<cuda::Blas>(*device, device->stream(), options.allow_tf32);
    backend.context.blas = blas.get();
    device->keep(std::move(blas));
    cuda::use_blas(backend.ops);
  }
#endif
  backend.device = std::move(device);
  return backend;
}

}  // namespace shcnn
