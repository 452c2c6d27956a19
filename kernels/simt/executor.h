// Runs CUDA thread blocks on the host: each thread of a block is a fiber, each block a task of the thread pool.
//
// What a GPU leaves to chance is chosen here, and what it leaves unchecked is checked. How each mistake shows:
//   missing barrier, race     threads and blocks run in order, in reverse or in seeded random orders: the result moves.
//                             So run a kernel in several orders; one order alone proves nothing
//   divergent barrier         Error: a thread waits while others have ended or wait elsewhere, with both places
//   stray store               Error after the block (shared) or the launch (global), from guard bands; under
//                             AddressSanitizer a report at its line
//   stray load                NaN from a guard band; under AddressSanitizer a report at its line
//   memory nobody wrote       NaN: every block starts with poisoned shared memory, every buffer is poisoned
//   missing async_wait        NaN: a copy's destination is poisoned at issue, its bytes arrive at the wait. Error where
//                             a thread ends with copies under way
//   misaligned vector access  Error with the line, for load4, store4 and async_copy
// Errors are Error(kInternal) that name the kernel's op, block and thread.
//
// Cost: threads start in one fiber, one after another, and only a thread that waits keeps its fiber; so a kernel
// without barriers is a plain loop, and a barrier costs one switch (a few ns) for each thread, straight to the next one.
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

// CUDA's own names for extents and indices, global as in CUDA.
struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}  // NOLINT: as in CUDA
};

namespace shcnn::simt {

inline constexpr int kWarp = 32;

/// What threadIdx, blockIdx, blockDim and gridDim read; set by the executor before a fiber is resumed.
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

/// One lane's value on its way to the others of its warp.
struct WarpSlot {
  alignas(8) unsigned char bytes[32];
};

// --- what kernels call, through cuda_runtime.h and primitives.h ------------------------------------------------------
void block_barrier(const std::source_location& where);
/// Leaves `bytes` (at most 32) of this lane, waits for all 32 lanes of the warp, and returns what each of them left.
const WarpSlot* warp_exchange(const void* value, std::size_t bytes, const std::source_location& where);
void require_full_mask(unsigned mask, const std::source_location& where);
[[noreturn]] void fail_misaligned(const void* address, std::size_t alignment, const std::source_location& where);
/// `alignment` is a power of two. Inline: every vector access of a kernel passes here.
inline void require_aligned(const void* address, std::size_t alignment, const std::source_location& where) {
  if ((reinterpret_cast<std::uintptr_t>(address) & (alignment - 1)) != 0) fail_misaligned(address, alignment, where);
}
/// Queues a copy of `valid` bytes and `bytes - valid` zeros; it is done by the wait that covers its group.
void async_copy(void* shared, const void* global, std::size_t bytes, std::size_t valid,
                const std::source_location& where);
void async_commit();
void async_wait(int groups_left);

// --- what launch() calls ---------------------------------------------------------------------------------------------
/// One kernel launch, its arguments erased: `call(closure)` runs the kernel for this_thread.
struct Launch {
  const char* op;
  dim3 grid, block;
  std::size_t shared_bytes;
  void (*call)(const void* closure);
  const void* closure;
};

class Executor {
 public:
  /// fiber_order: 0 = threads in order, 1 = in reverse, else the seed of random orders (drawn anew after each barrier).
  Executor(ThreadPool& threads, std::uint64_t fiber_order);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs all blocks and then `after_launch`; returns when they are done.
  void run(const Launch& launch);
  /// Called after each launch with the op's name: the device checks its guard bands here.
  void set_after_launch(std::function<void(const char* op)> check) { after_launch_ = std::move(check); }

 private:
  ThreadPool& threads_;
  std::uint64_t fiber_order_;
  std::vector<std::unique_ptr<BlockRunner>> runners_;  ///< one for each worker of the pool
  std::function<void(const char* op)> after_launch_;
};

}  // namespace shcnn::simt
