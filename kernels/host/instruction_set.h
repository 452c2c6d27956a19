// Which of the instruction sets that CPU code is compiled for runs: one choice for all of it.
#pragma once

#include <string>

namespace shcnn {

enum class InstructionSet {
  kGeneric,  ///< plain C++
  kAvx2,     ///< AVX2 and FMA
  kAvx512,   ///< AVX-512 F, DQ, BW and VL
};

std::string to_string(InstructionSet isa);  ///< "generic", "avx2", "avx512"

/// The set named `asked`; if that is empty, the one that the environment variable SHCNN_ISA names; if that is not set,
/// the widest that this processor runs. Error(kUsage) for another name, Error(kDevice) where the processor or this
/// build lacks the set.
InstructionSet choose_instruction_set(const std::string& asked);

}  // namespace shcnn
