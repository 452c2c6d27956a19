// What the command line of a test program chose; filled by main before the first test runs.
#pragma once

#include <cstdint>
#include <string>

namespace shcnn::test {

struct TestOptions {
  std::string device = "naive";  ///< executor under test: naive, cpu, simt or cuda[:i]
  std::string isa;               ///< of cpu; empty = the best that runs here
  int threads = 2;
  std::uint64_t fiber_order = 0;  ///< of simt: 0 = in order, 1 = in reverse, else a seed
  bool small = false;             ///< fewer cases, as small as on simt: the executor is an interpreter
  bool tf32 = false;              ///< simt and cuda: products on tensor cores, judged by their own tolerance
  bool hand_gemm = false;         ///< cuda: the hand-written products although cuBLAS is built in
  std::uint64_t seed = 20190601;  ///< of all random shapes and values
};

const TestOptions& options();

/// Exit status that CTest reads as "skipped" (SKIP_RETURN_CODE).
inline constexpr int kSkipped = 77;

}  // namespace shcnn::test
