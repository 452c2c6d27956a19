// Peak rate of multiply-adds on this machine: independent chains in registers, nothing else. Benchmarks report the rate
// of kernels relative to it.
#pragma once

#include <string>

namespace shcnn::bench {

/// Best of several runs, in GFLOP/s (2 flops per multiply-add), summed over `threads` threads, with the instructions of
/// `isa` ("generic", "avx2" or "avx512"; the processor must support them).
double fma_peak_gflops(const std::string& isa, int threads);

}  // namespace shcnn::bench
