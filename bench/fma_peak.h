// The most multiply-adds this machine does: independent chains in registers, nothing else. What kernels are judged by.
#pragma once

#include <string>

namespace shcnn::bench {

/// Best of several runs, in GFLOP/s (2 a multiply-add) of `threads` threads together, with the instructions of `isa`
/// ("generic", "avx2" or "avx512"; the processor must have them).
double fma_peak_gflops(const std::string& isa, int threads);

}  // namespace shcnn::bench
