// Runs CUDA thread blocks on the host: each thread of a block is a fiber, each block a task of the thread pool.
//
// The executor makes the execution order selectable and checks for errors that a GPU does not detect:
//   missing barrier, race     threads and blocks run in order, in reverse or in seeded random orders; a bug changes the
//                             result. Run a kernel in several orders: one order alone proves nothing
//   divergent barrier         Error if a thread waits while others have ended or wait elsewhere; gives both places
//   out-of-bounds store       Error after the block (shared) or the launch (global), from guard bands; under
//                             AddressSanitizer, its report with the line
//   out-of-bounds load        NaN from a guard band; under AddressSanitizer, its report with the line
//   uninitialised memory      NaN: every block starts with poisoned shared memory, every buffer is poisoned
//   missing async_wait        NaN: the destination is poisoned when the copy is issued, and written at the wait. Error
//                             if a thread ends with copies in flight
//   misaligned vector access  Error with the line, for load4, store4, store2 and async_copy
// Each is an Error(kInternal) that names the kernel's op, and the block and thread where they are known.
//
// Cost: one fiber runs unstarted threads one after another, and a thread keeps a fiber only if it waits. So a kernel
// without barriers is a plain loop, and a barrier costs each thread one switch (a few ns) directly to the next thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <utility>
#include <vector>

namespace shcnn {
class ThreadPool;
}

// CUDA's types for extents and indices, in the global namespace as in CUDA.
struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}  // NOLINT: as in CUDA
};

namespace shcnn::simt {

inline constexpr int kWarp = 32;

/// The variables behind threadIdx, blockIdx, blockDim and gridDim; the executor sets them before it resumes a fiber.
struct ThisThread {
  uint3 index;
  uint3 block;
  uint3 block_extent;
  uint3 grid_extent;
  unsigned linear;        ///< index.x + block_extent.x * (index.y + block_extent.y * index.z)
  unsigned char* shared;  ///< the block's dynamic shared memory
  class BlockRunner* runner;
};
extern __thread ThisThread this_thread __attribute__((tls_model("initial-exec")));

inline int lane() { return static_cast<int>(this_thread.linear % kWarp); }

/// One lane's value in a warp exchange.
struct WarpSlot {
  alignas(8) unsigned char bytes[32];
};

// --- what kernels call, through cuda_runtime.h and primitives.h ------------------------------------------------------
void block_barrier(const std::source_location& where);
/// Publishes `bytes` (at most 32) of this lane's value, waits for all 32 lanes of the warp, and returns all lanes'
/// values.
const WarpSlot* warp_exchange(const void* value, std::size_t bytes, const std::source_location& where);
void require_full_mask(unsigned mask, const std::source_location& where);
[[noreturn]] void fail_misaligned(const void* address, std::size_t alignment, const std::source_location& where);
/// `alignment` is a power of two. Inline because every vector access of a kernel calls it.
inline void require_aligned(const void* address, std::size_t alignment, const std::source_location& where) {
  if ((reinterpret_cast<std::uintptr_t>(address) & (alignment - 1)) != 0) fail_misaligned(address, alignment, where);
}
/// Queues a copy of `valid` bytes followed by `bytes - valid` zeros; the async_wait that covers its group performs it.
void async_copy(void* shared, const void* global, std::size_t bytes, std::size_t valid,
                const std::source_location& where);
void async_commit();
void async_wait(int groups_left);

// --- what launch() calls ---------------------------------------------------------------------------------------------
/// One kernel launch with type-erased arguments: `call(closure)` runs the kernel for this_thread.
struct Launch {
  const char* op;
  dim3 grid, block;
  std::size_t shared_bytes;
  void (*call)(const void* closure);
  const void* closure;
};

class Executor {
 public:
  /// fiber_order: 0 = threads in order, 1 = in reverse, else the seed of a random order that is drawn again each time
  /// threads are released from a barrier or warp operation. Blocks run in reverse if fiber_order is odd.
  Executor(ThreadPool& threads, std::uint64_t fiber_order);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs all blocks and then the after-launch function; returns when they are done.
  void run(const Launch& launch);
  /// Sets a function that is called after each launch with the op's name; the device uses it to check guard bands.
  void set_after_launch(std::function<void(const char* op)> check) { after_launch_ = std::move(check); }

 private:
  ThreadPool& threads_;
  std::uint64_t fiber_order_;
  std::vector<std::unique_ptr<BlockRunner>> runners_;  ///< one for each worker of the pool
  std::function<void(const char* op)> after_launch_;
};

}  // namespace shcnn::simt
