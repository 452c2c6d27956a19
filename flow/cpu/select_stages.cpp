// Which instruction set's stages run: asked for, or the best that this machine has.
#include <cstdlib>

#include "flow/stages.h"
#include "kernels/error.h"

namespace shcnn::flow {
namespace {

/// Whether this machine runs what the ISA's files were compiled for (see flow/CMakeLists.txt).
bool runs_here(const std::string& isa) {
#if defined(__x86_64__)
  if (isa == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == "avx512") return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#endif
  return isa == "generic";
}

}  // namespace

const Stages& select_stages(const std::string& isa) {
  std::string wanted = isa;
  if (wanted.empty()) {
    const char* variable = std::getenv("SHCNN_ISA");
    wanted = variable ? variable : "";
  }
  if (wanted.empty()) wanted = runs_here("avx512") ? "avx512" : runs_here("avx2") ? "avx2" : "generic";
  if (wanted != "generic" && wanted != "avx2" && wanted != "avx512") {
    throw Error(ErrorKind::kUsage, "tvl1", message("instruction set '", wanted, "' is none of generic, avx2, avx512"));
  }
  if (!runs_here(wanted)) {
    throw Error(ErrorKind::kDevice, "tvl1", message("this machine does not run ", wanted, "; leave SHCNN_ISA unset"));
  }
#if defined(__x86_64__)
  if (wanted == "avx512") return avx512::stages();
  if (wanted == "avx2") return avx2::stages();
#endif
  return generic::stages();
}

}  // namespace shcnn::flow
