// One or four adjacent floats, loaded or stored by one instruction of 4 or 16 bytes. Kernels use four if addresses are
// aligned and row lengths are a multiple of four, else one; the computation and its order are the same.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kernels/cuda/primitives.h"

namespace shcnn::SHCNN_EXECUTOR {

template <int kLanes>
struct Lanes {
  static_assert(kLanes == 1 || kLanes == 4, "a lane is moved alone or with three neighbours");
  float v[kLanes];
};

template <int kLanes>
__device__ __forceinline__ Lanes<kLanes> load_lanes(const float* address) {
  if constexpr (kLanes == 4) {
    const float4 four = load4(address);
    return {{four.x, four.y, four.z, four.w}};
  } else {
    return {{*address}};
  }
}

template <int kLanes>
__device__ __forceinline__ void store_lanes(float* address, const Lanes<kLanes>& lanes) {
  if constexpr (kLanes == 4) {
    store4(address, make_float4(lanes.v[0], lanes.v[1], lanes.v[2], lanes.v[3]));
  } else {
    *address = lanes.v[0];
  }
}

/// The same for bytes that accompany the lanes (max_pool's winner); four bytes need an address aligned to 4.
template <int kLanes>
struct LaneBytes {
  std::uint8_t v[kLanes];
};

template <int kLanes>
__device__ __forceinline__ LaneBytes<kLanes> load_bytes(const std::uint8_t* address) {
  if constexpr (kLanes == 4) {
    const uchar4 four = *reinterpret_cast<const uchar4*>(address);
    return {{four.x, four.y, four.z, four.w}};
  } else {
    return {{*address}};
  }
}

template <int kLanes>
__device__ __forceinline__ void store_bytes(std::uint8_t* address, const LaneBytes<kLanes>& bytes) {
  if constexpr (kLanes == 4) {
    *reinterpret_cast<uchar4*>(address) = make_uchar4(bytes.v[0], bytes.v[1], bytes.v[2], bytes.v[3]);
  } else {
    *address = bytes.v[0];
  }
}

/// Elements at .. at + 3 of an array of `count`; those past its end are zero. kAligned: array + at is aligned to 16
/// bytes.
template <bool kAligned>
__device__ __forceinline__ Lanes<4> load_four(const float* array, std::int64_t at, std::int64_t count) {
  if (kAligned && at + 4 <= count) return load_lanes<4>(array + at);
  Lanes<4> lanes{};
  for (int i = 0; i < 4 && at + i < count; ++i) lanes.v[i] = array[at + i];
  return lanes;
}

template <bool kAligned>
__device__ __forceinline__ void store_four(float* array, std::int64_t at, std::int64_t count, const Lanes<4>& lanes) {
  if (kAligned && at + 4 <= count) {
    store_lanes<4>(array + at, lanes);
  } else {
    for (int i = 0; i < 4 && at + i < count; ++i) array[at + i] = lanes.v[i];
  }
}

/// True if all `pointers` are aligned to `bytes`.
inline bool aligned_to(std::size_t bytes, std::initializer_list<const void*> pointers) {
  for (const void* pointer : pointers) {
    if (reinterpret_cast<std::uintptr_t>(pointer) % bytes != 0) return false;
  }
  return true;
}

}  // namespace shcnn::SHCNN_EXECUTOR
