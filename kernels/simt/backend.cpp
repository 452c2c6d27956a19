#include "kernels/backend.h"

#include "kernels/cuda/ops.h"
#include "kernels/simt/device.h"

namespace shcnn {

Backend simt_backend(const BackendOptions& options) {
  auto device = std::make_unique<simt::SimtDevice>(options.threads, options.fiber_order);
  Backend backend;
  backend.context.device = device.get();
  backend.context.threads = &device->threads();
  backend.context.stream = &device->executor();
  backend.context.allow_tf32 = options.allow_tf32;
  backend.ops = simt::gpu_ops();
  backend.device = std::move(device);
  return backend;
}

}  // namespace shcnn
