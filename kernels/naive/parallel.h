// The one loop of this folder that may run on several threads.
#pragma once

#include <cstdint>

#include "kernels/device.h"

namespace shcnn::naive {

/// body(task) for task = 0 .. tasks-1, in order on the calling thread.
template <class Body>
void parallel_for(const Context&, std::int64_t tasks, const Body& body) {
  for (std::int64_t task = 0; task < tasks; ++task) body(task);
}

}  // namespace shcnn::naive
