// Choice of the instruction set that all CPU kernels use; each kernel is compiled once for each set.
#pragma once

#include <string>

namespace shcnn {

enum class InstructionSet {
  kGeneric,  ///< plain C++
  kAvx2,     ///< AVX2 and FMA
  kAvx512,   ///< AVX-512 F, DQ, BW and VL
};

std::string to_string(InstructionSet isa);  ///< "generic", "avx2", "avx512"

/// Returns the set named `asked`; if that is empty, the one in the environment variable SHCNN_ISA; if that is not set,
/// the widest that this processor supports. Throws Error(kUsage) for an unknown name and Error(kDevice) if the
/// processor does not support the set.
InstructionSet choose_instruction_set(const std::string& asked);

}  // namespace shcnn
