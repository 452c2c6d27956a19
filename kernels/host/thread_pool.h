// A fixed set of threads that run numbered tasks. The assignment of tasks to threads varies, so the result of a task
// must not depend on its thread. Because of this, and because the shape alone fixes the order of every reduction,
// results are the same for any thread count.
#pragma once

#include <cstdint>
#include <memory>

namespace shcnn {

class ThreadPool {
 public:
  /// 0 threads = every core that this process may use (its affinity mask, not the machine's count). If the system
  /// refuses to start that many threads, the pool has fewer; size() returns the actual number.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;  ///< number of workers, including the calling thread

  /// Runs body(task, worker) for task = 0 .. tasks-1, worker in 0 .. size()-1; returns when all are done. If a task
  /// throws, no further task starts, and the first exception is rethrown here after the running tasks have ended. Not
  /// reentrant; one caller at a time.
  template <class Body>
  void run(std::int64_t tasks, const Body& body) {
    run_erased(
        tasks, [](const void* b, std::int64_t task, int worker) { (*static_cast<const Body*>(b))(task, worker); },
        &body);
  }

  /// Scratch memory of one worker, at least `bytes`, aligned to 64 bytes. It is kept between calls and reallocated only
  /// when a call needs more, so steps after the first allocate nothing.
  void* scratch(int worker, std::size_t bytes);

 private:
  using Function = void (*)(const void*, std::int64_t, int);
  void run_erased(std::int64_t tasks, Function function, const void* body);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shcnn
