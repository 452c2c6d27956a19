// A CUDA device: memory, one stream, and recordings as CUDA graphs.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/device.h"

namespace shcnn::cuda {

/// Queues all work on its own stream, in call order. The constructor selects the GPU for the calling thread, so use one
/// CudaDevice per thread.
class CudaDevice final : public Device {
 public:
  /// Throws Error(kDevice) with a one-line message if there is no GPU `ordinal` or no driver.
  explicit CudaDevice(int ordinal);
  ~CudaDevice() override;

  std::string name() const override { return name_; }
  bool host_addressable() const override { return false; }
  void* allocate(std::size_t bytes) override;
  void release(void* pointer) noexcept override;
  void copy_in(void* device, const void* host, std::size_t bytes) override;
  void copy_out(void* host, const void* device, std::size_t bytes) override;
  void fill_zero(void* device, std::size_t bytes) override;
  void synchronize() override;
  void* allocate_host(std::size_t bytes) override;
  void release_host(void* pointer) noexcept override;
  std::uint64_t mark() override;
  void wait(std::uint64_t mark) override;
  std::unique_ptr<Recording> record(std::function<void()> work) override;

  cudaStream_t stream() const { return stream_; }
  /// Compute capability, 75 for 7.5.
  int capability() const { return capability_; }
  /// Keeps an object that uses the stream (a cuBLAS handle) alive; it is released before the stream is destroyed.
  void keep(std::shared_ptr<void> resource) { kept_ = std::move(resource); }

 private:
  void destroy() noexcept;

  int ordinal_;
  std::string name_;
  int capability_ = 0;
  std::shared_ptr<void> kept_;
  cudaStream_t stream_ = nullptr;
  std::array<cudaEvent_t, kMarks> events_{};  ///< mark m is events_[m % kMarks]
  std::uint64_t marks_ = 0;
};

}  // namespace shcnn::cuda
