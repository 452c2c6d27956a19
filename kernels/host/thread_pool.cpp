// A job has a task counter; workers take task numbers from it until none are left. Between jobs workers first spin (the
// gap between two ops is microseconds) and then sleep. The calling thread also works. It waits only for workers that
// have entered the job, not for a worker that has not started because another process occupies its core.
//
// Access to the job's fields: the caller writes them while no worker has entered (state == 0); a worker reads them only
// between entering (state + 1, allowed while the open bit is set) and leaving (state - 1).
//
// Every thread flushes denormals to zero while it runs tasks: gradients of a trained network fall below 1e-38, and an
// operation on a denormal takes a hundred times as long.
#include "kernels/host/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace shcnn {
namespace {

constexpr int kOpen = 1 << 30;  // bit of `state`: workers may enter; the lower bits count the workers inside
constexpr int kSpins = 4000;    // about 50 us of pauses before sleeping
constexpr std::size_t kAlign = 64;

void pause() {
#if defined(__SSE2__)
  _mm_pause();
#endif
}

/// Sets flush-to-zero and denormals-are-zero in this thread until the end of the scope.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  unsigned saved_;
#else
  FlushDenormals() {}
  ~FlushDenormals() {}
#endif
};

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  const unsigned cores = std::thread::hardware_concurrency();
  return cores ? static_cast<int>(cores) : 1;
}

struct AlignedDelete {
  void operator()(void* p) const { ::operator delete (p, std::align_val_t{kAlign}); }
};

struct Scratch {
  std::unique_ptr<void, AlignedDelete> memory;
  std::size_t bytes = 0;
};

}  // namespace

struct ThreadPool::Impl {
  std::vector<std::thread> threads;
  std::vector<Scratch> scratch;

  // the job
  Function function = nullptr;
  const void* body = nullptr;
  std::int64_t tasks = 0;
  alignas(64) std::atomic<std::int64_t> next{0};
  std::mutex error_mutex;
  std::exception_ptr error;

  alignas(64) std::atomic<int> state{0};
  alignas(64) std::atomic<int> epoch{0};  // incremented for each job; idle workers wait for the change
  std::atomic<bool> stop{false};

  void draw(int worker) {
    try {
      for (;;) {
        const std::int64_t task = next.fetch_add(1, std::memory_order_relaxed);
        if (task >= tasks) return;
        function(body, task, worker);
      }
    } catch (...) {
      next.store(tasks, std::memory_order_relaxed);  // no new task starts; running tasks finish
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  }

  void work(int worker) {
    const FlushDenormals flush;
    int seen = 0;
    for (;;) {
      for (int i = 0; i < kSpins && epoch.load(std::memory_order_acquire) == seen; ++i) pause();
      epoch.wait(seen, std::memory_order_acquire);
      seen = epoch.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_acquire)) return;
      int now = state.load(std::memory_order_relaxed);
      bool inside = false;
      while ((now & kOpen) && !inside) {
        inside = state.compare_exchange_weak(now, now + 1, std::memory_order_acquire, std::memory_order_relaxed);
      }
      if (!inside) continue;  // too late: the job is closed
      draw(worker);
      if (state.fetch_sub(1, std::memory_order_acq_rel) == 1) state.notify_one();  // last worker to leave a closed job
    }
  }
};

ThreadPool::ThreadPool(int threads) : impl_(std::make_unique<Impl>()) {
  if (threads <= 0) threads = usable_cores();
  impl_->threads.reserve(static_cast<std::size_t>(threads - 1));
  impl_->scratch.resize(static_cast<std::size_t>(threads));
  try {
    for (int worker = 1; worker < threads; ++worker) {
      impl_->threads.emplace_back([impl = impl_.get(), worker] { impl->work(worker); });
    }
  } catch (const std::system_error&) {
    // the system starts no more threads (process or memory limit): continue with those already running
  } catch (const std::bad_alloc&) {
  }
  impl_->scratch.resize(impl_->threads.size() + 1);
}

ThreadPool::~ThreadPool() {
  impl_->stop.store(true, std::memory_order_release);
  impl_->epoch.fetch_add(1, std::memory_order_release);
  impl_->epoch.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

int ThreadPool::size() const { return static_cast<int>(impl_->scratch.size()); }

void* ThreadPool::scratch(int worker, std::size_t bytes) {
  Scratch& s = impl_->scratch[static_cast<std::size_t>(worker)];
  if (s.bytes < bytes) {
    s.memory.reset();
    s.bytes = 0;
    s.memory.reset(::operator new (bytes, std::align_val_t{kAlign}));
    s.bytes = bytes;
  }
  return s.memory.get();
}

void ThreadPool::run_erased(std::int64_t tasks, Function function, const void* body) {
  if (tasks <= 0) return;
  const FlushDenormals flush;
  Impl& job = *impl_;
  job.function = function;
  job.body = body;
  job.tasks = tasks;
  job.next.store(0, std::memory_order_relaxed);
  const bool share = tasks > 1 && !job.threads.empty();
  if (share) {
    job.state.store(kOpen, std::memory_order_release);
    job.epoch.fetch_add(1, std::memory_order_release);
    job.epoch.notify_all();
  }
  job.draw(0);
  if (share) {
    int now = job.state.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
    for (int i = 0; i < kSpins && now != 0; ++i) {
      pause();
      now = job.state.load(std::memory_order_acquire);
    }
    while (now != 0) {
      job.state.wait(now, std::memory_order_acquire);
      now = job.state.load(std::memory_order_acquire);
    }
  }
  if (job.error) std::rethrow_exception(std::exchange(job.error, nullptr));
}

}  // namespace shcnn
