// Creates a device by name. There is no registration and no fallback: make_backend returns the requested device or
// throws an Error that states the reason.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/ops.h"

namespace shcnn {

struct BackendOptions {
  int threads = 0;  ///< cpu and simt: 0 = every core this process may use
  std::string isa;  ///< cpu: "", "generic", "avx2" or "avx512"; "" = SHCNN_ISA, else the widest that this CPU supports
  std::uint64_t fiber_order = 0;  ///< simt: seed of the order in which a block's threads are resumed; 0 = in order
  bool allow_tf32 = false;        ///< cuda and simt: tensor-core products
  bool hand_gemm = false;         ///< cuda: use the hand-written GEMM even if cuBLAS is built in
};

/// A device and the table of ops that runs on it.
struct Backend {
  std::unique_ptr<Device> device;
  Ops<float> ops;
  Context context;  ///< without workspace; the engine allocates it
};

Backend cpu_backend(const BackendOptions& options);
Backend simt_backend(const BackendOptions& options);
Backend cuda_backend(int ordinal, const BackendOptions& options);  ///< throws Error(kDevice) if there is no such GPU

/// "cpu", "simt", "cuda" or "cuda:<ordinal>".
Backend make_backend(const std::string& device, const BackendOptions& options);

}  // namespace shcnn
