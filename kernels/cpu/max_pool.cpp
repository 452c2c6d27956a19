// Bias, LeakyReLU, zero border and 2x2 max-pool at stride 2 in one pass, and the backward pass.
//
//   a = leaky(z + b), zero in the border;  y = max over the window, the first maximum in scan order.
//
// z (C,H,W,N), b (C), y and winner (C,Hy,Wy,N). Limited by memory bandwidth: z is read once (backward: dz is written
// once). Vectors run over samples. If N is not a multiple of the vector length, the last vector overlaps the previous
// one; if N is less than one vector, the same functions run on single floats. For a single sample, vectors run over
// columns, and shuffles separate and rejoin the even and odd cells. Forward: a task is one row of windows of a channel.
// Backward: a task is a channel; its bias gradient is summed in a fixed order, within rows in float and over rows in
// double.
#include "kernels/cpu/args.h"
#include "kernels/cpu/entry_points.h"
#include "kernels/cpu/simd.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {
namespace {

constexpr int kCells = 4;

/// The four cells of a window: the offset in the map's channel, kRing for a cell in the border, or kAbsent for a cell
/// beyond an odd padded extent.
struct Window {
  static constexpr std::int64_t kRing = -1, kAbsent = -2;
  std::int64_t at[kCells];
};

/// Offsets of the two cells of window `out` along one axis of `extent` cells, `stride` floats apart: -kFar if the cell
/// is in the border, -4 * kFar if it is absent. The sum of a row's and a column's offset shows which applies.
struct Pair {
  static constexpr std::int64_t kFar = std::int64_t{1} << 40;  // more than any offset
  std::int64_t at[2];
};
SHCNN_HD Pair pair_at(std::int64_t out, std::int64_t extent, std::int64_t stride, const PoolDims& d) {
  Pair pair;
  for (int k = 0; k < 2; ++k) {
    const std::int64_t cell = 2 * (d.first + out) + k - d.pad;
    pair.at[k] = cell >= extent + d.pad ? -4 * Pair::kFar : cell < 0 || cell >= extent ? -Pair::kFar : cell * stride;
  }
  return pair;
}

SHCNN_HD Window window_at(const Pair& row, const Pair& column) {
  Window window;
  for (int cell = 0; cell < kCells; ++cell) {
    const std::int64_t at = row.at[cell / 2] + column.at[cell % 2];
    window.at[cell] = at >= 0 ? at : at < -3 * Pair::kFar ? Window::kAbsent : Window::kRing;
  }
  return window;
}

// Overloads for one float and for one vector of lanes, so that pool_lanes is one template for both.
SHCNN_HD float leaky_of(float x, float slope) { return x > 0 ? x : slope * x; }
SHCNN_HD Vec leaky_of(Vec x, float slope) { return leaky(x, set1(slope)); }
SHCNN_HD float load_as(const float* p, float) { return *p; }
SHCNN_HD Vec load_as(const float* p, Vec) { return load(p); }
SHCNN_HD void store_as(float* p, float v) { *p = v; }
SHCNN_HD void store_as(float* p, Vec v) { store(p, v); }
SHCNN_HD void store_winner(std::uint8_t* p, std::int32_t v) { *p = static_cast<std::uint8_t>(v); }
SHCNN_HD void store_winner(std::uint8_t* p, VecI v) {
  *reinterpret_cast<VecBAt*>(p) = __builtin_convertvector(v, VecB);
}
SHCNN_HD float splat(float a, float) { return a; }
SHCNN_HD Vec splat(float a, Vec) { return set1(a); }

/// who = value > best ? mine : who, without a branch, which would be unpredictable.
SHCNN_HD void choose(float value, float best, std::int32_t mine, std::int32_t& who) {
  who += (mine - who) * static_cast<std::int32_t>(value > best);
}
SHCNN_HD void choose(Vec value, Vec best, VecI mine, VecI& who) { who = value > best ? mine : who; }

/// Computes the window's maximum and winner for lanes n .. n + (1 or kW) - 1.
template <class F, class I>
SHCNN_HD void pool_lanes(const Window& window, const float* z, float bias, float slope, std::int64_t n, float* y,
                         std::uint8_t* winner) {
  F best{};
  I cell_of_best{};
  for (int cell = 0; cell < kCells; ++cell) {
    const std::int64_t at = window.at[cell];
    if (at == Window::kAbsent) continue;
    const bool ring = at == Window::kRing;
    const F value = ring ? F{} : leaky_of(load_as(z + at + n, F{}) + splat(bias, F{}), slope);
    const I mine = I{} + (ring ? kWinnerIsPad : cell);
    if (cell == 0) {
      best = value;
      cell_of_best = mine;
    } else {
      choose(value, best, mine, cell_of_best);
      best = value > best ? value : best;
    }
  }
  store_as(y + n, best);
  store_winner(winner + n, cell_of_best);
}

/// Windows [begin, end) of a row whose two columns are both in the map; `column` is the first column of window `begin`.
struct Inside {
  std::int64_t begin, end, column;
};
SHCNN_HD Inside windows_inside(const PoolDims& d) {
  const std::int64_t offset = d.pad - 2 * d.first;  // window s begins at column 2 s - offset
  const std::int64_t begin = min(d.out_width, max(0, ceil_div(max(0, offset), 2)));
  const std::int64_t end = min(d.out_width, (d.width + offset) / 2);
  return {begin, max(begin, end), 2 * begin - offset};
}

/// Separates the 2 * count floats at p into those with even and with odd index.
SHCNN_HD void part(const float* p, std::int64_t count, Vec& even, Vec& odd) {
  VecI at;
  for (int i = 0; i < kW; ++i) at[i] = 2 * i;
  const Vec low = load_first(p, min(kW, 2 * count)), high = load_first(p + kW, max(0, 2 * count - kW));
  even = __builtin_shuffle(low, high, at);
  odd = __builtin_shuffle(low, high, at + 1);
}
/// The inverse of part().
SHCNN_HD void join(Vec even, Vec odd, std::int64_t count, float* p) {
  VecI low, high;
  for (int i = 0; i < kW; ++i) {
    low[i] = i / 2 + i % 2 * kW;
    high[i] = kW / 2 + i / 2 + i % 2 * kW;
  }
  store_first(p, __builtin_shuffle(even, odd, low), min(kW, 2 * count));
  store_first(p + kW, __builtin_shuffle(even, odd, high), max(0, 2 * count - kW));
}

/// One sample: the maxima of `count` adjacent windows in the rows `rows`, from column `column` on.
SHCNN_HD void pool_columns(const Pair& rows, const float* map, std::int64_t column, float bias, float slope,
                           std::int64_t count, float* y, std::uint8_t* winner) {
  Vec best{};
  VecI cell_of_best{};
  for (int row = 0; row < 2; ++row) {
    if (rows.at[row] < -3 * Pair::kFar) continue;  // absent
    const bool ring = rows.at[row] < 0;
    Vec cells[2]{};
    if (!ring) part(map + rows.at[row] + column, count, cells[0], cells[1]);
    for (int k = 0; k < 2; ++k) {
      const Vec value = ring ? Vec{} : leaky(cells[k] + set1(bias), set1(slope));
      const VecI mine = VecI{} + (ring ? kWinnerIsPad : 2 * row + k);
      if (row + k == 0) {
        best = value;
        cell_of_best = mine;
      } else {
        choose(value, best, mine, cell_of_best);
        best = value > best ? value : best;
      }
    }
  }
  store_first(y, best, count);
  const VecB who = __builtin_convertvector(cell_of_best, VecB);
  __builtin_memcpy(winner, &who, static_cast<std::size_t>(count));
}

}  // namespace

void max_pool_forward(const Context& context, MaxPool pool, float slope, In z, In b, Out y, View<std::uint8_t> winner) {
  const PoolDims d = max_pool_dims("max_pool_forward", pool, z.shape, b.shape, y.shape, winner.shape);
  context.threads->run(d.channels * d.out_height, [&](std::int64_t task, int) {
    const std::int64_t c = task / d.out_height, r = task % d.out_height;
    const float* map = z.data + c * d.height * d.width * d.samples;
    const float bias = b.data[c];
    const Pair rows = pair_at(r, d.height, d.width * d.samples, d);
    const Inside inside = d.samples == 1 ? windows_inside(d) : Inside{0, 0, 0};
    for (std::int64_t s = inside.begin; s < inside.end; s += kW) {
      pool_columns(rows, map, inside.column + 2 * (s - inside.begin), bias, slope, min(kW, inside.end - s),
                   y.data + task * d.out_width + s, winner.data + task * d.out_width + s);
    }
    for (std::int64_t s = 0; s < d.out_width; ++s) {
      if (s == inside.begin && s < inside.end) s = inside.end;
      if (s == d.out_width) break;
      const Window window = window_at(rows, pair_at(s, d.width, d.samples, d));
      float* out = y.data + (task * d.out_width + s) * d.samples;
      std::uint8_t* who = winner.data + (task * d.out_width + s) * d.samples;
      if (d.samples < kW) {
        for (std::int64_t n = 0; n < d.samples; ++n)
          pool_lanes<float, std::int32_t>(window, map, bias, slope, n, out, who);
        continue;
      }
      std::int64_t n = 0;
      for (; n + kW <= d.samples; n += kW) pool_lanes<Vec, VecI>(window, map, bias, slope, n, out, who);
      if (n < d.samples) pool_lanes<Vec, VecI>(window, map, bias, slope, d.samples - kW, out, who);
    }
  });
}

void max_pool_backward(const Context& context, MaxPool pool, float slope, In y, View<const std::uint8_t> winner, In dy,
                       Out dz, Out db) {
  const PoolDims d = max_pool_dims("max_pool_backward", pool, dz.shape, db.shape, y.shape, winner.shape);
  unit_dims("max_pool_backward", y.shape, dy.shape);
  // rows [row, row_end) x columns [column, column_end) are the map's cells that are in a stored window
  const std::int64_t row = min(d.height, max(0, 2 * d.first - d.pad)),
                     column = min(d.width, max(0, 2 * d.first - d.pad));
  const std::int64_t row_end = max(row, min(d.height, 2 * (d.first + d.out_height) - d.pad));
  const std::int64_t column_end = max(column, min(d.width, 2 * (d.first + d.out_width) - d.pad));
  context.threads->run(d.channels, [&](std::int64_t c, int) {
    float* map = dz.data + c * d.height * d.width * d.samples;
    const auto clear = [&](std::int64_t i, std::int64_t from, std::int64_t to) {
      __builtin_memset(map + (i * d.width + from) * d.samples, 0,
                       static_cast<std::size_t>((to - from) * d.samples) * 4);
    };
    for (std::int64_t i = 0; i < d.height; ++i) {
      if (i < row || i >= row_end) {
        clear(i, 0, d.width);
      } else {
        clear(i, 0, column);
        clear(i, column_end, d.width);
      }
    }
    double bias_sum = 0;
    for (std::int64_t r = 0; r < d.out_height; ++r) {
      Vec row_sum{};
      float row_rest = 0;
      const Pair rows = pair_at(r, d.height, d.width * d.samples, d);
      const Inside inside = d.samples == 1 ? windows_inside(d) : Inside{0, 0, 0};
      for (std::int64_t s = inside.begin; s < inside.end; s += kW) {
        const std::int64_t at = (c * d.out_height + r) * d.out_width + s, count = min(kW, inside.end - s);
        VecB bytes{};
        __builtin_memcpy(&bytes, winner.data + at, static_cast<std::size_t>(count));
        const VecI who = __builtin_convertvector(bytes, VecI);
        const Vec gradient = load_first(dy.data + at, count) * leaky_grad(load_first(y.data + at, count), set1(slope));
        for (int row_of_pair = 0; row_of_pair < 2; ++row_of_pair) {
          if (rows.at[row_of_pair] < 0) continue;
          const VecI even = who == 2 * row_of_pair, odd = who == 2 * row_of_pair + 1;
          join(even ? gradient : Vec{}, odd ? gradient : Vec{}, count,
               map + rows.at[row_of_pair] + inside.column + 2 * (s - inside.begin));
        }
        row_sum += who != static_cast<std::int32_t>(kWinnerIsPad) ? gradient : Vec{};
      }
      for (std::int64_t s = 0; s < d.out_width; ++s) {
        if (s == inside.begin && s < inside.end) s = inside.end;
        if (s == d.out_width) break;
        const Window window = window_at(rows, pair_at(s, d.width, d.samples, d));
        const std::int64_t at = ((c * d.out_height + r) * d.out_width + s) * d.samples;
        // lanes n .. n + kW - 1, of which the sums already include the first `done`
        const auto vector = [&](std::int64_t n, std::int64_t done) __attribute__((always_inline)) {
          const VecI who = __builtin_convertvector(*reinterpret_cast<const VecBAt*>(winner.data + at + n), VecI);
          const Vec gradient = load(dy.data + at + n) * leaky_grad(load(y.data + at + n), set1(slope));
          for (int cell = 0; cell < kCells; ++cell) {
            if (window.at[cell] >= 0) store(map + window.at[cell] + n, who == cell ? gradient : Vec{});
          }
          const VecI counts = (who != static_cast<std::int32_t>(kWinnerIsPad)) & ~first_lanes(done);
          row_sum += counts ? gradient : Vec{};
        };
        if (d.samples >= kW) {
          std::int64_t n = 0;
          for (; n + kW <= d.samples; n += kW) vector(n, 0);
          if (n < d.samples) vector(d.samples - kW, n - (d.samples - kW));
          continue;
        }
        for (std::int64_t n = 0; n < d.samples; ++n) {
          const int who = winner.data[at + n];
          const float gradient = dy.data[at + n] * (y.data[at + n] > 0 ? 1.0f : slope);
          for (int cell = 0; cell < kCells; ++cell) {
            if (window.at[cell] >= 0) map[window.at[cell] + n] = who == cell ? gradient : 0.0f;
          }
          if (who != kWinnerIsPad) row_rest += gradient;
        }
      }
      bias_sum += static_cast<double>(sum_lanes(row_sum) + row_rest);
    }
    db.data[c] = static_cast<float>(bias_sum);
  });
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
