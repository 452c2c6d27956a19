// The CPU as a Device: host memory; every call has finished when it returns.
#pragma once

#include <memory>
#include <string>

#include "kernels/device.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu {

/// Owns the thread pool that its Context points to.
class CpuDevice final : public Device {
 public:
  CpuDevice(int threads, const std::string& isa);

  std::string name() const override;
  bool host_addressable() const override { return true; }
  void* allocate(std::size_t bytes) override;
  void release(void* pointer) noexcept override;
  void copy_in(void* device, const void* host, std::size_t bytes) override;
  void copy_out(void* host, const void* device, std::size_t bytes) override;
  void fill_zero(void* device, std::size_t bytes) override;
  void synchronize() override {}
  void* allocate_host(std::size_t bytes) override { return allocate(bytes); }
  void release_host(void* pointer) noexcept override { release(pointer); }
  std::uint64_t mark() override { return ++marks_; }
  void wait(std::uint64_t) override {}
  std::unique_ptr<Recording> record(std::function<void()> work) override;

  ThreadPool& threads() { return threads_; }

 private:
  ThreadPool threads_;
  std::string isa_;
  std::uint64_t marks_ = 0;
};

}  // namespace shcnn::cpu
