// A fixed set of threads that run numbered tasks. Which thread runs which task varies; what a task computes must not
// depend on it: that, and reductions whose tree is fixed by shape alone, is how results stay equal for any thread
// count.
#pragma once

#include <cstdint>
#include <memory>

namespace shcnn {

class ThreadPool {
 public:
  /// 0 threads = every core that this process may use (its affinity mask, not the machine's count). Where the system
  /// refuses to start that many, the pool has fewer: size() says how many.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;  ///< workers, the caller's thread included

  /// Runs body(task, worker) for task = 0 .. tasks-1, worker in 0 .. size()-1; returns when all are done. The first
  /// exception thrown by a task is rethrown here, after the others have ended. Not reentrant; one caller at a time.
  template <class Body>
  void run(std::int64_t tasks, const Body& body) {
    run_erased(
        tasks, [](const void* b, std::int64_t task, int worker) { (*static_cast<const Body*>(b))(task, worker); },
        &body);
  }

  /// `bytes` of scratch memory of one worker, aligned to 64, kept between calls; grows on the first call that needs
  /// more, so that a step after the first allocates nothing.
  void* scratch(int worker, std::size_t bytes);

 private:
  using Function = void (*)(const void*, std::int64_t, int);
  void run_erased(std::int64_t tasks, Function function, const void* body);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shcnn
