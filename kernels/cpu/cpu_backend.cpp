// Fills the CPU's table of ops for the chosen instruction set.
#include "kernels/backend.h"
#include "kernels/cpu/batch.h"
#include "kernels/cpu/cpu_device.h"
#include "kernels/host/instruction_set.h"

#define SHCNN_ISA_NAMESPACE generic
#include "kernels/cpu/entry_points.h"
#undef SHCNN_ISA_NAMESPACE
#if defined(SHCNN_X86_KERNELS)
#define SHCNN_ISA_NAMESPACE avx2
#include "kernels/cpu/entry_points.h"
#undef SHCNN_ISA_NAMESPACE
#define SHCNN_ISA_NAMESPACE avx512
#include "kernels/cpu/entry_points.h"
#undef SHCNN_ISA_NAMESPACE
#endif

namespace shcnn {
namespace {

// Fills the entries that are compiled once for each instruction set.
#define SHCNN_FILL(isa)                                          \
  ops.conv2d_forward = cpu::isa::conv2d_forward;                 \
  ops.conv2d_backward_data = cpu::isa::conv2d_backward_data;     \
  ops.conv2d_backward_filter = cpu::isa::conv2d_backward_filter; \
  ops.conv2d_workspace = cpu::isa::conv2d_workspace;             \
  ops.max_pool_forward = cpu::isa::max_pool_forward;             \
  ops.max_pool_backward = cpu::isa::max_pool_backward;           \
  ops.avg_pool_forward = cpu::isa::avg_pool_forward;             \
  ops.avg_pool_backward = cpu::isa::avg_pool_backward;           \
  ops.dense_forward = cpu::isa::dense_forward;                   \
  ops.dense_backward_data = cpu::isa::dense_backward_data;       \
  ops.dense_backward_filter = cpu::isa::dense_backward_filter;   \
  ops.dense_workspace = cpu::isa::dense_workspace;               \
  ops.leaky_dropout_forward = cpu::isa::leaky_dropout_forward;   \
  ops.leaky_dropout_backward = cpu::isa::leaky_dropout_backward; \
  ops.clip_by_global_norm = cpu::isa::clip_by_global_norm;       \
  ops.adam_step = cpu::isa::adam_step;                           \
  ops.adam_replay = cpu::isa::adam_replay;                       \
  ops.adam_workspace = cpu::isa::adam_workspace;

Ops<float> table_of(InstructionSet isa) {
  // Scores, losses and counters are a few hundred numbers per step, so the plain loops are fast enough.
  Ops<float> ops = naive_ops<float>();
  ops.make_batch = cpu::make_batch;
#if defined(SHCNN_X86_KERNELS)
  if (isa == InstructionSet::kAvx512) {
    SHCNN_FILL(avx512)
    return ops;
  }
  if (isa == InstructionSet::kAvx2) {
    SHCNN_FILL(avx2)
    return ops;
  }
#endif
  SHCNN_FILL(generic)
  return ops;
}

#undef SHCNN_FILL

}  // namespace

Backend cpu_backend(const BackendOptions& options) {
  const InstructionSet isa = choose_instruction_set(options.isa);
  auto device = std::make_unique<cpu::CpuDevice>(options.threads, to_string(isa));
  Backend backend;
  backend.ops = table_of(isa);
  backend.context.device = device.get();
  backend.context.threads = &device->threads();
  backend.device = std::move(device);
  return backend;
}

}  // namespace shcnn
