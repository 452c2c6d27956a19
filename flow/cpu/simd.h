// Vectors of floats for the stages in flow/cpu, with the same names for every instruction set. The files that include
// this header are compiled once per ISA, each time with another SHCNN_FLOW_ISA (the namespace) and another -m flag.
// Therefore nothing here may have external linkage, and templates of the standard library must not be used: the linker
// would keep one copy of each, possibly the one with instructions that this machine lacks.
//
// Every operation here is correctly rounded, including quotient and hypot, and no other code fuses a multiplication
// with an addition. So every ISA computes the same bits, which are those of plain IEEE code with hypot from a good
// libm.
#pragma once

#include <cstddef>
#include <cstdint>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace shcnn::flow {
namespace {

#if defined(__AVX512F__)

constexpr int kLanes = 16;
using Vec = __m512;
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec a) { _mm512_storeu_ps(p, a); }
inline Vec broadcast(float a) { return _mm512_set1_ps(a); }
inline Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec sqrt(Vec a) { return _mm512_sqrt_ps(a); }
inline Vec inv_sqrt_estimate(Vec a) { return _mm512_rsqrt14_ps(a); }
/// `yes` in the lanes where a < b, `no` in the others.
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
/// a in the first `count` lanes (0 .. kLanes), 0 in the others.
inline Vec keep_first(Vec a, int count) { return _mm512_maskz_mov_ps(static_cast<__mmask16>((1u << count) - 1u), a); }

#elif defined(__AVX2__)

constexpr int kLanes = 8;
using Vec = __m256;
inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Vec a) { _mm256_storeu_ps(p, a); }
inline Vec broadcast(float a) { return _mm256_set1_ps(a); }
inline Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec sqrt(Vec a) { return _mm256_sqrt_ps(a); }
inline Vec inv_sqrt_estimate(Vec a) { return _mm256_rsqrt_ps(a); }
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
inline Vec keep_first(Vec a, int count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane)));
}

#else

constexpr int kLanes = 4;
typedef float Vec __attribute__((vector_size(16)));
inline Vec load(const float* p) {
  Vec a;
  __builtin_memcpy(&a, p, sizeof(a));
  return a;
}
inline void store(float* p, Vec a) { __builtin_memcpy(p, &a, sizeof(a)); }
inline Vec broadcast(float a) { return Vec{a, a, a, a}; }
inline Vec min(Vec a, Vec b) { return a < b ? a : b; }
inline Vec max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec select_less(Vec a, Vec b, Vec yes, Vec no) { return a < b ? yes : no; }
inline Vec keep_first(Vec a, int count) {
  Vec kept;
  for (int i = 0; i < kLanes; ++i) kept[i] = i < count ? a[i] : 0.0f;
  return kept;
}

#endif

#if defined(__AVX2__)

/// Correctly rounded a / b, given the correctly rounded inv_b = 1 / b; 0 if inv_b is 0. Markstein: a quotient from a
/// rounded reciprocal is off by at most one ulp, and its remainder, which fma computes exactly, corrects the rounding.
inline Vec quotient(Vec a, Vec b, Vec inv_b) {
  const Vec q = a * inv_b;
  return fma(fma(-b, q, a), inv_b, q);
}

/// sqrt(x^2 + y^2), rounded once: the rounding errors of the squares, the sum and the root are computed exactly or
/// nearly so, and the first-order correction of the root adds them back. Its factor 1 / (2 root) comes from the
/// processor's estimate and one Newton step, accurate to about 2^-22, which is enough for a correction below one ulp.
/// Each operation is done for all kCount vectors before the next one, so that their dependency chains overlap.
template <int kCount>
inline void hypot(const Vec (&x)[kCount], const Vec (&y)[kCount], Vec (&length)[kCount]) {
  Vec lost[kCount], sum[kCount], root[kCount];
  for (int i = 0; i < kCount; ++i) {
    const Vec xx = x[i] * x[i], yy = y[i] * y[i];
    sum[i] = xx + yy;
    lost[i] = (min(xx, yy) - (sum[i] - max(xx, yy))) + (fma(x[i], x[i], -xx) + fma(y[i], y[i], -yy));
  }
  for (int i = 0; i < kCount; ++i) root[i] = sqrt(sum[i]);
  for (int i = 0; i < kCount; ++i) {
    const Vec above = max(sum[i], broadcast(1e-36f));
    const Vec estimate = inv_sqrt_estimate(above);
    const Vec half = estimate * broadcast(0.5f);
    const Vec half_inv = fma(half, fma(-above * estimate, half, broadcast(0.5f)), half);
    const Vec residue = fma(-root[i], root[i], sum[i]) + lost[i];
    length[i] = fma(residue, half_inv, root[i]);
  }
}

#else  // without fma: plain division, and double precision

inline Vec quotient(Vec a, Vec b, Vec inv_b) { return inv_b > 0.0f ? a / b : Vec{}; }

template <int kCount>
inline void hypot(const Vec (&x)[kCount], const Vec (&y)[kCount], Vec (&length)[kCount]) {
  for (int k = 0; k < kCount; ++k) {
    for (int i = 0; i < kLanes; ++i) {
      const double dx = x[k][i], dy = y[k][i];
      length[k][i] = static_cast<float>(__builtin_sqrt(dx * dx + dy * dy));
    }
  }
}

#endif

/// Sum of the lanes, adding halves first; the order depends only on kLanes.
inline float sum_lanes(Vec a) {
#if defined(__AVX2__)
#if defined(__AVX512F__)
  const __m256 eight = _mm512_castps512_ps256(a) + _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
#else
  const __m256 eight = a;
#endif
  const __m128 four = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
  const __m128 two = four + _mm_movehl_ps(four, four);
  return _mm_cvtss_f32(two) + _mm_cvtss_f32(_mm_movehdup_ps(two));
#else
  return (a[0] + a[2]) + (a[1] + a[3]);
#endif
}

inline int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace
}  // namespace shcnn::flow
