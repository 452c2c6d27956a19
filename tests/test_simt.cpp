// The simt executor: correct kernels give correct results in every order of threads, and bugs planted in small kernels
// are each detected: by an error that names the place, by NaN in the result, or by a result that depends on the order.
//
// Under AddressSanitizer a store outside a buffer ends the process at its line, so such a kernel runs in a child
// process.
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/primitives.h"
#include "kernels/simt/device.h"

namespace shcnn::simt {
namespace {

using Catch::Matchers::Contains;

constexpr int kThreads = 64;
const std::vector<std::uint64_t> kOrders = {0, 1, 2, 3, 4};  // in order, in reverse, three random ones

/// A device with a fiber order, and the context that launch() needs.
struct Gpu {
  explicit Gpu(std::uint64_t order = 0, int threads = 2) : device(threads, order) {
    context.device = &device;
    context.threads = &device.threads();
    context.stream = &device.executor();
  }
  SimtDevice device;
  Context context;
};

using Floats = std::vector<float>;

/// Runs `kernel(float* out)` on `blocks` blocks and returns `out`, which is initialised with NaN.
Floats run(Gpu& gpu, void (*kernel)(float*), std::size_t count, unsigned blocks = 1, unsigned threads = kThreads,
           std::size_t shared_floats = kThreads) {
  DeviceBuffer out(gpu.device, count * sizeof(float));
  launch(gpu.context, "planted", kernel, dim3(blocks), dim3(threads), shared_floats * sizeof(float),
         static_cast<float*>(out.data()));
  Floats result(count);
  gpu.device.copy_out(result.data(), out.data(), count * sizeof(float));
  return result;
}

/// The different results of all orders, as bits, so that NaNs can be compared.
std::set<std::vector<std::uint32_t>> results_of_orders(void (*kernel)(float*), unsigned blocks = 1,
                                                       std::size_t count = kThreads) {
  std::set<std::vector<std::uint32_t>> all;
  for (const std::uint64_t order : kOrders) {
    Gpu gpu(order, 1);
    std::vector<std::uint32_t> bits;
    for (const float value : run(gpu, kernel, count, blocks)) bits.push_back(std::bit_cast<std::uint32_t>(value));
    all.insert(bits);
  }
  return all;
}

bool has_nan(const Floats& values) {
  for (const float value : values) {
    if (std::isnan(value)) return true;
  }
  return false;
}

/// The executor's error for `kernel`; empty if there is none.
std::string report_of(void (*kernel)(float*), std::uint64_t order = 0, unsigned threads = kThreads) {
  Gpu gpu(order);
  try {
    run(gpu, kernel, kThreads, 2, threads);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInternal);
    return error.what();
  }
  return "";
}

/// The same for a kernel that accesses memory out of bounds; under AddressSanitizer, the output of a child process.
std::string stray_report_of(void (*kernel)(float*)) {
#if defined(__SANITIZE_ADDRESS__)
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    Gpu gpu(0, 1);  // a pool of one thread is the calling thread, so that fork() loses no threads
    run(gpu, kernel, kThreads);
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status != 0);
  return text;
#else
  return report_of(kernel);
#endif
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif

/// Text that a report of an access out of bounds must contain: the executor's own, or AddressSanitizer's.
std::string stray_words(const char* executors_words) {
  return kAddressSanitizer ? "AddressSanitizer: use-after-poison" : executors_words;
}

// --- correct kernels -------------------------------------------------------------------------------------------------

__global__ void rotate_kernel(float* out) {
  float* const shared = shared_memory<float>();
  const unsigned t = threadIdx.x;
  shared[t] = static_cast<float>(t + 100 * blockIdx.x);
  __syncthreads();
  out[blockIdx.x * blockDim.x + t] = shared[(t + 1) % blockDim.x];
}

TEST_CASE("threads of a block exchange through shared memory in every order", "[simt]") {
  for (const std::uint64_t order : kOrders) {
    for (const int host_threads : {1, 2}) {
      Gpu gpu(order, host_threads);
      const Floats out = run(gpu, rotate_kernel, 5 * kThreads, 5);
      for (unsigned i = 0; i < out.size(); ++i) {
        REQUIRE(out[i] == static_cast<float>((i % kThreads + 1) % kThreads + 100 * (i / kThreads)));
      }
    }
  }
}

/// Sum of 1 .. 64: a tree in shared memory down to one warp, then shuffles.
__global__ void tree_sum_kernel(float* out) {
  float* const shared = shared_memory<float>();
  const unsigned t = threadIdx.x;
  shared[t] = static_cast<float>(t + 1);
  for (unsigned half = blockDim.x / 2; half >= kWarp; half /= 2) {
    __syncthreads();
    if (t < half) shared[t] += shared[t + half];
  }
  __syncthreads();
  float sum = shared[t % kWarp];
  for (int other = kWarp / 2; other > 0; other /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, other);
  out[t] = sum;
}

TEST_CASE("barriers and shuffles make a sum that no order moves", "[simt]") {
  REQUIRE(results_of_orders(tree_sum_kernel).size() == 1);
  Gpu gpu;
  for (const float sum : run(gpu, tree_sum_kernel, kThreads)) REQUIRE(sum == 64.0f * 65 / 2);
}

__global__ void shift_down_kernel(float* out) {
  const int t = static_cast<int>(threadIdx.x);
  const float t_float = static_cast<float>(t);
  out[t] = __shfl_down_sync(0xffffffffu, t_float, 3) + 1000 * __shfl_sync(0xffffffffu, t_float, 5);
}

TEST_CASE("shuffles stay inside their warp", "[simt]") {
  Gpu gpu(2);
  const Floats out = run(gpu, shift_down_kernel, kThreads);
  for (int t = 0; t < kThreads; ++t) {
    const int from = t % kWarp + 3 < kWarp ? t + 3 : t;
    REQUIRE(out[static_cast<std::size_t>(t)] == static_cast<float>(from + 1000 * (t / kWarp * kWarp + 5)));
  }
}

__global__ void place_kernel(float* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  __syncthreads();
  out[block * threads + thread] = static_cast<float>(block * threads + thread);
}

TEST_CASE("every thread of a three-dimensional launch runs once, at its place", "[simt]") {
  for (const std::uint64_t order : kOrders) {
    Gpu gpu(order);
    constexpr std::size_t kCount = 3 * 2 * 5 * 4 * 2 * 3;
    DeviceBuffer out(gpu.device, kCount * sizeof(float));
    launch(gpu.context, "place", place_kernel, dim3(3, 2, 5), dim3(4, 2, 3), 0, static_cast<float*>(out.data()));
    Floats result(kCount);
    gpu.device.copy_out(result.data(), out.data(), kCount * sizeof(float));
    for (std::size_t i = 0; i < kCount; ++i) REQUIRE(result[i] == static_cast<float>(i));
  }
}

__global__ void count_kernel(int* counters) { atomicAdd(&counters[threadIdx.x % 2], 1); }

TEST_CASE("integer atomics of all blocks count every thread", "[simt]") {
  Gpu gpu(3, 2);
  DeviceBuffer counters(gpu.device, 2 * sizeof(int));
  gpu.device.fill_zero(counters.data(), 2 * sizeof(int));
  launch(gpu.context, "count", count_kernel, dim3(100), dim3(33), 0, static_cast<int*>(counters.data()));
  int result[2];
  gpu.device.copy_out(result, counters.data(), sizeof result);
  CHECK(result[0] == 1700);
  CHECK(result[1] == 1600);
}

/// Two stages: out[t] = sum of 4 chunks, each copied to shared memory while the previous one is added.
template <int GroupsLeft, bool Barrier>
__global__ void pipeline_kernel(const float* from, float* out) {
  constexpr int kChunks = 4;
  const int t = static_cast<int>(threadIdx.x);
  const auto stage = [](int chunk) { return shared_memory<float>() + chunk % 2 * kThreads; };
  async_copy<4>(stage(0) + t, from + t);
  async_commit();
  float sum = 0;
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    if (chunk + 1 < kChunks) async_copy<4>(stage(chunk + 1) + t, from + (chunk + 1) * kThreads + t);
    async_commit();
    async_wait<GroupsLeft>();
    __syncthreads();
    sum += stage(chunk)[(t + 1) % kThreads];
    if (Barrier) __syncthreads();
  }
  async_wait<0>();
  out[t] = sum;
}

Floats run_pipeline(void (*kernel)(const float*, float*), std::uint64_t order) {
  Gpu gpu(order, 1);
  Floats from(4 * kThreads);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
  DeviceBuffer in(gpu.device, from.size() * sizeof(float)), out(gpu.device, kThreads * sizeof(float));
  gpu.device.copy_in(in.data(), from.data(), from.size() * sizeof(float));
  launch(gpu.context, "pipeline", kernel, dim3(1), dim3(kThreads), 2 * kThreads * sizeof(float),
         static_cast<const float*>(in.data()), static_cast<float*>(out.data()));
  Floats result(kThreads);
  gpu.device.copy_out(result.data(), out.data(), kThreads * sizeof(float));
  return result;
}

TEST_CASE("asynchronous copies arrive at the wait that covers their group", "[simt]") {
  for (const std::uint64_t order : kOrders) {
    const Floats out = run_pipeline(pipeline_kernel<1, true>, order);
    for (int t = 0; t < kThreads; ++t) {
      REQUIRE(out[static_cast<std::size_t>(t)] == static_cast<float>(4 * ((t + 1) % kThreads) + 6 * kThreads));
    }
  }
}

/// out (16 x 8) = 1 + a b with a[i][k] = i + 3 k, b[k][j] = k - 2 j: small integers, which tf32 represents exactly.
__global__ void mma_kernel(float* out) {
  const unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
  const auto a = [](unsigned i, unsigned k) { return to_tf32(static_cast<float>(i + 3 * k)); };
  const auto b = [](unsigned k, unsigned j) { return to_tf32(static_cast<float>(k) - 2 * static_cast<float>(j)); };
  const unsigned left[4] = {a(g, t), a(g + 8, t), a(g, t + 4), a(g + 8, t + 4)};
  const unsigned right[2] = {b(t, g), b(t + 4, g)};
  float sums[4] = {1, 1, 1, 1};
  mma_tf32(sums, left, right);
  for (unsigned e = 0; e < 4; ++e) out[(g + e / 2 * 8) * 8 + 2 * t + e % 2] = sums[e];
}

TEST_CASE("a tensor-core product is the product of its matrices", "[simt]") {
  for (const std::uint64_t order : kOrders) {
    Gpu gpu(order);
    const Floats out = run(gpu, mma_kernel, 128, 1, 32);
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 8; ++j) {
        float want = 1;
        for (int k = 0; k < 8; ++k) want += static_cast<float>((i + 3 * k) * (k - 2 * j));
        REQUIRE(out[static_cast<std::size_t>(8 * i + j)] == want);
      }
    }
  }
}

TEST_CASE("tf32 keeps ten bits of mantissa, rounded to nearest, ties away from zero", "[simt]") {
  const auto rounded = [](float x) { return std::bit_cast<float>(to_tf32(x)); };
  const float step = 1.0f / 1024;
  CHECK(rounded(1 + step) == 1 + step);
  CHECK(rounded(1 + 0.49f * step) == 1);
  CHECK(rounded(1 + 0.5f * step) == 1 + step);
  CHECK(rounded(-1 - 0.5f * step) == -1 - step);
  CHECK(rounded(2 - 0.25f * step) == 2);  // rounded up to the next power of two
  CHECK(std::isinf(rounded(INFINITY)));
  CHECK(std::isnan(rounded(NAN)));
}

// --- planted: barriers -----------------------------------------------------------------------------------------------

__global__ void missing_barrier_kernel(float* out) {  // rotate_kernel without its barrier
  float* const shared = shared_memory<float>();
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = shared[(threadIdx.x + 1) % blockDim.x];
}

TEST_CASE("a missing barrier shows as poison and moves with the order", "[simt]") {
  Gpu gpu;
  CHECK(has_nan(run(gpu, missing_barrier_kernel, kThreads)));
  CHECK(results_of_orders(missing_barrier_kernel).size() > 1);
  CHECK(results_of_orders(rotate_kernel).size() == 1);
}

__global__ void missing_second_barrier_kernel(float* out) {  // all is written before it is read: no NaN
  float* const shared = shared_memory<float>();
  const unsigned t = threadIdx.x;
  shared[t] = static_cast<float>(t);
  __syncthreads();
  for (int step = 0; step < 2; ++step) {
    const float neighbour = shared[(t + 1) % blockDim.x];
    shared[t] = neighbour + 1;  // the missing barrier belongs before this store
    __syncthreads();
  }
  out[t] = shared[t];
}

TEST_CASE("a store that overtakes a read moves with the order", "[simt]") {
  CHECK(results_of_orders(missing_second_barrier_kernel).size() > 1);
}

__global__ void missing_warp_barrier_kernel(float* out) {
  float* const shared = shared_memory<float>();
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = shared[threadIdx.x ^ 1];  // a warp's lanes do not run in lockstep: needs __syncwarp
}
__global__ void warp_barrier_kernel(float* out) {
  float* const shared = shared_memory<float>();
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncwarp();
  out[threadIdx.x] = shared[threadIdx.x ^ 1];
}

TEST_CASE("lanes of a warp need their barrier too", "[simt]") {
  CHECK(results_of_orders(missing_warp_barrier_kernel).size() > 1);
  CHECK(results_of_orders(warp_barrier_kernel).size() == 1);
}

__global__ void divergent_barrier_kernel(float* out) {
  if (threadIdx.x < 16) __syncthreads();
  out[threadIdx.x] = 1;
}
__global__ void two_barriers_kernel(float* out) {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}
__global__ void early_exit_kernel(float* out) {
  if (threadIdx.x == 40) return;
  __syncthreads();
  out[threadIdx.x] = 1;
}

TEST_CASE("a barrier that some threads do not reach is named with its place", "[simt]") {
  for (const std::uint64_t order : kOrders) {
    const std::string divergent = report_of(divergent_barrier_kernel, order);
    CHECK_THAT(divergent, Contains("planted: block (") && Contains("waits at the barrier of") &&
                              Contains("test_simt.cpp:") && Contains("has ended"));
    CHECK_THAT(report_of(two_barriers_kernel, order), Contains("must reach the same barrier"));
    CHECK_THAT(report_of(early_exit_kernel, order), Contains("thread (40, 0, 0) has ended"));
  }
}

__global__ void divergent_shuffle_kernel(float* out) {
  float value = 1;
  if (threadIdx.x != 7) value = __shfl_xor_sync(0xffffffffu, value, 1);
  out[threadIdx.x] = value;
}
__global__ void partial_mask_kernel(float* out) { out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0); }
__global__ void warp_against_block_kernel(float* out) {
  if (threadIdx.x < kWarp) {
    __syncwarp();
    __syncthreads();
  } else if (threadIdx.x != 50) {
    __syncwarp();
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}

TEST_CASE("a warp operation that some lanes do not reach is named", "[simt]") {
  CHECK_THAT(report_of(divergent_shuffle_kernel), Contains("warp operation") && Contains("has ended"));
  CHECK_THAT(report_of(partial_mask_kernel), Contains("all 32 lanes"));
  CHECK_THAT(report_of(tree_sum_kernel, 0, 48), Contains("not a multiple of 32"));
  CHECK_THAT(report_of(warp_against_block_kernel), Contains("waits at") && Contains("test_simt.cpp:"));
}

// --- planted: races --------------------------------------------------------------------------------------------------

__global__ void shared_race_kernel(float* out) {
  shared_memory<float>()[0] = static_cast<float>(threadIdx.x);  // all threads write one word; the last one wins
  __syncthreads();
  out[threadIdx.x] = shared_memory<float>()[0];
}
__global__ void global_race_kernel(float* out) {
  out[0] = static_cast<float>(threadIdx.x);
  if (threadIdx.x > 0) out[threadIdx.x] = 0;
}
__global__ void lost_update_kernel(float* out) {  // all threads may read before any of them stores
  float* const shared = shared_memory<float>();
  if (threadIdx.x == 0) shared[0] = 0;
  __syncthreads();
  const float before = shared[0];
  shared[0] = 2 * before + static_cast<float>(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = shared[0];
}
__global__ void race_between_blocks_kernel(float* out) {
  if (threadIdx.x == 0) out[0] = static_cast<float>(blockIdx.x);
}

TEST_CASE("races move with the order of threads or blocks", "[simt]") {
  CHECK(results_of_orders(shared_race_kernel).size() > 1);
  CHECK(results_of_orders(global_race_kernel).size() > 1);
  CHECK(results_of_orders(lost_update_kernel).size() > 1);
  CHECK(results_of_orders(race_between_blocks_kernel, 40, 1).size() > 1);
}

// --- planted: addresses ----------------------------------------------------------------------------------------------

__global__ void store_past_end_kernel(float* out) {
  out[threadIdx.x] = 1;
  if (threadIdx.x == 5) out[kThreads] = 1;
}
__global__ void store_before_begin_kernel(float* out) {
  if (threadIdx.x == 5) out[-2] = 1;
}
__global__ void shared_store_past_end_kernel(float* out) {
  shared_memory<float>()[threadIdx.x + 1] = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = 1;
}
__global__ void shared_store_before_begin_kernel(float* out) {
  if (threadIdx.x == 0) shared_memory<float>()[-1] = 1;
  out[threadIdx.x] = 1;
}

TEST_CASE("stores outside of a buffer or of shared memory are named", "[simt]") {
  CHECK_THAT(stray_report_of(store_past_end_kernel),
             Contains(stray_words("planted: stored past a buffer of 256 bytes, at byte 25")));
  CHECK_THAT(stray_report_of(store_before_begin_kernel), Contains(stray_words("bytes before a buffer of 256 bytes")));
  CHECK_THAT(stray_report_of(shared_store_past_end_kernel),
             Contains(stray_words("stored past its 256 bytes of shared memory, at byte 25")));
  CHECK_THAT(stray_report_of(shared_store_before_begin_kernel),
             Contains(stray_words("bytes before its shared memory")));
}

__global__ void load_past_end_kernel(float* out) {
  const float beyond = out[kThreads + threadIdx.x % 2];
  out[threadIdx.x] = beyond;
}
__global__ void shared_load_past_end_kernel(float* out) {
  shared_memory<float>()[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = shared_memory<float>()[threadIdx.x + 1];
}

TEST_CASE("loads outside of a buffer or of shared memory are poison", "[simt]") {
  if (kAddressSanitizer) {
    CHECK_THAT(stray_report_of(load_past_end_kernel), Contains("use-after-poison"));
    CHECK_THAT(stray_report_of(shared_load_past_end_kernel), Contains("use-after-poison"));
  } else {
    Gpu gpu;
    CHECK(has_nan(run(gpu, load_past_end_kernel, kThreads)));
    CHECK(has_nan(run(gpu, shared_load_past_end_kernel, kThreads)));
  }
}

__global__ void misaligned_load_kernel(float* out) {
  const float4 four = load4(out + 1);
  out[threadIdx.x] = four.x;
}
__global__ void misaligned_store_kernel(float* out) {
  if (threadIdx.x == 3) store4(out + 2 * threadIdx.x, make_float4(1, 2, 3, 4));
}
__global__ void misaligned_copy_kernel(float* out) {
  async_copy<16>(shared_memory<float>(), out + 3);
  async_wait<0>();
}

TEST_CASE("vector accesses to addresses that are not aligned are named with their line", "[simt]") {
  for (const auto kernel : {misaligned_load_kernel, misaligned_store_kernel, misaligned_copy_kernel}) {
    CHECK_THAT(report_of(kernel), Contains("test_simt.cpp:") && Contains("is not aligned to 16 bytes"));
  }
  CHECK_THAT(report_of(misaligned_store_kernel), Contains("thread (3, 0, 0)"));
}

// --- planted: unwritten memory, copies without a wait ----------------------------------------------------------------

__global__ void unwritten_shared_kernel(float* out) {
  float* const shared = shared_memory<float>();
  if (threadIdx.x != 20) shared[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = shared[threadIdx.x];
}
__global__ void unwritten_global_kernel(float* out) {
  if (threadIdx.x != 20) out[threadIdx.x] = 1;
}
__global__ void leftover_shared_kernel(float* out) {  // the second block must not see values that the first one left
  float* const shared = shared_memory<float>();
  if (blockIdx.x == 0) shared[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * kThreads + threadIdx.x] = shared[threadIdx.x];
}

TEST_CASE("what nobody wrote reads as NaN", "[simt]") {
  Gpu gpu(0, 1);
  for (const auto kernel : {unwritten_shared_kernel, unwritten_global_kernel}) {
    const Floats out = run(gpu, kernel, kThreads);
    for (std::size_t i = 0; i < out.size(); ++i) REQUIRE(std::isnan(out[i]) == (i == 20));
  }
  const Floats out = run(gpu, leftover_shared_kernel, 2 * kThreads, 2);
  for (std::size_t i = 0; i < out.size(); ++i) REQUIRE(std::isnan(out[i]) == (i >= kThreads));
}

__global__ void missing_wait_kernel(float* out) {  // without a wait
  async_copy<4>(shared_memory<float>() + threadIdx.x, out + threadIdx.x);
  async_commit();
  __syncthreads();
  out[threadIdx.x] = shared_memory<float>()[threadIdx.x];
}
__global__ void uncommitted_copy_kernel(float* out) {  // the wait covers no group
  out[threadIdx.x] = 1;
  async_copy<4>(shared_memory<float>() + threadIdx.x, out + threadIdx.x);
  async_wait<0>();
}
__global__ void copy_beyond_shared_kernel(float* out) {
  async_copy<4>(shared_memory<float>() + kThreads, out);
  async_commit();
  async_wait<0>();
}

TEST_CASE("a copy that is read before its wait is poison, one without a wait is named", "[simt]") {
  CHECK(has_nan(run_pipeline(pipeline_kernel<2, true>, 0)));  // leaves one group too many
  CHECK_FALSE(has_nan(run_pipeline(pipeline_kernel<1, true>, 0)));
  CHECK_THAT(report_of(missing_wait_kernel), Contains("asynchronous copies that it never waited for"));
  CHECK_THAT(report_of(uncommitted_copy_kernel), Contains("asynchronous copies that it never waited for"));
  CHECK_THAT(report_of(copy_beyond_shared_kernel), Contains("outside the block's shared memory"));
}

TEST_CASE("a stage that is filled again while others still read it is poison in some order", "[simt]") {
  bool caught = false;  // with two stages, only a thread that runs ahead of a barrier can overwrite a stage in use
  for (const std::uint64_t order : kOrders) caught |= has_nan(run_pipeline(pipeline_kernel<1, false>, order));
  CHECK(caught);
}

// --- launches, and use after an error --------------------------------------------------------------------------------

TEST_CASE("a launch that no GPU would accept is refused, an empty one does nothing", "[simt]") {
  Gpu gpu;
  CHECK_THROWS_WITH(run(gpu, rotate_kernel, 2048, 1, 2048, 2048), Contains("beyond what a GPU accepts"));
  CHECK_THROWS_WITH(run(gpu, rotate_kernel, kThreads, 1, kThreads, 20000), Contains("beyond what a GPU accepts"));
  CHECK(has_nan(run(gpu, rotate_kernel, kThreads, 0)));
}

TEST_CASE("after an error the same device runs the next kernel", "[simt]") {
  Gpu gpu(2, 2);
  for (int repeat = 0; repeat < 3; ++repeat) {
    CHECK_THROWS_AS(run(gpu, early_exit_kernel, kThreads, 8), Error);
    CHECK_THROWS_AS(run(gpu, misaligned_load_kernel, kThreads), Error);
    CHECK(run(gpu, rotate_kernel, kThreads)[0] == 1.0f);
  }
}

}  // namespace
}  // namespace shcnn::simt
