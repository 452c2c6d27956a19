// Reading many small files with several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace shcnn::io {

/// Calls body(i) for i = 0 .. count - 1 on up to 8 threads, each i once. Of the errors thrown, the one of the smallest
/// i is thrown on when all threads have ended, so that the error reported does not hang on timing.
template <class Body>
void for_each_parallel(int64_t count, Body body) {
  constexpr int64_t kMaxThreads = 8, kBlock = 64;  // a block: enough work to make taking it cheap
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> first_bad{count};  // nothing behind it needs doing
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    for (;;) {
      const int64_t begin = next.fetch_add(kBlock);
      if (begin >= first_bad.load()) return;
      for (int64_t i = begin; i < std::min(begin + kBlock, count); ++i) {
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
  std::vector<std::thread> threads;
  const int64_t wanted = std::min<int64_t>(
      {kMaxThreads, (count + kBlock - 1) / kBlock, std::max<int64_t>(1, std::thread::hardware_concurrency())});
  try {
    for (int64_t t = 1; t < wanted; ++t) threads.emplace_back(work);
  } catch (const std::system_error&) {
    // fewer threads than wished for: this one does the rest
  }
  work();
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace shcnn::io
