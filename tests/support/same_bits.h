// The promise that results depend neither on the number of threads nor on simt's order of fibers, as one call.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "support/executor.h"
#include "support/options.h"

namespace shcnn::test {

/// Appends the bytes of a tensor's values as floats or whatever they are; NaNs keep their bits.
template <class T>
void append_bytes(std::vector<unsigned char>& to, const Tensor<T>& tensor) {
  const std::size_t begin = to.size(), bytes = tensor.data.size() * sizeof(T);
  to.resize(begin + bytes);
  if (bytes > 0) std::memcpy(to.data() + begin, tensor.data.data(), bytes);
}

/// run(backend) -> bytes of every result; checks that 1, 2 and 3 threads give the same. On simt these resume a block's
/// threads in order, in reverse and at random: where bits move, a barrier is missing.
template <class Run>
void check_same_bits(const Run& run) {
  static Backend one = open_executor(1, 0), two = open_executor(2, 1), three = open_executor(3, options().seed);
  const std::vector<unsigned char> first = run(one);
  CHECK((run(two) == first));
  CHECK((run(three) == first));
}

}  // namespace shcnn::test
