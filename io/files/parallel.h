// Reading many small files, or making many small things, with several threads.
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

/// Calls body(i) for i = 0 .. count - 1 on `threads` threads (0: one a core, up to 8), each i once; threads take
/// `block` of them at a time, which should be enough work to make taking it cheap. Of the errors thrown, the one of the
/// smallest i is thrown on when all threads have ended, so that the error reported does not hang on timing.
template <class Body>
void for_each_parallel(int64_t count, Body body, int threads = 0, int64_t block = 64) {
  constexpr int64_t kMaxThreads = 8;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> first_bad{count};  // nothing behind it needs doing
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
    // the system starts no more threads (a limit on processes or memory): those that run do the rest
  } catch (const std::bad_alloc&) {
  }
  work();
  for (std::thread& thread : others) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace shcnn::io
