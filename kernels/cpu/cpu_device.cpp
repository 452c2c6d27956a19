#include "kernels/cpu/cpu_device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace shcnn::cpu {
namespace {

constexpr std::size_t kAlign = 256;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Holds the function itself: on the CPU there is nothing to record.
class Replay final : public Device::Recording {
 public:
  explicit Replay(std::function<void()> work) : work_(std::move(work)) {}
  void run() override { work_(); }

 private:
  std::function<void()> work_;
};

std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

CpuDevice::CpuDevice(int threads, const std::string& isa) : threads_(threads), isa_(isa) {}

std::string CpuDevice::name() const {
  return message("cpu (", isa_, ", ", threads_.size(), threads_.size() == 1 ? " thread)" : " threads)");
}

void* CpuDevice::allocate(std::size_t bytes) {
  // Request huge pages for large arrays: kernels read several rows in parallel, each on its own page, and would be
  // slowed down by TLB misses.
  const bool large = bytes >= 2 * kHugePage;
  const std::size_t align = large ? kHugePage : kAlign;
  void* pointer =
      bytes <= SIZE_MAX - kHugePage ? std::aligned_alloc(align, round_up(bytes ? bytes : 1, align)) : nullptr;
  if (!pointer) {
    const double free_bytes =
        static_cast<double>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    throw Error(ErrorKind::kDevice, "cpu",
                message("out of memory: asked for ", static_cast<double>(bytes) / 1e6, " MB, about ", free_bytes / 1e6,
                        " MB are free; use a smaller batch"));
  }
  if (large) madvise(pointer, round_up(bytes, align), MADV_HUGEPAGE);  // a failure only costs speed
  return pointer;
}

void CpuDevice::release(void* pointer) noexcept { std::free(pointer); }

void CpuDevice::copy_in(void* device, const void* host, std::size_t bytes) {
  if (bytes) std::memcpy(device, host, bytes);
}

void CpuDevice::copy_out(void* host, const void* device, std::size_t bytes) {
  if (bytes) std::memcpy(host, device, bytes);
}

void CpuDevice::fill_zero(void* device, std::size_t bytes) {
  if (bytes) std::memset(device, 0, bytes);
}

std::unique_ptr<Device::Recording> CpuDevice::record(std::function<void()> work) {
  return std::make_unique<Replay>(std::move(work));
}

}  // namespace shcnn::cpu
