// The two inner loops that do nearly all arithmetic of the network; each keeps a register tile of sums.
//
//   fma_tile:  z[m][lane] (+)= sum over taps of w[m][tap] * x[tap][lane]      M rows x V vectors of lanes
//   dot_tile:  s[m][k]     += sum over lanes of a[m][lane] * b[k][lane]       M x K vectors of partial sums
//
// Cost: fma_tile loads V vectors and M scalars for M*V fused multiply-adds (FMAs). With 16 vector registers 4 x 3 is
// the best shape: 12 sums, 3 vectors, 1 scalar. It has 7 loads for 12 FMAs, which take 6 cycles on a processor with two
// loads and two FMAs per cycle; 12 independent sums cover the FMA latency of 4 cycles at two per cycle. dot_tile has
// the same counts, with a vector instead of the scalar.
//
// Each sum is one chain over its taps in the given order, for every tile shape and lane, so a result depends neither on
// how the lanes are split into tiles nor on the number of threads.
#pragma once

#include "kernels/cpu/simd.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {

constexpr int kLine = 64;  // bytes of a cache line
constexpr int kRows = 4;   // rows of a tile
constexpr int kVecs = kRegisters == 32 ? 6
                      : kW == 8        ? 3
                                       : 2;  // vectors of a tile (generic: a product needs a register of its own)

/// Maximum vectors of a tile of `rows` rows: with fewer rows there are registers for more vectors.
constexpr int max_vecs(int rows) {
  return rows == 1   ? (kRegisters == 32 ? 12
                        : kW == 8        ? 8
                                         : 4)
         : rows == 2 ? (kRegisters == 32 ? 8
                        : kW == 8        ? 5
                                         : 3)
                     : kVecs;
}

// Tiles are not inlined: in the callers' loops the compiler would spill their pointers to the stack.
#define SHCNN_TILE __attribute__((noinline))

/// Three nested loops over taps: their counts, and the distance (in floats) that x and w advance per step.
struct Taps {
  std::int64_t outer, middle, inner;
  std::int64_t x_outer, x_middle, x_inner;
  std::int64_t w_outer, w_middle, w_inner;
};

enum class Reach {
  kAhead,  ///< as kWhole, and prefetches x for the next tile, whose lanes follow this tile's
  kWhole,  ///< V adjacent vectors, which may all be read in full; only `last` lanes of the last one are written
  kExact,  ///< as kWhole, but nothing behind the last lane is read
  kPlaces  ///< each vector has its own offset; all may be read in full, and `count` lanes of each are written
};

/// Position of a tile's lanes.
struct Lanes {
  std::int64_t last = kW;               ///< all but kPlaces: lanes of the last vector
  const std::int64_t* x_at = nullptr;   ///< kPlaces: offset of each vector in x
  const std::int64_t* z_at = nullptr;   ///< kPlaces: offset of each vector in z
  const std::int64_t* count = nullptr;  ///< kPlaces: lanes of each vector
};

/// Initial value of the sums.
struct Start {
  bool add = false;             ///< start from z
  const float* bias = nullptr;  ///< if not `add`: start from one value per row; null = zero
};

/// z[m * z_row + lane] (+)= sum over taps of w[m * w_row] * x[lane]; w and x advance from tap to tap as in `taps`.
template <int M, int V, Reach R>
SHCNN_TILE void fma_tile(const Taps& taps, const float* x, const float* w, std::int64_t w_row, float* z,
                         std::int64_t z_row, const Lanes& lanes, const Start& start) {
  Vec sum[M][V];
  std::int64_t shift[V];
  for (int v = 0; v < V; ++v) shift[v] = R == Reach::kPlaces ? lanes.x_at[v] : v * kW;

  for (int m = 0; m < M; ++m) {
    const Vec first = start.bias ? set1(start.bias[m]) : Vec{};
    for (int v = 0; v < V; ++v) {
      if (!start.add) {
        sum[m][v] = first;
      } else if (R == Reach::kPlaces) {
        sum[m][v] = load_first(z + m * z_row + lanes.z_at[v], lanes.count[v]);
      } else {
        sum[m][v] = v + 1 < V ? load(z + m * z_row + v * kW) : load_first(z + m * z_row + v * kW, lanes.last);
      }
    }
  }

  // prefetch the z lines that the next group of rows will write; the hardware prefetcher cannot predict them
  if (R != Reach::kPlaces) {
    for (int m = 0; m < M; ++m) {
      for (int byte = 0; byte < V * kW * 4; byte += kLine) {
        __builtin_prefetch(reinterpret_cast<const char*>(z + (M + m) * z_row) + byte, 1);
      }
    }
  }

  for (std::int64_t i = 0; i < taps.outer; ++i, x += taps.x_outer, w += taps.w_outer) {
    const float* x_middle = x;
    const float* w_middle = w;
    for (std::int64_t j = 0; j < taps.middle; ++j, x_middle += taps.x_middle, w_middle += taps.w_middle) {
      const float* x_tap = x_middle;
      const float* w_tap = w_middle;
      for (std::int64_t k = 0; k < taps.inner; ++k, x_tap += taps.x_inner, w_tap += taps.w_inner) {
        if (R == Reach::kAhead) {
#pragma GCC unroll 8
          for (int line = 1; line <= (V * kW * 4 + kLine - 1) / kLine; ++line) {
            __builtin_prefetch(reinterpret_cast<const char*>(x_tap + V * kW) + line * kLine - kLine / 2);
          }
        }
        Vec in[V];
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) {
          in[v] = R == Reach::kExact && v + 1 == V ? load_first(x_tap + shift[v], lanes.last) : load(x_tap + shift[v]);
        }
#pragma GCC unroll 4
        for (int m = 0; m < M; ++m) {
          const Vec weight = set1(w_tap[m * w_row]);
#pragma GCC unroll 16
          for (int v = 0; v < V; ++v) sum[m][v] = fma(weight, in[v], sum[m][v]);
        }
      }
    }
  }

  for (int m = 0; m < M; ++m) {
    for (int v = 0; v < V; ++v) {
      if (R == Reach::kPlaces) {
        store_first(z + m * z_row + lanes.z_at[v], sum[m][v], lanes.count[v]);
      } else if (v + 1 < V || lanes.last == kW) {
        store(z + m * z_row + v * kW, sum[m][v]);
      } else {
        store_first(z + m * z_row + v * kW, sum[m][v], lanes.last);
      }
    }
  }
}

/// Calls fma_tile<M, vecs, R>; vecs <= V.
template <int M, Reach R, int V = (R == Reach::kPlaces ? kVecs : max_vecs(M)), class... Args>
SHCNN_HD void run_fma_tile(std::int64_t vecs, const Args&... args) {
  if (V == 1 || vecs == V) {
    fma_tile<M, V, R>(args...);
  } else if constexpr (V > 1) {
    run_fma_tile<M, R, V - 1>(vecs, args...);
  }
}

constexpr int kDots = kRegisters == 32 ? 5 : kW == 8 ? 3 : 2;  // columns of a dot tile

/// sums[m * sum_row + k] += a[m * a_row + lane] * b[k * b_row + lane], lane = 0 .. lanes-1, as vectors. Also prefetches
/// the lines `ahead` floats behind the first and the last row of b, which the next tile reads.
template <int M, int K>
SHCNN_TILE void dot_tile(const float* a, std::int64_t a_row, const float* b, std::int64_t b_row, std::int64_t lanes,
                         std::int64_t ahead, Vec* sums, std::int64_t sum_row) {
  Vec sum[M][K];
  for (int m = 0; m < M; ++m) {
    for (int k = 0; k < K; ++k) sum[m][k] = sums[m * sum_row + k];
  }
  const float* first_ahead = b + ahead;
  const float* last_ahead = first_ahead + (K - 1) * b_row;
  std::int64_t lane = 0;
  for (; lane + kW <= lanes; lane += kW) {
    __builtin_prefetch(first_ahead + lane);
    if (K > 1) __builtin_prefetch(last_ahead + lane);
    Vec right[K];
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) right[k] = load(b + k * b_row + lane);
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m) {
      const Vec left = load(a + m * a_row + lane);
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k) sum[m][k] = fma(left, right[k], sum[m][k]);
    }
  }
  if (const std::int64_t rest = lanes - lane; rest > 0) {
    for (int m = 0; m < M; ++m) {
      const Vec left = load_first(a + m * a_row + lane, rest);
      for (int k = 0; k < K; ++k) sum[m][k] = fma(left, load_first(b + k * b_row + lane, rest), sum[m][k]);
    }
  }
  for (int m = 0; m < M; ++m) {
    for (int k = 0; k < K; ++k) sums[m * sum_row + k] = sum[m][k];
  }
}

template <int M, int K = kDots, class... Args>
SHCNN_HD void run_dot_columns(std::int64_t columns, const Args&... args) {
  if (K == 1 || columns == K) {
    dot_tile<M, K>(args...);
  } else if constexpr (K > 1) {
    run_dot_columns<M, K - 1>(columns, args...);
  }
}

/// Calls dot_tile<rows, columns>; rows <= kRows, columns <= kDots.
template <class... Args>
SHCNN_HD void run_dot_tile(std::int64_t rows, std::int64_t columns, const Args&... args) {
  switch (rows) {
    case 1:
      return run_dot_columns<1>(columns, args...);
    case 2:
      return run_dot_columns<2>(columns, args...);
    case 3:
      return run_dot_columns<3>(columns, args...);
    default:
      return run_dot_columns<4>(columns, args...);
  }
}

/// First element of piece `part` if `total` elements are divided as evenly as possible into `parts` pieces.
SHCNN_HD std::int64_t even_cut(std::int64_t total, std::int64_t parts, std::int64_t part) {
  return total * part / parts;
}

#undef SHCNN_TILE

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
