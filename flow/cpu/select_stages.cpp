// Selects the stages of the requested instruction set, or of the widest one that this machine supports.
#include "flow/stages.h"
#include "kernels/host/instruction_set.h"

namespace shcnn::flow {

const Stages& select_stages(const std::string& isa) {
  switch (choose_instruction_set(isa)) {
#if defined(__x86_64__)
    case InstructionSet::kAvx512:
      return avx512::stages();
    case InstructionSet::kAvx2:
      return avx2::stages();
#endif
    default:
      return generic::stages();
  }
}

}  // namespace shcnn::flow
