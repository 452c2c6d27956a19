// Guard bands around memory: a store into one is detected by a later check, and a float or double read from one is NaN.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shcnn::simt {

inline constexpr unsigned char kPoisonByte = 0xFF;  ///< fills uninitialised memory; four of them are a NaN
inline constexpr std::size_t kGuardBytes = 256;     ///< minimum size of a band

/// The byte that a guard band holds at `address`; its words are 0xFFFFFFA5, a NaN that no arithmetic produces.
inline unsigned char guard_byte(const unsigned char* address) {
  return reinterpret_cast<std::uintptr_t>(address) % 4 == 0 ? 0xA5 : 0xFF;
}

inline void fill_guard(unsigned char* begin, const unsigned char* end) {
  for (; begin < end; ++begin) *begin = guard_byte(begin);
}

/// The first byte in [begin, end) that was overwritten; `end` if there is none.
inline const unsigned char* overwritten_guard(const unsigned char* begin, const unsigned char* end) {
  while (begin < end && *begin == guard_byte(begin)) ++begin;
  return begin;
}

}  // namespace shcnn::simt
