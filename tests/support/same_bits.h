// Checks that results depend neither on the number of threads nor on the order in which simt runs fibers.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "support/executor.h"
#include "support/options.h"

namespace shcnn::test {

/// Appends the bytes of a tensor's values; NaNs keep their bits.
template <class T>
void append_bytes(std::vector<unsigned char>& to, const Tensor<T>& tensor) {
  const std::size_t begin = to.size(), bytes = tensor.data.size() * sizeof(T);
  to.resize(begin + bytes);
  if (bytes > 0) std::memcpy(to.data() + begin, tensor.data.data(), bytes);
}

/// run(backend) returns the bytes of all results; checks that they are the same with 1, 2 and 3 threads. On simt these
/// three resume a block's threads in order, in reverse and in random order: different bits mean a missing barrier.
template <class Run>
void check_same_bits(const Run& run) {
  static Backend one = open_executor(1, 0), two = open_executor(2, 1), three = open_executor(3, options().seed);
  const std::vector<unsigned char> first = run(one);
  CHECK((run(two) == first));
  CHECK((run(three) == first));
}

}  // namespace shcnn::test
