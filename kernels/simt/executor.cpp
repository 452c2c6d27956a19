#include "kernels/simt/executor.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <numeric>
#include <random>
#include <string>

#include "kernels/error.h"
#include "kernels/host/thread_pool.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/guard.h"

namespace shcnn::simt {

__thread ThisThread this_thread __attribute__((tls_model("initial-exec")));

namespace {

std::string place_of(const std::source_location& where) { return message(where.file_name(), ":", where.line()); }

std::string str(const uint3& v) { return message("(", v.x, ", ", v.y, ", ", v.z, ")"); }

}  // namespace

/// Runs one block after another on one host thread.
class BlockRunner {
 public:
  explicit BlockRunner(std::uint64_t fiber_order) : fiber_order_(fiber_order) {}

  void run(const Launch& launch, std::uint64_t block);

  // called from inside fibers
  void wait_for_block(const std::source_location& where);
  const WarpSlot* exchange(const void* value, std::size_t bytes, const std::source_location& where);
  void queue_copy(void* shared, const void* global, std::size_t bytes, std::size_t valid);
  void commit_copies();
  void finish_copies(int groups_left);
  [[noreturn]] void fail(const std::string& what) const;

 private:
  enum class State : unsigned char { kUnstarted, kReady, kAtBarrier, kAtWarp, kDone };

  struct Copy {
    unsigned char* shared;
    const unsigned char* global;
    std::size_t bytes, valid;
    int group;
  };

  struct Thread {
    uint3 index;
    State state;
    bool odd_exchange;  ///< selects the half of the warp's slots that the next exchange uses
    int copy_group;     ///< group number of the next queued copies
    Fiber* fiber;
    std::source_location waits_at;
    std::vector<Copy> copies;
  };

  /// Double-buffered slots: a lane may write one half while slower lanes still read the other. Before a lane writes a
  /// half again, it passes an exchange that all lanes have reached.
  struct Warp {
    int waiting;
    WarpSlot slots[2][kWarp];
  };

  static void fiber_body(Fiber& self, void* runner) { static_cast<BlockRunner*>(runner)->work(self); }
  void work(Fiber& self);
  void prepare(const Launch& launch, std::uint64_t block);
  void prepare_shared();
  void check_shared() const;
  void set_current(unsigned thread);
  void shuffle_order();
  void resume(Fiber& fiber);
  Fiber* next_ready_fiber();
  void leave(Fiber& self);
  void suspend(State state, const std::source_location& where);
  bool release();
  void release_warp(unsigned warp);
  [[noreturn]] void report_stuck() const;
  Fiber& free_fiber();
  void forget_fibers();

  std::uint64_t fiber_order_;
  const Launch* launch_ = nullptr;
  uint3 block_{};
  std::mt19937_64 random_;
  std::vector<unsigned> order_;  ///< threads in the order in which they are resumed
  unsigned next_unstarted_ = 0;  ///< position in order_
  unsigned next_ready_ = 0;      ///< position in order_ at which the search for ready threads continues
  unsigned waiting_at_barrier_ = 0;
  unsigned done_ = 0;
  std::vector<Thread> block_threads_;
  unsigned threads_ = 0;
  std::vector<Warp> warps_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_fibers_;
  std::vector<unsigned char> shared_storage_;
  unsigned char* shared_ = nullptr;
  std::exception_ptr failure_;
};

void BlockRunner::fail(const std::string& what) const {
  throw Error(ErrorKind::kInternal, launch_->op,
              message("block ", str(block_), ", thread ", str(this_thread.index), ": ", what));
}

// --- one block -------------------------------------------------------------------------------------------------------

void BlockRunner::run(const Launch& launch, std::uint64_t block) {
  prepare(launch, block);
  try {
    while (next_unstarted_ < threads_) resume(free_fiber());
    while (done_ < threads_) {
      if (!release()) report_stuck();
      if (fiber_order_ > 1) shuffle_order();
      next_ready_ = 0;
      while (Fiber* fiber = next_ready_fiber()) resume(*fiber);
    }
    check_shared();
  } catch (...) {
    forget_fibers();
    throw;
  }
}

void BlockRunner::prepare(const Launch& launch, std::uint64_t block) {
  launch_ = &launch;
  const dim3 g = launch.grid, b = launch.block;
  block_ = {static_cast<unsigned>(block % g.x), static_cast<unsigned>(block / g.x % g.y),
            static_cast<unsigned>(block / g.x / g.y)};
  this_thread.block = block_;
  this_thread.block_extent = {b.x, b.y, b.z};
  this_thread.grid_extent = {g.x, g.y, g.z};
  this_thread.runner = this;

  threads_ = b.x * b.y * b.z;
  if (block_threads_.size() < threads_) block_threads_.resize(threads_);
  for (unsigned i = 0; i < threads_; ++i) {
    Thread& t = block_threads_[i];
    t.index = {i % b.x, i / b.x % b.y, i / b.x / b.y};
    t.state = State::kUnstarted;
    t.odd_exchange = false;
    t.copy_group = 0;
    t.fiber = nullptr;
    t.copies.clear();
  }
  warps_.resize((threads_ + kWarp - 1) / kWarp);
  for (Warp& warp : warps_) warp.waiting = 0;
  next_unstarted_ = waiting_at_barrier_ = done_ = 0;
  next_ready_ = threads_;

  if (order_.size() != threads_ || fiber_order_ > 1) {
    order_.resize(threads_);
    std::iota(order_.begin(), order_.end(), 0u);
    if (fiber_order_ == 1) std::reverse(order_.begin(), order_.end());
    if (fiber_order_ > 1) {
      random_.seed(fiber_order_ + block * 0x9E3779B97F4A7C15u);
      shuffle_order();
    }
  }
  prepare_shared();
}

/// Fisher-Yates; not std::shuffle, whose result depends on the standard library.
void BlockRunner::shuffle_order() {
  for (unsigned i = threads_ - 1; i > 0; --i) std::swap(order_[i], order_[random_() % (i + 1)]);
}

void BlockRunner::prepare_shared() {
  const std::size_t bytes = launch_->shared_bytes;
  const std::size_t needed = bytes + 2 * kGuardBytes + 16;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(shared_storage_.data(), shared_storage_.size());
#endif
  if (shared_storage_.size() < needed) shared_storage_.resize(needed);
  const auto start = reinterpret_cast<std::uintptr_t>(shared_storage_.data());
  shared_ = shared_storage_.data() + ((start + 15) / 16 * 16 - start) + kGuardBytes;
  fill_guard(shared_ - kGuardBytes, shared_);
  std::memset(shared_, kPoisonByte, bytes);
  fill_guard(shared_ + bytes, shared_ + bytes + kGuardBytes);
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(shared_ - kGuardBytes, kGuardBytes);
  __asan_poison_memory_region(shared_ + bytes, kGuardBytes);
#endif
  this_thread.shared = shared_;
}

void BlockRunner::check_shared() const {
#if !defined(__SANITIZE_ADDRESS__)  // AddressSanitizer has the bands poisoned and reports the store itself
  const std::size_t bytes = launch_->shared_bytes;
  const unsigned char* const end = shared_ + bytes + kGuardBytes;
  if (const unsigned char* after = overwritten_guard(shared_ + bytes, end); after != end) {
    throw Error(ErrorKind::kInternal, launch_->op,
                message("block ", str(block_), " stored past its ", bytes, " bytes of shared memory, at byte ",
                        after - shared_));
  }
  if (const unsigned char* before = overwritten_guard(shared_ - kGuardBytes, shared_); before != shared_) {
    throw Error(ErrorKind::kInternal, launch_->op,
                message("block ", str(block_), " stored ", shared_ - before, " bytes before its shared memory"));
  }
#endif
}

void BlockRunner::set_current(unsigned thread) {
  this_thread.index = block_threads_[thread].index;
  this_thread.linear = thread;
}

// --- fibers ----------------------------------------------------------------------------------------------------------

/// The endless loop of a fiber: runs unstarted threads one after another. A thread that waits keeps the fiber suspended
/// until it is released.
void BlockRunner::work(Fiber& self) {
  for (;;) {
    while (next_unstarted_ < threads_) {
      const unsigned thread = order_[next_unstarted_++];
      block_threads_[thread].fiber = &self;
      set_current(thread);
      try {
        launch_->call(launch_->closure);
        if (!block_threads_[thread].copies.empty()) {
          fail("ends with asynchronous copies that it never waited for; call async_wait<0>() after the last one");
        }
      } catch (...) {
        failure_ = std::current_exception();
        next_ready_ = threads_;  // resume no other thread
        break;
      }
      // `thread`, not this_thread: other threads may have run while this one waited
      block_threads_[thread].state = State::kDone;
      ++done_;
    }
    free_fibers_.push_back(&self);
    leave(self);
  }
}

/// Makes the next ready thread in order_ the current one and returns its fiber; null if there is none.
Fiber* BlockRunner::next_ready_fiber() {
  while (next_ready_ < threads_) {
    const unsigned thread = order_[next_ready_++];
    if (block_threads_[thread].state == State::kReady) {
      set_current(thread);
      return block_threads_[thread].fiber;
    }
  }
  return nullptr;
}

/// Called inside a fiber that cannot continue: switches directly to the next ready fiber, or back to run() if there is
/// none.
void BlockRunner::leave(Fiber& self) {
  if (Fiber* next = next_ready_fiber()) {
    self.switch_to(*next);
  } else {
    self.suspend();
  }
}

Fiber& BlockRunner::free_fiber() {
  if (free_fibers_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(&BlockRunner::fiber_body, this));
    free_fibers_.push_back(fibers_.back().get());
  }
  Fiber& fiber = *free_fibers_.back();
  free_fibers_.pop_back();
  return fiber;
}

void BlockRunner::resume(Fiber& fiber) {
  fiber.resume();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

/// After an error: abandons the threads that still wait. Their stacks are not unwound.
void BlockRunner::forget_fibers() {
  free_fibers_.clear();
  for (const auto& fiber : fibers_) {
    fiber->reset();
    free_fibers_.push_back(fiber.get());
  }
}

void BlockRunner::suspend(State state, const std::source_location& where) {
  Thread& t = block_threads_[this_thread.linear];
  t.state = state;
  t.waits_at = where;
  leave(*t.fiber);
}

// --- barriers and warps ----------------------------------------------------------------------------------------------

void BlockRunner::wait_for_block(const std::source_location& where) {
  ++waiting_at_barrier_;
  suspend(State::kAtBarrier, where);
}

const WarpSlot* BlockRunner::exchange(const void* value, std::size_t bytes, const std::source_location& where) {
  if (threads_ % kWarp != 0) fail("a warp operation in a block whose size is not a multiple of 32");
  const unsigned thread = this_thread.linear;
  Warp& warp = warps_[thread / kWarp];
  Thread& t = block_threads_[thread];
  const int half = t.odd_exchange ? 1 : 0;
  t.odd_exchange = !t.odd_exchange;
  if (bytes > 0) std::memcpy(warp.slots[half][thread % kWarp].bytes, value, bytes);
  ++warp.waiting;
  suspend(State::kAtWarp, where);
  return warp.slots[half];
}

/// Makes the threads ready whose barrier or warp operation all others have reached; false if there are none.
bool BlockRunner::release() {
  if (waiting_at_barrier_ == threads_) {
    const std::source_location first = block_threads_[0].waits_at;
    for (unsigned i = 0; i < threads_; ++i) {
      if (block_threads_[i].waits_at.line() != first.line()) {
        set_current(i);
        fail(message("waits at the barrier of ", place_of(block_threads_[i].waits_at), " while thread 0 waits at ",
                     place_of(first), "; all threads of a block must reach the same barrier"));
      }
      block_threads_[i].state = State::kReady;
    }
    waiting_at_barrier_ = 0;
    return true;
  }
  bool released = false;
  for (unsigned warp = 0; warp < warps_.size(); ++warp) {
    if (warps_[warp].waiting == kWarp) {
      release_warp(warp);
      released = true;
    }
  }
  return released;
}

void BlockRunner::release_warp(unsigned warp) {
  const std::source_location first = block_threads_[warp * kWarp].waits_at;
  for (unsigned i = warp * kWarp; i < (warp + 1) * kWarp; ++i) {
    if (block_threads_[i].waits_at.line() != first.line()) {
      set_current(i);
      fail(message("its lane is at the warp operation of ", place_of(block_threads_[i].waits_at),
                   " while lane 0 is at ", place_of(first)));
    }
    block_threads_[i].state = State::kReady;
  }
  warps_[warp].waiting = 0;
}

/// Reports a deadlock: some threads wait for others that have ended or wait elsewhere.
void BlockRunner::report_stuck() const {
  const Thread* waiting = nullptr;
  const Thread* other = nullptr;
  for (unsigned i = 0; i < threads_; ++i) {
    const Thread& t = block_threads_[i];
    if (!waiting && t.state != State::kDone) waiting = &t;
  }
  for (unsigned i = 0; i < threads_; ++i) {
    const Thread& t = block_threads_[i];
    if (t.state != waiting->state) other = &t;
  }
  this_thread.index = waiting->index;
  const char* what =
      waiting->state == State::kAtBarrier ? "waits at the barrier of " : "waits at the warp operation of ";
  std::string why = "others of its warp never come";
  if (other) {
    why = message("thread ", str(other->index),
                  other->state == State::kDone ? std::string(" has ended") : " waits at " + place_of(other->waits_at));
  }
  fail(message(what, place_of(waiting->waits_at), " while ", why, "; every thread must reach it"));
}

// --- asynchronous copies ---------------------------------------------------------------------------------------------

void BlockRunner::queue_copy(void* shared, const void* global, std::size_t bytes, std::size_t valid) {
  auto* to = static_cast<unsigned char*>(shared);
  if (to < shared_ || to + bytes > shared_ + launch_->shared_bytes) {
    fail("an asynchronous copy goes outside the block's shared memory");
  }
  std::memset(to, kPoisonByte, bytes);  // no thread may read it before the wait
  Thread& t = block_threads_[this_thread.linear];
  t.copies.push_back({to, static_cast<const unsigned char*>(global), bytes, valid, t.copy_group});
}

void BlockRunner::commit_copies() { ++block_threads_[this_thread.linear].copy_group; }

void BlockRunner::finish_copies(int groups_left) {
  Thread& t = block_threads_[this_thread.linear];
  // wait for groups up to this number; copies not yet committed belong to a later group
  const int last = t.copy_group - 1 - groups_left;
  std::size_t kept = 0;
  for (const Copy& copy : t.copies) {
    if (copy.group > last) {
      t.copies[kept++] = copy;
      continue;
    }
    if (copy.valid > 0) std::memcpy(copy.shared, copy.global, copy.valid);
    std::memset(copy.shared + copy.valid, 0, copy.bytes - copy.valid);
  }
  t.copies.resize(kept);
}

// --- entry points ----------------------------------------------------------------------------------------------------

void block_barrier(const std::source_location& where) { this_thread.runner->wait_for_block(where); }

const WarpSlot* warp_exchange(const void* value, std::size_t bytes, const std::source_location& where) {
  return this_thread.runner->exchange(value, bytes, where);
}

void require_full_mask(unsigned mask, const std::source_location& where) {
  if (mask != 0xffffffffu) this_thread.runner->fail(place_of(where) + ": warp operations take all 32 lanes");
}

void fail_misaligned(const void* address, std::size_t alignment, const std::source_location& where) {
  this_thread.runner->fail(message(place_of(where), ": address ", address, " is not aligned to ", alignment, " bytes"));
}

void async_copy(void* shared, const void* global, std::size_t bytes, std::size_t valid,
                const std::source_location& where) {
  require_aligned(shared, bytes, where);
  require_aligned(global, bytes, where);
  if (valid > bytes) this_thread.runner->fail(place_of(where) + ": more valid bytes than are copied");
  this_thread.runner->queue_copy(shared, global, bytes, valid);
}
void async_commit() { this_thread.runner->commit_copies(); }
void async_wait(int groups_left) { this_thread.runner->finish_copies(groups_left); }

Executor::Executor(ThreadPool& threads, std::uint64_t fiber_order) : threads_(threads), fiber_order_(fiber_order) {
  for (int worker = 0; worker < threads.size(); ++worker)
    runners_.push_back(std::make_unique<BlockRunner>(fiber_order));
}

Executor::~Executor() = default;

void Executor::run(const Launch& launch) {
  const std::uint64_t blocks = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  // a task runs its blocks one after another: 16 tasks per worker balance the load at negligible cost
  const std::uint64_t tasks = std::min<std::uint64_t>(blocks, 16 * static_cast<std::uint64_t>(threads_.size()));
  const bool backwards = fiber_order_ % 2 == 1;
  threads_.run(static_cast<std::int64_t>(tasks), [&](std::int64_t task, int worker) {
    const auto t = static_cast<std::uint64_t>(task);
    for (std::uint64_t i = blocks * t / tasks; i < blocks * (t + 1) / tasks; ++i) {
      runners_[static_cast<std::size_t>(worker)]->run(launch, backwards ? blocks - 1 - i : i);
    }
  });
  if (after_launch_) after_launch_(launch.op);
}

}  // namespace shcnn::simt
