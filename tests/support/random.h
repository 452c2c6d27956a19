// Seeded test data from Philox: the seed alone reproduces a failing case.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/philox.h"
#include "support/options.h"
#include "support/tensor.h"

namespace shcnn::test {

/// An independent stream of random numbers for each `stream` (for example a case's index), from the command line's
/// seed.
class Random {
 public:
  explicit Random(std::uint32_t stream) : stream_(stream) {}

  std::uint32_t word() { return philox_word(options().seed, Purpose::kTest, stream_, index_++); }
  double unit() { return to_unit(word()); }  ///< [0, 1)
  double uniform(double low, double high) { return low + (high - low) * unit(); }
  std::int64_t integer(std::int64_t low, std::int64_t high) {  ///< low .. high, both included
    return low + static_cast<std::int64_t>(unit() * static_cast<double>(high - low + 1));
  }
  std::int64_t log_integer(std::int64_t low, std::int64_t high) {  ///< the same, log-uniform; low >= 1
    const double top = static_cast<double>(high) + 1;
    return static_cast<std::int64_t>(static_cast<double>(low) * std::pow(top / static_cast<double>(low), unit()));
  }
  std::int64_t nonzero_integer(std::int64_t magnitude) {  ///< -magnitude .. magnitude without 0
    const std::int64_t value = integer(1, magnitude);
    return word() & 1 ? value : -value;
  }

  /// Reals in [-1, 1), never 0.
  template <class T>
  Tensor<T> reals(const Shape& shape) {
    Tensor<T> tensor(shape);
    for (T& value : tensor.data) {
      do value = static_cast<T>(uniform(-1, 1));
      while (value == T(0));
    }
    return tensor;
  }
  /// Integers in -magnitude .. magnitude, never 0.
  template <class T>
  Tensor<T> integers(const Shape& shape, std::int64_t magnitude) {
    Tensor<T> tensor(shape);
    for (T& value : tensor.data) value = static_cast<T>(nonzero_integer(magnitude));
    return tensor;
  }

 private:
  std::uint32_t stream_;
  std::uint64_t index_ = 0;
};

}  // namespace shcnn::test
