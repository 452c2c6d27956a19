// Options from the command line of a test program; set by main before the first test runs.
#pragma once

#include <cstdint>
#include <string>

namespace shcnn::test {

struct TestOptions {
  std::string device = "naive";  ///< executor under test: naive, cpu, simt or cuda[:i]
  std::string isa;               ///< instruction set of cpu; empty: the best that this machine supports
  int threads = 2;
  std::uint64_t fiber_order = 0;  ///< order in which simt runs a block's threads: 0 in order, 1 in reverse, else a seed
  bool small = false;             ///< fewer and smaller cases, as on simt: for an executor that is an interpreter
  bool tf32 = false;              ///< simt and cuda: matrix products on tensor cores, with a wider tolerance
  bool hand_gemm = false;         ///< cuda: hand-written matrix products even if cuBLAS is built in
  std::uint64_t seed = 20190601;  ///< seed of all random shapes and values
};

const TestOptions& options();

/// Exit status that CTest reports as "skipped" (SKIP_RETURN_CODE).
inline constexpr int kSkipped = 77;

}  // namespace shcnn::test
