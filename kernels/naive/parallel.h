// The parallel loop of this folder.
#pragma once

#include <cstdint>

#include "kernels/device.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::naive {

/// Calls body(task) for task = 0 .. tasks-1 on the context's threads; if it has none, in order on the calling thread.
template <class Body>
void parallel_for(const Context& context, std::int64_t tasks, const Body& body) {
  if (context.threads != nullptr) {
    context.threads->run(tasks, [&](std::int64_t task, int) { body(task); });
  } else {
    for (std::int64_t task = 0; task < tasks; ++task) body(task);
  }
}

}  // namespace shcnn::naive
