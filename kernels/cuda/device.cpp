#include "kernels/cuda/device.h"

#include "kernels/cuda/check.h"

namespace shcnn::cuda {
namespace {

/// An instantiated graph. run() only queues it; errors of the work are reported by synchronize().
class GraphRecording final : public Device::Recording {
 public:
  GraphRecording(cudaGraph_t graph, cudaStream_t stream) : stream_(stream) {
    const cudaError_t code = cudaGraphInstantiate(&executable_, graph, 0);
    cudaGraphDestroy(graph);
    check(code, "record");
  }
  ~GraphRecording() override { cudaGraphExecDestroy(executable_); }
  GraphRecording(const GraphRecording&) = delete;
  GraphRecording& operator=(const GraphRecording&) = delete;
  void run() override { check(cudaGraphLaunch(executable_, stream_), "run of a recorded step"); }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

CudaDevice::CudaDevice(int ordinal) : ordinal_(ordinal), name_(message("cuda:", ordinal)) {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess || count == 0) {
    cudaGetLastError();
    throw Error(ErrorKind::kDevice, name_,
                message("no usable GPU: ", code == cudaSuccess ? "none is installed" : cudaGetErrorString(code),
                        "; install NVIDIA's driver, or use --device cpu"));
  }
  if (ordinal < 0 || ordinal >= count) {
    throw Error(ErrorKind::kDevice, name_, message("there are ", count, " GPUs, cuda:0 to cuda:", count - 1));
  }
  check(cudaSetDevice(ordinal), name_.c_str());
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, ordinal), name_.c_str());
  name_ = message("cuda:", ordinal, " (", properties.name, ")");
  capability_ = 10 * properties.major + properties.minor;
  try {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), name_.c_str());
    for (cudaEvent_t& event : events_) check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), name_.c_str());
  } catch (...) {
    destroy();
    throw;
  }
}

CudaDevice::~CudaDevice() { destroy(); }

void CudaDevice::destroy() noexcept {
  kept_.reset();
  for (cudaEvent_t event : events_) {
    if (event) cudaEventDestroy(event);
  }
  if (stream_) cudaStreamDestroy(stream_);
}

void* CudaDevice::allocate(std::size_t bytes) {
  void* pointer = nullptr;
  const cudaError_t code = cudaMalloc(&pointer, bytes);
  if (code == cudaErrorMemoryAllocation) {
    std::size_t free_bytes = 0, total_bytes = 0;
    cudaGetLastError();
    cudaMemGetInfo(&free_bytes, &total_bytes);
    throw Error(ErrorKind::kDevice, name_,
                message("out of memory: ", bytes, " bytes asked for, ", free_bytes, " of ", total_bytes, " are free; ",
                        remedy_for(code)));
  }
  check(code, name_.c_str());
  return pointer;
}

void CudaDevice::release(void* pointer) noexcept { cudaFree(pointer); }

void CudaDevice::copy_in(void* device, const void* host, std::size_t bytes) {
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream_), "copy_in");
}

void CudaDevice::copy_out(void* host, const void* device, std::size_t bytes) {
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream_), "copy_out");
  check(cudaStreamSynchronize(stream_), "copy_out");
}

void CudaDevice::fill_zero(void* device, std::size_t bytes) {
  check(cudaMemsetAsync(device, 0, bytes, stream_), "fill_zero");
}

void CudaDevice::synchronize() { check(cudaStreamSynchronize(stream_), "synchronize"); }

void* CudaDevice::allocate_host(std::size_t bytes) {
  void* pointer = nullptr;
  // mapped: with unified addressing, which every supported GPU has, host and device use the same pointer
  check(cudaHostAlloc(&pointer, bytes, cudaHostAllocMapped), "allocate_host");
  return pointer;
}

void CudaDevice::release_host(void* pointer) noexcept { cudaFreeHost(pointer); }

std::uint64_t CudaDevice::mark() {
  check(cudaEventRecord(events_[marks_ % kMarks], stream_), "mark");
  return marks_++;
}

void CudaDevice::wait(std::uint64_t mark) {
  if (mark >= marks_ || marks_ - mark > kMarks) {
    throw Error(ErrorKind::kInternal, "wait", message("mark ", mark, " is not among the last ", kMarks));
  }
  check(cudaEventSynchronize(events_[mark % kMarks]), "wait");
}

std::unique_ptr<Device::Recording> CudaDevice::record(std::function<void()> work) {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "record");
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream_, &graph);  // leaves capture mode
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  check(cudaStreamEndCapture(stream_, &graph), "record");
  return std::make_unique<GraphRecording>(graph, stream_);
}

}  // namespace shcnn::cuda
