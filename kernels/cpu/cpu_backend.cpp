// Chooses the instruction set and fills the CPU's table.
#include <cstdlib>

#include "kernels/backend.h"
#include "kernels/cpu/cpu_device.h"

namespace shcnn {
namespace {

constexpr const char* kPlace = "--device cpu";

/// Does this processor (and its operating system) run `isa`?
bool runs_here(const std::string& isa) {
  if (isa == "generic") return true;
#if defined(__x86_64__)
  if (isa == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return false;
}

/// BackendOptions.isa, else SHCNN_ISA, else the widest that runs here.
std::string choose_isa(const std::string& asked) {
  const char* environment = std::getenv("SHCNN_ISA");
  std::string isa = !asked.empty() ? asked : environment ? environment : "";
  if (isa.empty()) return runs_here("avx512") ? "avx512" : runs_here("avx2") ? "avx2" : "generic";
  if (isa != "generic" && isa != "avx2" && isa != "avx512") {
    throw Error(ErrorKind::kDevice, kPlace,
                message("instruction set '", isa, "' is none of 'generic', 'avx2', 'avx512'"));
  }
  if (!runs_here(isa)) {
    throw Error(ErrorKind::kDevice, kPlace, message("this processor does not run '", isa, "'; leave SHCNN_ISA unset"));
  }
  return isa;
}

}  // namespace

Backend cpu_backend(const BackendOptions& options) {
  const std::string isa = choose_isa(options.isa);
  auto device = std::make_unique<cpu::CpuDevice>(options.threads, isa);
  Backend backend;
  backend.context.device = device.get();
  backend.context.threads = &device->threads();
  backend.device = std::move(device);
  return backend;
}

}  // namespace shcnn
