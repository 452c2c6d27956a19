// A Device owns memory and an order of execution; a Context is what every op gets of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kernels/error.h"

namespace shcnn {

class ThreadPool;

/// Memory and execution order of one executor. All work is queued in call order on one stream; on `cpu` and `simt`
/// every call has finished when it returns. Not safe for two threads at once; two Devices in one process are
/// independent.
class Device {
 public:
  virtual ~Device() = default;
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// "cpu (avx2, 2 threads)", "cuda:0 (NVIDIA H100 80GB HBM3)", "simt (2 threads)".
  virtual std::string name() const = 0;
  /// True where device memory can be read and written by plain host code once synchronize() has returned.
  virtual bool host_addressable() const = 0;

  /// Bytes aligned to 256, contents undefined. Throws Error(kDevice) that says what was asked for and what is free.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* pointer) noexcept = 0;
  virtual void copy_in(void* device, const void* host, std::size_t bytes) = 0;
  virtual void copy_out(void* host, const void* device, std::size_t bytes) = 0;  ///< waits for queued work
  virtual void fill_zero(void* device, std::size_t bytes) = 0;
  virtual void synchronize() = 0;  ///< waits for queued work; throws what went wrong in it

  /// Host memory that the device can write while the host reads older parts of it (page-locked and mapped on cuda).
  virtual void* allocate_host(std::size_t bytes) = 0;
  virtual void release_host(void* pointer) noexcept = 0;
  /// Names the work queued so far; wait() returns once that work is done. At most kMarks marks are remembered.
  static constexpr int kMarks = 8;
  virtual std::uint64_t mark() = 0;
  virtual void wait(std::uint64_t mark) = 0;

  /// Something recorded once that can be run many times (a CUDA graph; elsewhere the function itself).
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual void run() = 0;
  };
  virtual std::unique_ptr<Recording> record(std::function<void()> work) = 0;
};

/// Device memory with an owner. Move-only; sized once.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(Device& device, std::size_t bytes)
      : device_(&device), bytes_(bytes), data_(bytes ? device.allocate(bytes) : nullptr) {}
  ~DeviceBuffer() {
    if (data_) device_->release(data_);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
  }
  Device* device_ = nullptr;
  std::size_t bytes_ = 0;
  void* data_ = nullptr;
};

/// What an op runs with. Plain data: copying it copies no resource.
struct Context {
  Device* device = nullptr;
  ThreadPool* threads = nullptr;    ///< cpu and simt; null on cuda
  void* stream = nullptr;           ///< cudaStream_t on cuda
  void* blas = nullptr;             ///< cublasHandle_t on cuda where cuBLAS is built in and wanted
  void* workspace = nullptr;        ///< scratch memory of the device; an op's contents do not outlive the op
  std::size_t workspace_bytes = 0;  ///< at least what the op's `*_workspace` entry asks for
  bool allow_tf32 = false;          ///< tensor-core products with 10-bit mantissas; off by default
};

/// The workspace as an array of T; throws if it is smaller than `count` elements.
template <class T>
T* workspace_as(const Context& context, const char* op, std::size_t count) {
  if (context.workspace_bytes < count * sizeof(T)) {
    throw Error(ErrorKind::kInternal, op,
                message("workspace has ", context.workspace_bytes, " bytes, needs ", count * sizeof(T)));
  }
  return static_cast<T*>(context.workspace);
}

}  // namespace shcnn
