// Division of non-negative integers by a divisor known before the kernel starts, as a multiplication and a shift
// (Granlund & Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994).
#pragma once

#include <cstdint>

#include "kernels/math/host_device.h"

namespace shcnn {

/// n / divisor for 0 <= n < 2^31 and 1 <= divisor < 2^31.
struct FastDivisor {
  std::uint32_t divisor = 1;
  std::uint32_t multiplier = 1;
  std::uint32_t shift = 0;

  FastDivisor() = default;
  explicit FastDivisor(std::int64_t d) : divisor(static_cast<std::uint32_t>(d)) {
    while ((std::uint64_t{1} << shift) < divisor) ++shift;
    multiplier =
        static_cast<std::uint32_t>(((std::uint64_t{1} << 32) * ((std::uint64_t{1} << shift) - divisor)) / divisor + 1);
  }

  SHCNN_HD int quotient(int n) const {
    const std::uint32_t u = static_cast<std::uint32_t>(n);
    const std::uint32_t high = static_cast<std::uint32_t>((std::uint64_t{u} * multiplier) >> 32);
    return static_cast<int>((high + u) >> shift);
  }
  /// n - quotient * divisor
  SHCNN_HD int remainder(int n, int quotient) const { return n - quotient * static_cast<int>(divisor); }
};

}  // namespace shcnn
