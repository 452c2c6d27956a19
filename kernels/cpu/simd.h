// Vector types and functions, compiled once for each instruction set: SHCNN_ISA_NAMESPACE names the set and the
// namespace (generic, avx2, avx512). All functions are always inlined, so that code for a narrow set never calls a copy
// compiled for a wide set.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kernels/math/host_device.h"

#if !defined(SHCNN_ISA_NAMESPACE)
#error "compile this file for one instruction set: -DSHCNN_ISA_NAMESPACE=generic, avx2 or avx512"
#endif

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {

#if defined(__AVX512F__)
constexpr int kW = 16;  // floats per vector
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kW = 8;
constexpr int kRegisters = 16;
#else
constexpr int kW = 4;
constexpr int kRegisters = 16;
#endif

using Vec = float __attribute__((vector_size(kW * 4)));
using VecI = std::int32_t __attribute__((vector_size(kW * 4)));
using VecB = std::uint8_t __attribute__((vector_size(kW)));
using VecU = std::uint32_t __attribute__((vector_size(kW * 4)));
using VecHalf = float __attribute__((vector_size(kW * 2)));
using VecD = double __attribute__((vector_size(kW * 4)));  // kW / 2 lanes

/// The same types for unaligned loads and stores.
using VecAt = float __attribute__((vector_size(kW * 4), aligned(4), may_alias));
using VecBAt = std::uint8_t __attribute__((vector_size(kW), aligned(1), may_alias));
using VecUAt = std::uint32_t __attribute__((vector_size(kW * 4), aligned(4), may_alias));

SHCNN_HD Vec load(const float* p) { return *reinterpret_cast<const VecAt*>(p); }
SHCNN_HD void store(float* p, Vec v) { *reinterpret_cast<VecAt*>(p) = v; }
SHCNN_HD Vec set1(float a) { return a - Vec{}; }  // a - 0 == a for every a, including -0 and NaN

SHCNN_HD std::int64_t min(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
SHCNN_HD std::int64_t max(std::int64_t a, std::int64_t b) { return a > b ? a : b; }
SHCNN_HD std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
SHCNN_HD std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

/// a * b + c; rounded once if the instruction set has fused multiply-add.
SHCNN_HD Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

SHCNN_HD Vec sqrt(Vec a) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xffff, a);  // _mm512_sqrt_ps causes a warning about an uninitialised operand
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(a);
#else
  Vec r;
  for (int i = 0; i < kW; ++i) r[i] = __builtin_sqrtf(a[i]);
  return r;
#endif
}

/// Mask whose first `count` lanes are true.
SHCNN_HD VecI first_lanes(std::int64_t count) {
  VecI lane;
  for (int i = 0; i < kW; ++i) lane[i] = i;
  return lane < static_cast<std::int32_t>(count);
}

/// Loads the first `count` (0 .. kW) floats at p and sets the other lanes to zero; reads nothing else.
SHCNN_HD Vec load_first(const float* p, std::int64_t count) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
#elif defined(__AVX2__)
  return _mm256_maskload_ps(p, reinterpret_cast<__m256i>(first_lanes(count)));
#else
  Vec v{};
  for (int i = 0; i < kW; ++i) {
    if (i < count) v[i] = p[i];
  }
  return v;
#endif
}

/// Stores only the first `count` lanes.
SHCNN_HD void store_first(float* p, Vec v, std::int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
#elif defined(__AVX2__)
  _mm256_maskstore_ps(p, reinterpret_cast<__m256i>(first_lanes(count)), v);
#else
  for (int i = 0; i < kW; ++i) {
    if (i < count) p[i] = v[i];
  }
#endif
}

/// Sum of the lanes, as a binary tree in a fixed order.
SHCNN_HD float sum_lanes(Vec v) {
  float lanes[kW];
  store(lanes, v);
  for (int width = kW / 2; width >= 1; width /= 2) {
    for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

/// The lower and upper half of v in double.
SHCNN_HD VecD lower_double(Vec v) {
  VecHalf half;
  __builtin_memcpy(&half, &v, sizeof half);
  return __builtin_convertvector(half, VecD);
}
SHCNN_HD VecD upper_double(Vec v) {
  VecHalf half;
  __builtin_memcpy(&half, reinterpret_cast<const char*>(&v) + sizeof half, sizeof half);
  return __builtin_convertvector(half, VecD);
}
SHCNN_HD double sum_lanes(VecD v) {
  double sum = 0;
  for (int i = 0; i < kW / 2; ++i) sum += v[i];
  return sum;
}

/// The functions of math/leaky_relu.h for vectors.
SHCNN_HD Vec leaky(Vec x, Vec slope) { return x > 0.0f ? x : slope * x; }
SHCNN_HD Vec leaky_grad(Vec y, Vec slope) { return y > 0.0f ? set1(1.0f) : slope; }

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
