#include "support/executor.h"

#include <algorithm>
#include <vector>

#include "support/compare.h"
#include "support/options.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace shcnn {
// From kernels/cuda/ops.cu, compiled for each executor; its header needs nvcc.
#if defined(SHCNN_HAVE_CUDA)
namespace cuda {
Ops<float> gpu_naive_ops();
}
#endif
namespace simt {
Ops<float> gpu_naive_ops();
}
}  // namespace shcnn

namespace shcnn::test {
namespace {

constexpr std::size_t kGuardBytes = 1024;  // on each side; wider than any vector or unrolled row of a kernel
constexpr unsigned char kPoison = 0xFF;

/// Makes AddressSanitizer report the line that touches a guard band, if host code can address it.
void forbid([[maybe_unused]] const Device& device, [[maybe_unused]] char* at, [[maybe_unused]] std::size_t bytes,
            [[maybe_unused]] bool forbidden) {
#if defined(__SANITIZE_ADDRESS__)
  if (!device.host_addressable()) return;
  if (forbidden) {
    __asan_poison_memory_region(at, bytes);
  } else {
    __asan_unpoison_memory_region(at, bytes);
  }
#endif
}

}  // namespace

Backend open_executor(int threads, std::optional<std::uint64_t> fiber_order) {
  const TestOptions& chosen = options();
  BackendOptions backend_options;
  backend_options.threads = threads > 0 ? threads : chosen.threads;
  backend_options.isa = chosen.isa;
  backend_options.allow_tf32 = chosen.tf32;
  backend_options.hand_gemm = chosen.hand_gemm;
  backend_options.fiber_order = fiber_order.value_or(chosen.fiber_order);
  if (chosen.device == "naive") {
    Backend backend = cpu_backend(backend_options);
    backend.ops = naive_ops<float>();
    return backend;
  }
  if (chosen.device == "simt-naive") {
    Backend backend = make_backend("simt", backend_options);
    backend.ops = simt::gpu_naive_ops();
    return backend;
  }
#if defined(SHCNN_HAVE_CUDA)
  if (chosen.device == "cuda-naive") {
    Backend backend = make_backend("cuda", backend_options);
    backend.ops = cuda::gpu_naive_ops();
    return backend;
  }
#endif
  return make_backend(chosen.device, backend_options);
}

Backend& executor() {
  static Backend backend = open_executor();
  return backend;
}

std::string outside_product_rule(const Tensor<float>& got, const Tensor<double>& want,
                                 const Tensor<double>& absolute_products, double terms) {
  if (!options().tf32) return outside_sum_rule(got, want, absolute_products, terms);
  // The relative error of each factor is at most 2^-11, that of a product a little more than 2^-10.
  std::string text = outside(got, want, [&](std::int64_t i) { return 1.01 / 1024 * absolute_products[i]; });
  if (!text.empty() || want.count() < kFewestForStatistics) return text;
  constexpr double kLimit = 1e-6;
  const double found = nmse(got, want);
  return found <= kLimit ? "" : message("NMSE ", found, " > ", kLimit);
}

bool wants_small_cases() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return options().small || options().device.rfind("simt", 0) == 0;
#endif
}

int random_cases(int count) { return options().small ? count / 5 : count; }

GuardedBytes::GuardedBytes(Device& device, std::size_t bytes, std::size_t shift)
    : device_(device), bytes_(bytes), offset_(kGuardBytes + shift), memory_(device, bytes + 2 * kGuardBytes + shift) {
  const std::vector<unsigned char> poison(memory_.bytes(), kPoison);
  device_.copy_in(memory_.data(), poison.data(), poison.size());
  char* begin = static_cast<char*>(memory_.data());
  forbid(device_, begin, offset_, true);
  forbid(device_, begin + offset_ + bytes_, kGuardBytes, true);
}

GuardedBytes::~GuardedBytes() { forbid(device_, static_cast<char*>(memory_.data()), memory_.bytes(), false); }

void GuardedBytes::write(const void* from) {
  if (bytes_ > 0) device_.copy_in(data(), from, bytes_);
}

void GuardedBytes::read(void* to) const {
  char* begin = static_cast<char*>(memory_.data());
  std::vector<unsigned char> all(memory_.bytes());
  forbid(device_, begin, all.size(), false);
  device_.copy_out(all.data(), begin, all.size());
  forbid(device_, begin, offset_, true);
  forbid(device_, begin + offset_ + bytes_, kGuardBytes, true);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == offset_) i += bytes_;
    if (i < all.size() && all[i] != kPoison) {
      const std::int64_t distance = static_cast<std::int64_t>(i) - static_cast<std::int64_t>(offset_);
      throw Error(ErrorKind::kInternal, "guard band",
                  message("an op wrote at byte ", distance, " of a buffer of ", bytes_, " bytes"));
    }
  }
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(offset_), bytes_, static_cast<unsigned char*>(to));
}

}  // namespace shcnn::test
