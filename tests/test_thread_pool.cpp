// The thread pool: each task runs once, no task after the job, exceptions, scratch memory, and many small jobs in a
// row.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kernels/host/thread_pool.h"

namespace shcnn {
namespace {

TEST_CASE("every task runs once, by a worker of the pool", "[thread_pool]") {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    REQUIRE(pool.size() == threads);
    for (const std::int64_t tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
      std::atomic<int> strangers{0};
      pool.run(tasks, [&](std::int64_t task, int worker) {
        ++runs[static_cast<std::size_t>(task)];
        strangers += worker < 0 || worker >= threads;
      });
      int wrong = 0;
      for (const auto& count : runs) wrong += count != 1;
      CHECK(wrong == 0);
      CHECK(strangers == 0);
    }
  }
}

TEST_CASE("no two tasks at once share a worker", "[thread_pool]") {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<int> clashes{0};
  pool.run(200, [&](std::int64_t, int worker) {
    clashes += ++busy[static_cast<std::size_t>(worker)] != 1;
    std::this_thread::yield();
    --busy[static_cast<std::size_t>(worker)];
  });
  CHECK(clashes == 0);
}

TEST_CASE("what tasks wrote is there when run() returns, over many small jobs", "[thread_pool]") {
  ThreadPool pool(3);
  std::vector<std::int64_t> values(5);  // not atomic: ThreadSanitizer checks the synchronisation
  for (std::int64_t round = 0; round < 20000; ++round) {
    pool.run(5, [&](std::int64_t task, int) { values[static_cast<std::size_t>(task)] = round * 5 + task; });
    std::int64_t wrong = 0;
    for (std::int64_t task = 0; task < 5; ++task) wrong += values[static_cast<std::size_t>(task)] != round * 5 + task;
    REQUIRE(wrong == 0);
  }
}

TEST_CASE("parked workers wake up", "[thread_pool]") {
  ThreadPool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    // Each task waits for the other, so both workers must run.
    std::atomic<int> here{0};
    pool.run(2, [&](std::int64_t, int) {
      ++here;
      while (here < 2) std::this_thread::yield();
    });
    CHECK(here == 2);
  }
}

TEST_CASE("the first exception comes out and the pool goes on", "[thread_pool]") {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 100; ++round) {
      std::string caught;
      try {
        pool.run(50, [&](std::int64_t task, int) {
          if (task == 13) throw std::runtime_error("task 13");
        });
      } catch (const std::runtime_error& error) {
        caught = error.what();
      }
      REQUIRE(caught == "task 13");
      std::atomic<int> ran{0};
      pool.run(50, [&](std::int64_t, int) { ++ran; });
      REQUIRE(ran == 50);
    }
  }
}

TEST_CASE("scratch memory is aligned, kept, and a worker's own", "[thread_pool]") {
  ThreadPool pool(2);
  void* first = pool.scratch(0, 1000);
  CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
  CHECK(pool.scratch(0, 10) == first);
  CHECK(pool.scratch(1, 1000) != first);
  CHECK(reinterpret_cast<std::uintptr_t>(pool.scratch(0, 1 << 20)) % 64 == 0);
}

}  // namespace
}  // namespace shcnn
