// A Device that runs CUDA kernels on the host: memory with guard bands, kernels run by the Executor.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "kernels/device.h"
#include "kernels/host/thread_pool.h"
#include "kernels/simt/executor.h"

namespace shcnn::simt {

/// Every buffer lies between two guard bands and is initialised to NaN (bytes 0xFF). The bands are checked after each
/// launch; under AddressSanitizer they are poisoned instead, so that it reports the invalid access itself.
class SimtDevice final : public Device {
 public:
  /// threads as in BackendOptions; fiber_order as in Executor.
  SimtDevice(int threads, std::uint64_t fiber_order);
  ~SimtDevice() override;

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
  std::uint64_t mark() override { return 0; }
  void wait(std::uint64_t) override {}
  std::unique_ptr<Recording> record(std::function<void()> work) override;

  ThreadPool& threads() { return threads_; }
  Executor& executor() { return executor_; }
  /// Throws Error(kInternal, op, ...) if a byte of a guard band was overwritten.
  void check_guards(const char* op) const;

 private:
  ThreadPool threads_;
  Executor executor_;
  std::map<unsigned char*, std::size_t> buffers_;  ///< address of the first byte -> size in bytes
};

}  // namespace shcnn::simt
