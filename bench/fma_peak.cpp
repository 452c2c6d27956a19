#include "bench/fma_peak.h"

#include <time.h>

#include <algorithm>
#include <barrier>
#include <thread>
#include <vector>

namespace shcnn::bench {
namespace {

constexpr int kChains = 12;  // 2 per cycle with a latency of 4 cycles need 8
constexpr long kRounds = 200000;
constexpr int kRuns = 40;

/// CPU time of this thread.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Twelve accumulator registers and two operand registers, named explicitly so that the result does not depend on the
// code that a compiler generates for an array.
#define SHCNN_TWELVE(line) \
  line(0) line(1) line(2) line(3) line(4) line(5) line(6) line(7) line(8) line(9) line(10) line(11)
#define SHCNN_REGISTERS \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13"

#if defined(__x86_64__)
#define SHCNN_SSE(i) "mulps %%xmm12, %%xmm" #i "\n\taddps %%xmm13, %%xmm" #i "\n\t"
void loop_generic() {
  asm volatile("xorps %%xmm12, %%xmm12\n\txorps %%xmm13, %%xmm13" ::: SHCNN_REGISTERS);
  for (long round = 0; round < kRounds; ++round) asm volatile(SHCNN_TWELVE(SHCNN_SSE)::: SHCNN_REGISTERS);
}
#define SHCNN_AVX2(i) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" #i "\n\t"
void loop_avx2() {
  asm volatile("vxorps %%ymm12, %%ymm12, %%ymm12\n\tvxorps %%ymm13, %%ymm13, %%ymm13" ::: SHCNN_REGISTERS);
  for (long round = 0; round < kRounds; ++round) asm volatile(SHCNN_TWELVE(SHCNN_AVX2)::: SHCNN_REGISTERS);
}
#define SHCNN_AVX512(i) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" #i "\n\t"
void loop_avx512() {
  asm volatile("vxorps %%ymm12, %%ymm12, %%ymm12\n\tvxorps %%ymm13, %%ymm13, %%ymm13" ::: SHCNN_REGISTERS);
  for (long round = 0; round < kRounds; ++round) asm volatile(SHCNN_TWELVE(SHCNN_AVX512)::: SHCNN_REGISTERS);
}
#else
void loop_generic() {
  volatile float sink = 0;
  float sum[kChains]{};
  for (long round = 0; round < kRounds; ++round) {
    for (float& s : sum) s = s * 0.5f + 1.0f;
  }
  sink = sum[0];
  (void)sink;
}
#endif

}  // namespace

double fma_peak_gflops(const std::string& isa, int threads) {
  void (*loop)() = loop_generic;
  double lanes = 4;
#if defined(__x86_64__)
  if (isa == "avx2") loop = loop_avx2, lanes = 8;
  if (isa == "avx512") loop = loop_avx512, lanes = 16;
#endif
  const double flop = 2 * lanes * kChains * static_cast<double>(kRounds);
  std::vector<double> best(static_cast<std::size_t>(threads), 1e30);
  std::barrier together(threads);  // all threads run at the same time, so shared clock limits apply
  const auto measure = [&](int thread) {
    for (int run = 0; run < kRuns; ++run) {
      together.arrive_and_wait();
      const double start = cpu_seconds();
      loop();
      const double seconds = cpu_seconds() - start;
      best[static_cast<std::size_t>(thread)] = std::min(best[static_cast<std::size_t>(thread)], seconds);
    }
  };
  std::vector<std::thread> pool;
  for (int thread = 1; thread < threads; ++thread) pool.emplace_back(measure, thread);
  measure(0);
  for (std::thread& thread : pool) thread.join();
  double total = 0;
  for (const double seconds : best) total += flop / seconds * 1e-9;
  return total;
}

}  // namespace shcnn::bench
