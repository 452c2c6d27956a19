// Main program of all tests: Catch2's session with options for the executor under test, the seed, and for skipping the
// whole program. Compiled only once because Catch2 is slow to compile.
#define CATCH_CONFIG_RUNNER
#include "support/session.h"

#include <malloc.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

namespace shcnn::test {
namespace {
TestOptions chosen;  // written once, by run_tests before the first test
}

const TestOptions& options() { return chosen; }

int run_tests(int argc, char** argv, const std::function<std::string()>& missing_device) {
  // The tests create dozens of networks of up to 300 MB each. If freed memory returned to the system every time, page
  // faults would take longer than the tests themselves. (Sanitizers use their own allocator.)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);

  using Catch::clara::Opt;
  std::string needed_variable;
  bool skip_absent = false;
  Catch::Session session;
  session.cli(
      session.cli() |
      Opt(chosen.device, "name")["--device"]("executor under test: naive, cpu, simt[-naive], cuda[:i], cuda-naive") |
      Opt(chosen.isa, "name")["--isa"]("instruction set of cpu: generic, avx2, avx512") |
      Opt(chosen.threads, "count")["--threads"]("threads of cpu and simt") |
      Opt(chosen.fiber_order, "order")["--fiber-order"](
          "order in which simt resumes a block's threads: 0 as numbered, 1 in reverse, else a seed") |
      Opt(chosen.tf32)["--tf32"]("products on tensor cores (simt, cuda), judged as tf32") |
      Opt(chosen.hand_gemm)["--hand-gemm"]("cuda: hand-written products although cuBLAS is built in") |
      Opt(chosen.small)["--small"]("small cases, as on simt: for an interpreter") |
      Opt(chosen.seed, "seed")["--seed"]("of random shapes and values") |
      Opt(needed_variable, "variable")["--needs-env"]("skip (exit 77) where this variable is unset") |
      Opt(skip_absent)["--skip-absent"]("skip (exit 77) where this machine lacks the executor under test"));
  if (const int status = session.applyCommandLine(argc, argv); status != 0) return status;
  std::string reason;
  if (!needed_variable.empty() && std::getenv(needed_variable.c_str()) == nullptr)
    reason = needed_variable + " is not set";
  if (skip_absent && missing_device && reason.empty()) reason = missing_device();
  if (!reason.empty()) {
    std::printf("SKIP: %s\n", reason.c_str());
    return kSkipped;
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(chosen.seed));
  return session.run();
}

}  // namespace shcnn::test
