#include "kernels/cuda/check.h"

namespace shcnn::cuda {

const char* remedy_for(cudaError_t code) {
  switch (code) {
    case cudaErrorMemoryAllocation:
      return "the GPU's memory is full; use a smaller --batch or end other programs that use this GPU (nvidia-smi "
             "lists them)";
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorInvalidPtx:
      return "this build holds no code for this GPU; build with the preset cuda-all, or add its architecture to "
             "CMAKE_CUDA_ARCHITECTURES";
    case cudaErrorInsufficientDriver:
      return "the driver is older than this build's CUDA runtime; update the driver, or use --device cpu";
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
      return "there is no such GPU; see `shcnn doctor`, or use --device cpu";
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorIllegalInstruction:
      return "a kernel of this op or of one queued before it touched memory that is not its own; --device simt names "
             "the "
             "kernel and the thread, compute-sanitizer does so on the GPU. This process cannot use the GPU again";
    case cudaErrorLaunchOutOfResources:
      return "the kernel needs more registers or shared memory than a block may have on this GPU; report this";
    case cudaErrorLaunchTimeout:
      return "the display's watchdog ended a kernel; use a smaller --batch or a GPU without a display";
    case cudaErrorECCUncorrectable:
      return "the GPU's memory is damaged; use another GPU";
    default:
      return "if it happens again with --device simt it is a bug of shcnn, else look at the driver's log (dmesg)";
  }
}

void throw_cuda_error(cudaError_t code, const char* place) {
  cudaGetLastError();  // clears a non-sticky error, so that the next op does not report it again
  throw Error(ErrorKind::kDevice, place,
              message(cudaGetErrorString(code), " (", cudaGetErrorName(code), "); ", remedy_for(code)));
}

}  // namespace shcnn::cuda
