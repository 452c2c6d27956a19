// A Device owns memory and a queue of work; a Context is the part of it that every op receives.
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
/// every call has finished when it returns. Not thread-safe; two Devices in one process are independent.
class Device {
 public:
  virtual ~Device() = default;
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// "cpu (avx2, 2 threads)", "cuda:0 (NVIDIA H100 80GB HBM3)", "simt (2 threads)".
  virtual std::string name() const = 0;
  /// True if host code can read and write device memory directly after synchronize().
  virtual bool host_addressable() const = 0;

  /// Returns memory aligned to 256 bytes with undefined contents. Throws Error(kDevice) if there is not enough; the
  /// message gives the requested amount and, on cpu and cuda, the free amount.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* pointer) noexcept = 0;
  virtual void copy_in(void* device, const void* host, std::size_t bytes) = 0;
  virtual void copy_out(void* host, const void* device, std::size_t bytes) = 0;  ///< waits for queued work
  virtual void fill_zero(void* device, std::size_t bytes) = 0;
  virtual void synchronize() = 0;  ///< waits for queued work; throws if some of it failed

  /// Host memory that the device can write while the host reads parts written earlier (page-locked and mapped on cuda).
  virtual void* allocate_host(std::size_t bytes) = 0;
  virtual void release_host(void* pointer) noexcept = 0;
  /// mark() identifies the work queued so far; wait() returns once that work is done. Only the last kMarks marks can be
  /// waited for.
  static constexpr int kMarks = 8;
  virtual std::uint64_t mark() = 0;
  virtual void wait(std::uint64_t mark) = 0;

  /// Work that is recorded once and can be run many times (a CUDA graph; on cpu and simt the function itself).
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual void run() = 0;
  };
  virtual std::unique_ptr<Recording> record(std::function<void()> work) = 0;
};

/// Owns a block of device memory. Move-only; its size is fixed at construction.
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

/// The device resources that an op uses. Plain data: copying it copies no resource.
struct Context {
  Device* device = nullptr;
  ThreadPool* threads = nullptr;    ///< cpu and simt; null on cuda
  void* stream = nullptr;           ///< cudaStream_t on cuda
  void* blas = nullptr;             ///< cuda::Blas on cuda if cuBLAS is built in and selected, else null
  void* workspace = nullptr;        ///< scratch memory of the device; its contents are valid only during one op
  std::size_t workspace_bytes = 0;  ///< at least the bytes that the op's `*_workspace` entry returns
  bool allow_tf32 = false;          ///< tensor-core products with 10-bit mantissas
};

/// The workspace as an array of T; throws Error(kInternal) if it is smaller than `count` elements.
template <class T>
T* workspace_as(const Context& context, const char* op, std::size_t count) {
  if (context.workspace_bytes < count * sizeof(T)) {
    throw Error(ErrorKind::kInternal, op,
                message("workspace has ", context.workspace_bytes, " bytes, needs ", count * sizeof(T)));
  }
  return static_cast<T*>(context.workspace);
}

}  // namespace shcnn
