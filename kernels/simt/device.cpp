#include "kernels/simt/device.h"

#include <cstdlib>
#include <cstring>

#include "kernels/simt/guard.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace shcnn::simt {
namespace {

constexpr std::size_t kAlignment = 256;  // as cudaMalloc

/// `bytes` rounded up to the alignment. The band after a buffer starts immediately behind its last byte and extends to
/// the end of the allocation.
std::size_t room(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

class Replay final : public Device::Recording {
 public:
  explicit Replay(std::function<void()> work) : work_(std::move(work)) {}
  void run() override { work_(); }

 private:
  std::function<void()> work_;
};

}  // namespace

SimtDevice::SimtDevice(int threads, std::uint64_t fiber_order) : threads_(threads), executor_(threads_, fiber_order) {
  executor_.set_after_launch([this](const char* op) { check_guards(op); });
}

SimtDevice::~SimtDevice() {
  while (!buffers_.empty()) release(buffers_.begin()->first);
}

std::string SimtDevice::name() const {
  return message("simt (", threads_.size(), threads_.size() == 1 ? " thread)" : " threads)");
}

void* SimtDevice::allocate(std::size_t bytes) {
  const std::size_t total = kGuardBytes + room(bytes) + kGuardBytes;
  auto* memory = static_cast<unsigned char*>(std::aligned_alloc(kAlignment, total));
  if (!memory) throw Error(ErrorKind::kDevice, name(), message("out of memory: ", bytes, " bytes asked for"));
  unsigned char* buffer = memory + kGuardBytes;
  fill_guard(memory, buffer);
  std::memset(buffer, kPoisonByte, bytes);
  fill_guard(buffer + bytes, memory + total);
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(memory, kGuardBytes);
  __asan_poison_memory_region(buffer + bytes, total - kGuardBytes - bytes);
#endif
  buffers_[buffer] = bytes;
  return buffer;
}

void SimtDevice::release(void* pointer) noexcept {
  const auto found = buffers_.find(static_cast<unsigned char*>(pointer));
  if (found == buffers_.end()) return;
  unsigned char* memory = found->first - kGuardBytes;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(memory, kGuardBytes + room(found->second) + kGuardBytes);
#endif
  buffers_.erase(found);
  std::free(memory);
}

void SimtDevice::copy_in(void* device, const void* host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(device, host, bytes);
}
void SimtDevice::copy_out(void* host, const void* device, std::size_t bytes) {
  if (bytes > 0) std::memcpy(host, device, bytes);
}
void SimtDevice::fill_zero(void* device, std::size_t bytes) {
  if (bytes > 0) std::memset(device, 0, bytes);
}

std::unique_ptr<Device::Recording> SimtDevice::record(std::function<void()> work) {
  return std::make_unique<Replay>(std::move(work));
}

void SimtDevice::check_guards([[maybe_unused]] const char* op) const {
#if !defined(__SANITIZE_ADDRESS__)  // AddressSanitizer has the bands poisoned and reports the access itself
  for (const auto& [start, bytes] : buffers_) {
    const unsigned char* buffer = start;
    const unsigned char* end = buffer + room(bytes) + kGuardBytes;
    const unsigned char* after = overwritten_guard(buffer + bytes, end);
    if (after != end) {
      throw Error(ErrorKind::kInternal, op,
                  message("stored past a buffer of ", bytes, " bytes, at byte ", after - buffer));
    }
    const unsigned char* before = overwritten_guard(buffer - kGuardBytes, buffer);
    if (before != buffer) {
      throw Error(ErrorKind::kInternal, op,
                  message("stored ", buffer - before, " bytes before a buffer of ", bytes, " bytes"));
    }
  }
#endif
}

}  // namespace shcnn::simt
