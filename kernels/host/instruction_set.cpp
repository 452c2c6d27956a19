#include "kernels/host/instruction_set.h"

#include <cstdlib>

#include "kernels/error.h"

namespace shcnn {
namespace {

constexpr InstructionSet kWidestFirst[] = {InstructionSet::kAvx512, InstructionSet::kAvx2, InstructionSet::kGeneric};

/// True if this processor and its operating system support `isa`.
bool runs_here(InstructionSet isa) {
#if defined(__x86_64__)
  switch (isa) {
    case InstructionSet::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    case InstructionSet::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case InstructionSet::kGeneric:
      return true;
  }
#endif
  return isa == InstructionSet::kGeneric;
}

}  // namespace

std::string to_string(InstructionSet isa) {
  return isa == InstructionSet::kAvx512 ? "avx512" : isa == InstructionSet::kAvx2 ? "avx2" : "generic";
}

InstructionSet choose_instruction_set(const std::string& asked) {
  const char* variable = std::getenv("SHCNN_ISA");
  const std::string wanted = !asked.empty() ? asked : variable ? variable : "";
  for (const InstructionSet isa : kWidestFirst) {
    if (wanted.empty() && runs_here(isa)) return isa;
    if (wanted != to_string(isa)) continue;
    if (runs_here(isa)) return isa;
    throw Error(ErrorKind::kDevice, "instruction set",
                message("this processor does not run '", wanted, "'; leave SHCNN_ISA unset"));
  }
  throw Error(ErrorKind::kUsage, "instruction set", message("'", wanted, "' is none of 'generic', 'avx2', 'avx512'"));
}

}  // namespace shcnn
