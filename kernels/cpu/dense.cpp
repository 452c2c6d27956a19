// Dense layers: y = w x + b, its input gradient w' dy, its filter gradient dy x' with db = row sums of dy.
// x (I,N), w (O,I), b (O), y (O,N).
//
// Large batches: products of packed panels with the tiles of tiles.h. The vector operand (x, dy or x') is packed once
// per call into panels [block of lanes][tap][lanes], so that a tile reads whole aligned vectors from the L1 cache. The
// scalar operand is read in place in the forward pass and the filter gradient, where a tile's four rows are four
// contiguous streams. In the input gradient it is w', which is packed eight columns at a time: a tap is a row of w, so
// packing reads w once in order, while reading in place would touch a new page for each tap.
// Small batches (N <= kFewSamples) do not fill vectors of samples, so their vectors run along I:
//   forward         dot products of rows of w with rows of x'
//   input gradient  rows of w are the vectors, dy the scalars; the sum (N,I) is transposed at the end
// One image streams w once, and that takes all its time. For a single sample, kStreams rows of w are processed together
// and the next ones are prefetched: rows are short, and the hardware prefetcher restarts with each row.
// Tasks are rows of the result (columns for the small input gradient); the shape alone fixes them.
#include "kernels/cpu/args.h"
#include "kernels/cpu/entry_points.h"
#include "kernels/cpu/tiles.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {
namespace {

constexpr std::int64_t kFewSamples = kW + kW / 2;
constexpr std::int64_t kTaps = (24 << 10) / (kVecs * kW * 4);  // taps of a chunk: its panel fills 24 of 32 KiB of L1
constexpr std::int64_t kTaskRows = 32;                         // rows of the result per task
constexpr std::int64_t kPacked = 8;                            // columns of w that are packed together: two tiles
constexpr std::int64_t kTogether = 2;          // filter gradient: panels per pass; adjacent ones share lines of dw
constexpr std::int64_t kFetchRows = 12;        // prefetch distance in rows of w while packing
constexpr std::int64_t kFewTaps = 16;          // small input gradient: rows of w that one pass reads
constexpr std::int64_t kFewColumns = 32 * kW;  // small input gradient: columns per task
constexpr int kStreams = 8;                    // single sample: rows of w that are read together

/// Division of `lanes` lanes into panels.
struct Panels {
  std::int64_t vecs, blocks;
  explicit Panels(std::int64_t lanes) : vecs(ceil_div(lanes, kW)), blocks(ceil_div(vecs, kVecs)) {}
  std::int64_t first_vec(std::int64_t block) const { return even_cut(vecs, blocks, block); }
  std::int64_t floats(std::int64_t taps) const { return vecs * kW * taps; }
};

/// Packs a (taps, lanes) matrix into panels; lanes behind the last one are zero.
void pack_rows(const Context& context, std::int64_t taps, std::int64_t lanes, const float* in, float* panels) {
  const Panels p(lanes);
  constexpr std::int64_t kBlock = 64;  // taps per task
  context.threads->run(ceil_div(taps, kBlock), [&](std::int64_t task, int) {
    for (std::int64_t block = 0; block < p.blocks; ++block) {
      const std::int64_t first = p.first_vec(block), vecs = p.first_vec(block + 1) - first;
      for (std::int64_t tap = task * kBlock; tap < min(taps, (task + 1) * kBlock); ++tap) {
        float* out = panels + (first * taps + tap * vecs) * kW;
        const float* row = in + tap * lanes + first * kW;
        for (std::int64_t v = 0; v < vecs; ++v) {
          const std::int64_t left = lanes - (first + v) * kW;
          store(out + v * kW, left >= kW ? load(row + v * kW) : load_first(row + v * kW, left));
        }
      }
    }
  });
}

/// Packs the transpose of a (lanes, taps) matrix into panels.
void pack_columns(const Context& context, std::int64_t taps, std::int64_t lanes, const float* in, float* panels) {
  const Panels p(lanes);
  context.threads->run(p.blocks, [&](std::int64_t block, int) {
    const std::int64_t first = p.first_vec(block), vecs = p.first_vec(block + 1) - first, width = vecs * kW;
    float* out = panels + first * taps * kW;
    for (std::int64_t lane = 0; lane < width; ++lane) {
      const std::int64_t source = first * kW + lane;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        out[tap * width + lane] = source < lanes ? in[source * taps + tap] : 0.0f;
      }
    }
  });
}

/// The scalar operand of a tile: the first tap's value, and the strides of rows and taps.
struct Scalars {
  const float* data;
  std::int64_t row, tap;
};
/// M rows of the result for one panel: z[row] (+)= sum over taps [tap, tap_end) of w[row][tap] * panel[tap].
template <int M>
void tile_row(const Scalars& w, std::int64_t tap, std::int64_t tap_end, std::int64_t vecs, const float* panel, float* z,
              std::int64_t z_row, std::int64_t last, const Start& start) {
  const Taps loop{1, 1, tap_end - tap, 0, 0, vecs * kW, 0, 0, w.tap};
  run_fma_tile<M, Reach::kWhole>(vecs, loop, panel + tap * vecs * kW, w.data, w.row, z, z_row, Lanes{last}, start);
}

/// Computes `rows` rows of the result for all panels and the taps [tap, tap_end), `together` panels at a time: their
/// chunk of taps stays in the L1 cache while all tiles of rows use it. `scalars(row)` returns a tile's scalar operand.
template <class ScalarsOf>
SHCNN_HD void multiply(std::int64_t rows, std::int64_t taps, std::int64_t lanes, std::int64_t tap, std::int64_t tap_end,
                       std::int64_t together, const ScalarsOf& scalars, const float* panels, float* z,
                       const float* bias) {
  const Panels p(lanes);
  for (std::int64_t begin = 0; begin < p.blocks; begin += together) {
    for (std::int64_t row = 0; row < rows; row += kRows) {
      const Start start{tap > 0, bias ? bias + row : nullptr};
      const Scalars w = scalars(row);
      for (std::int64_t block = begin; block < min(p.blocks, begin + together); ++block) {
        const std::int64_t first = p.first_vec(block), vecs = p.first_vec(block + 1) - first;
        const std::int64_t last = min(kW, lanes - (first + vecs - 1) * kW);
        const float* panel = panels + first * taps * kW;
        float* out = z + row * lanes + first * kW;
        switch (min(kRows, rows - row)) {
          case 1:
            tile_row<1>(w, tap, tap_end, vecs, panel, out, lanes, last, start);
            break;
          case 2:
            tile_row<2>(w, tap, tap_end, vecs, panel, out, lanes, last, start);
            break;
          case 3:
            tile_row<3>(w, tap, tap_end, vecs, panel, out, lanes, last, start);
            break;
          default:
            tile_row<4>(w, tap, tap_end, vecs, panel, out, lanes, last, start);
        }
      }
    }
  }
}

/// Transposes (rows, columns) to (columns, rows), one of which is the few samples of a small batch.
void turn(const Context& context, std::int64_t rows, std::int64_t columns, const float* in, float* out) {
  constexpr std::int64_t kBlock = 256;
  const bool tall = rows > columns;
  context.threads->run(ceil_div(tall ? rows : columns, kBlock), [&](std::int64_t task, int) {
    const std::int64_t from = task * kBlock, to = from + kBlock;
    for (std::int64_t r = tall ? from : 0; r < (tall ? min(rows, to) : rows); ++r) {
      for (std::int64_t c = tall ? 0 : from; c < (tall ? columns : min(columns, to)); ++c)
        out[c * rows + r] = in[r * columns + c];
    }
  });
}

float* workspace(const Context& context, const char* op, const DenseDims& d) {
  return static_cast<float*>(workspace_bytes(context, op, dense_workspace(d.inputs, d.outputs, d.samples)));
}

/// One sample: y[m] = dot(w[m], x) + b[m] for M rows. The sums have the same order as in dot_tile.
template <int M>
SHCNN_HD void dot_rows(const float* w, std::int64_t inputs, const float* x, const float* b, float* y) {
  Vec sum[M]{};
  std::int64_t i = 0;
  for (; i + kW <= inputs; i += kW) {
    const Vec in = load(x + i);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      __builtin_prefetch(w + (M + m) * inputs + i, 0, 2);  // into L2, because the rows do not fit in L1
      sum[m] = fma(load(w + m * inputs + i), in, sum[m]);
    }
  }
  if (i < inputs) {
    const Vec in = load_first(x + i, inputs - i);
    for (int m = 0; m < M; ++m) sum[m] = fma(load_first(w + m * inputs + i, inputs - i), in, sum[m]);
  }
  for (int m = 0; m < M; ++m) y[m] = sum_lanes(sum[m]) + b[m];
}

void forward_one(const Context& context, const DenseDims& d, const float* x, const float* w, const float* b, float* y) {
  static_assert(kTaskRows % kStreams == 0);
  context.threads->run(ceil_div(d.outputs, kTaskRows), [&](std::int64_t task, int) {
    const std::int64_t end = min(d.outputs, (task + 1) * kTaskRows);
    std::int64_t o = task * kTaskRows;
    for (; o + kStreams <= end; o += kStreams) dot_rows<kStreams>(w + o * d.inputs, d.inputs, x, b + o, y + o);
    for (; o < end; ++o) dot_rows<1>(w + o * d.inputs, d.inputs, x, b + o, y + o);
  });
}

void forward_few(const Context& context, const DenseDims& d, const float* x, const float* w, const float* b, float* y,
                 float* space) {
  const float* turned = x;  // (N,I)
  if (d.samples > 1) {
    turn(context, d.inputs, d.samples, x, space);
    turned = space;
  }
  context.threads->run(ceil_div(d.outputs, kTaskRows), [&](std::int64_t task, int) {
    const std::int64_t end = min(d.outputs, (task + 1) * kTaskRows);
    for (std::int64_t o = task * kTaskRows; o < end; o += kRows) {
      const std::int64_t rows = min(kRows, end - o);
      for (std::int64_t n = 0; n < d.samples; n += kDots) {
        const std::int64_t columns = min(kDots, d.samples - n);
        Vec sums[kRows * kDots]{};
        run_dot_tile(rows, columns, w + o * d.inputs, d.inputs, turned + n * d.inputs, d.inputs, d.inputs, kLine / 4,
                     static_cast<Vec*>(sums), static_cast<std::int64_t>(kDots));
        for (std::int64_t m = 0; m < rows; ++m) {
          for (std::int64_t k = 0; k < columns; ++k)
            y[(o + m) * d.samples + n + k] = sum_lanes(sums[m * kDots + k]) + b[o + m];
        }
      }
    }
  });
}

template <int M>
void few_columns(const DenseDims& d, const float* w, const float* dy, float* out, std::int64_t from, std::int64_t to) {
  const std::int64_t vecs = ceil_div(to - from, kW), blocks = ceil_div(vecs, max_vecs(M));
  for (std::int64_t o = 0; o < max(1, d.outputs); o += kFewTaps) {
    const Taps taps{1, 1, min(kFewTaps, d.outputs - o), 0, 0, d.inputs, 0, 0, d.samples};
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t first = even_cut(vecs, blocks, block), block_vecs = even_cut(vecs, blocks, block + 1) - first;
      const std::int64_t i = from + first * kW;
      const Lanes lanes{min(kW, to - i - (block_vecs - 1) * kW)};
      run_fma_tile<M, Reach::kExact>(block_vecs, taps, w + o * d.inputs + i, dy + o * d.samples,
                                     static_cast<std::int64_t>(1), out + i, d.inputs, lanes, Start{o > 0, nullptr});
    }
  }
}

/// One sample: dx[i] (+)= sum over M rows of dy[m] * w[m][i], for columns [from, to).
template <int M>
SHCNN_HD void add_rows(const float* w, std::int64_t inputs, const float* dy, bool add, float* dx, std::int64_t from,
                       std::int64_t to) {
  Vec scale[M];
  for (int m = 0; m < M; ++m) scale[m] = set1(dy[m]);
  for (std::int64_t i = from; i < to; i += kW) {
    const std::int64_t lanes = min(kW, to - i);
    const bool whole = lanes == kW;
    Vec sum = !add ? Vec{} : whole ? load(dx + i) : load_first(dx + i, lanes);
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const float* row = w + m * inputs + i;
      __builtin_prefetch(row + M * inputs, 0, 2);
      sum = fma(scale[m], whole ? load(row) : load_first(row, lanes), sum);
    }
    whole ? store(dx + i, sum) : store_first(dx + i, sum, lanes);
  }
}

void backward_data_one(const Context& context, const DenseDims& d, const float* w, const float* dy, float* dx) {
  context.threads->run(ceil_div(d.inputs, kFewColumns), [&](std::int64_t task, int) {
    const std::int64_t from = task * kFewColumns, to = min(d.inputs, from + kFewColumns);
    if (d.outputs == 0) __builtin_memset(dx + from, 0, static_cast<std::size_t>(to - from) * sizeof(float));
    std::int64_t o = 0;
    for (; o + kStreams <= d.outputs; o += kStreams)
      add_rows<kStreams>(w + o * d.inputs, d.inputs, dy + o, o > 0, dx, from, to);
    for (; o < d.outputs; ++o) add_rows<1>(w + o * d.inputs, d.inputs, dy + o, o > 0, dx, from, to);
  });
}

void backward_data_few(const Context& context, const DenseDims& d, const float* w, const float* dy, float* dx,
                       float* space) {
  float* out = d.samples > 1 ? space : dx;  // (N,I)
  context.threads->run(ceil_div(d.inputs, kFewColumns), [&](std::int64_t task, int) {
    const std::int64_t from = task * kFewColumns, to = min(d.inputs, from + kFewColumns);
    for (std::int64_t n = 0; n < d.samples; n += kRows) {
      float* rows = out + n * d.inputs;
      switch (min(kRows, d.samples - n)) {
        case 1:
          few_columns<1>(d, w, dy + n, rows, from, to);
          break;
        case 2:
          few_columns<2>(d, w, dy + n, rows, from, to);
          break;
        case 3:
          few_columns<3>(d, w, dy + n, rows, from, to);
          break;
        default:
          few_columns<4>(d, w, dy + n, rows, from, to);
      }
    }
  });
  if (d.samples > 1) turn(context, d.samples, d.inputs, out, dx);
}

}  // namespace

void dense_forward(const Context& context, In x, In w, In b, Out y) {
  const DenseDims d = dense_dims("dense_forward", x.shape, w.shape, &b.shape, y.shape);
  if (d.samples == 0) return;
  if (d.samples == 1) return forward_one(context, d, x.data, w.data, b.data, y.data);
  float* space = workspace(context, "dense_forward", d);
  if (d.samples <= kFewSamples) return forward_few(context, d, x.data, w.data, b.data, y.data, space);
  pack_rows(context, d.inputs, d.samples, x.data, space);
  context.threads->run(ceil_div(d.outputs, kTaskRows), [&](std::int64_t task, int) {
    const std::int64_t o = task * kTaskRows, rows = min(kTaskRows, d.outputs - o);
    for (std::int64_t tap = 0; tap < max(1, d.inputs); tap += kTaps) {
      const auto scalars = [&](std::int64_t row) { return Scalars{w.data + (o + row) * d.inputs + tap, d.inputs, 1}; };
      multiply(rows, d.inputs, d.samples, tap, min(d.inputs, tap + kTaps), 1, scalars, space, y.data + o * d.samples,
               b.data + o);
    }
  });
}

void dense_backward_data(const Context& context, In w, In dy, Out dx) {
  const DenseDims d = dense_dims("dense_backward_data", dx.shape, w.shape, nullptr, dy.shape);
  if (d.samples == 0) return;
  if (d.samples == 1) return backward_data_one(context, d, w.data, dy.data, dx.data);
  float* space = workspace(context, "dense_backward_data", d);
  if (d.samples <= kFewSamples) return backward_data_few(context, d, w.data, dy.data, dx.data, space);
  pack_rows(context, d.outputs, d.samples, dy.data, space);
  constexpr std::size_t kScratch = static_cast<std::size_t>(kTaskRows * kTaps) * sizeof(float);
  context.threads->run(ceil_div(d.inputs, kTaskRows), [&](std::int64_t task, int worker) {
    const std::int64_t i = task * kTaskRows, rows = min(kTaskRows, d.inputs - i);
    float* packed = static_cast<float*>(context.threads->scratch(worker, kScratch));  // [i / 8][o][8]
    for (std::int64_t tap = 0; tap < max(1, d.outputs); tap += kTaps) {
      const std::int64_t taps = min(kTaps, d.outputs - tap);
      for (std::int64_t o = 0; o < taps; ++o) {
        const float* in = w.data + (tap + o) * d.inputs + i;
        for (std::int64_t k = 0; k < rows; k += kLine / 4) __builtin_prefetch(in + kFetchRows * d.inputs + k);
        for (std::int64_t group = 0; group * kPacked < rows; ++group) {
          float* out = packed + (group * taps + o) * kPacked;
          if (rows - group * kPacked >= kPacked) {
            __builtin_memcpy(out, in + group * kPacked, kPacked * sizeof(float));
          } else {
            for (std::int64_t k = 0; k < kPacked; ++k)
              out[k] = group * kPacked + k < rows ? in[group * kPacked + k] : 0.0f;
          }
        }
      }
      const auto scalars = [&](std::int64_t row) {
        return Scalars{packed + row / kPacked * taps * kPacked + row % kPacked, 1, kPacked};
      };
      multiply(rows, d.outputs, d.samples, tap, tap + taps, 1, scalars, space, dx.data + i * d.samples, nullptr);
    }
  });
}

void dense_backward_filter(const Context& context, In x, In dy, Out dw, Out db) {
  const DenseDims d = dense_dims("dense_backward_filter", x.shape, dw.shape, &db.shape, dy.shape);
  float* space = workspace(context, "dense_backward_filter", d);
  pack_columns(context, d.samples, d.inputs, x.data, space);
  context.threads->run(ceil_div(d.outputs, kTaskRows), [&](std::int64_t task, int) {
    const std::int64_t o = task * kTaskRows, rows = min(kTaskRows, d.outputs - o);
    for (std::int64_t tap = 0; tap < max(1, d.samples); tap += kTaps) {
      const auto scalars = [&](std::int64_t row) {
        return Scalars{dy.data + (o + row) * d.samples + tap, d.samples, 1};
      };
      multiply(rows, d.samples, d.inputs, tap, min(d.samples, tap + kTaps), kTogether, scalars, space,
               dw.data + o * d.inputs, nullptr);
    }
    for (std::int64_t row = o; row < o + rows; ++row) {
      Vec sum{};
      std::int64_t n = 0;
      for (; n + kW <= d.samples; n += kW) sum += load(dy.data + row * d.samples + n);
      if (n < d.samples) sum += load_first(dy.data + row * d.samples + n, d.samples - n);
      db.data[row] = sum_lanes(sum);
    }
  });
}

std::size_t dense_workspace(std::int64_t inputs, std::int64_t outputs, std::int64_t samples) {
  const std::int64_t lanes = round_up(samples, kW), wide = round_up(inputs, kW);
  return static_cast<std::size_t>(max(max(inputs, outputs) * lanes, wide * samples)) * sizeof(float);
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
