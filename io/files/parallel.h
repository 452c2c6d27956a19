// Runs many small independent tasks, such as reading small files, on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace shcnn::io {

/// Calls body(i) exactly once for each i = 0 .. count - 1 on `threads` threads (0: one per core, at most 8). A thread
/// takes `block` consecutive indices at a time; a block should take much longer than the atomic increment that reserves
/// it. If calls throw, remaining work is skipped, and after all threads have ended the exception of the smallest i is
/// rethrown, so that the reported error does not depend on timing.
template <class Body>
void for_each_parallel(int64_t count, Body body, int threads = 0, int64_t block = 64) {
  constexpr int64_t kMaxThreads = 8;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> first_bad{count};  // smallest index that failed; larger indices need not run
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    for (;;) {
      const int64_t begin = next.fetch_add(block);
      if (begin >= first_bad.load()) return;
      for (int64_t i = begin; i < std::min(begin + block, count); ++i) {
        try {
          body(i);
        } catch (...) {
          const std::lock_guard<std::mutex> lock(mutex);
          if (i < first_bad.load()) {
            first_bad = i;
            error = std::current_exception();
          }
          break;
        }
      }
    }
  };
  std::vector<std::thread> others;
  const int64_t most = threads > 0 ? threads : std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  const int64_t wanted = std::min(most, (count + block - 1) / block);
  try {
    for (int64_t t = 1; t < wanted; ++t) others.emplace_back(work);
  } catch (const std::system_error&) {
    // no more threads can be started (limit on processes or memory): the running ones do the remaining work
  } catch (const std::bad_alloc&) {
  }
  work();
  for (std::thread& thread : others) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace shcnn::io
