// Failing thread creation: the threads that could be started do all the work with the same results. This program's
// pthread_create replaces the system's and fails from the n-th call on.
#include <dlfcn.h>
#include <pthread.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "io/files/parallel.h"
#include "kernels/host/thread_pool.h"

namespace {

int allowed = -1;  // number of calls that succeed; -1: all
int refused = 0;

/// Allows `count` thread creations in this scope; afterwards all succeed again.
class AllowThreads {
 public:
  explicit AllowThreads(int count) {
    allowed = count;
    refused = 0;
  }
  ~AllowThreads() { allowed = -1; }
  AllowThreads(const AllowThreads&) = delete;
  AllowThreads& operator=(const AllowThreads&) = delete;
};

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* argument) {
  if (allowed == 0) {
    ++refused;
    return EAGAIN;
  }
  if (allowed > 0) --allowed;
  static const auto system_call = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return system_call(thread, attributes, start, argument);
}

namespace shcnn {
namespace {

TEST_CASE("a pool has as many workers as could be started", "[threads_refused]") {
  for (const int started : {0, 1, 3}) {
    const AllowThreads scope(started);
    ThreadPool pool(6);
    CHECK(refused == 1);
    REQUIRE(pool.size() == started + 1);
    std::vector<std::int64_t> sums(1000, -1);  // the result of a task, independent of the worker
    int strangers = 0;
    pool.run(1000, [&](std::int64_t task, int worker) {
      auto* scratch = static_cast<std::int64_t*>(pool.scratch(worker, sizeof(std::int64_t)));
      *scratch = task * task;
      sums[static_cast<std::size_t>(task)] = *scratch;
      if (worker < 0 || worker > started) ++strangers;
    });
    CHECK(strangers == 0);
    for (std::int64_t task = 0; task < 1000; ++task) REQUIRE(sums[static_cast<std::size_t>(task)] == task * task);
  }
}

TEST_CASE("files are read by as many threads as could be started", "[threads_refused]") {
  for (const int started : {0, 2}) {
    const AllowThreads scope(started);
    std::vector<int> times(1000, 0);
    io::for_each_parallel(
        1000, [&](std::int64_t i) { ++times[static_cast<std::size_t>(i)]; }, 5, 10);
    CHECK(refused == 1);
    CHECK(times == std::vector<int>(1000, 1));
  }
}

}  // namespace
}  // namespace shcnn
