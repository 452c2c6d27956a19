// Convolution, stride 1: forward and input gradient, which is the same sum with weights rotated by 180 degrees.
//
//   z(o,i,j,n) = sum over c,k,l of w(o,c,k,l) * x(c, i + k - begin, j + l - begin, n)    x (Ci,H,W,N) -> z (Co,Ho,Wo,N)
//
// A register tile is 4 output channels x kVecs vectors of lanes (tiles.h; 3 on AVX2). Weights are packed once per call
// as [o / 4][c][k][l][4]. The taps are split into chunks of whole input channels, so that the cache lines of x that one
// tile reads stay in the L1 cache while all tiles of output channels use them; between chunks the sums are kept in z.
//
// Large batches (N >= one vector): an output row is split into runs of columns that use the same taps (conv2d_lanes.h),
// so padding costs nothing and is never read. A task is a piece of at most kPieceVecs vectors of one run of one row.
// Small batches: an edge column has too few lanes to fill a vector. x is copied into a workspace with a zero border,
// and a tile takes its vectors from several rows of it. If it needs fewer vectors, the whole bordered map is instead
// treated as one run of lanes, and the sums at the border's columns are discarded. Weights are not packed, because that
// would cost as much as the products of one image. A task is a group of vectors and a range of output channels.
#include "kernels/cpu/args.h"
#include "kernels/cpu/conv2d_lanes.h"
#include "kernels/cpu/entry_points.h"
#include "kernels/cpu/tiles.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {
namespace {

constexpr std::int64_t kPieceVecs = 72;         // maximum vectors of a task; a multiple of kVecs
constexpr std::int64_t kCacheBytes = 24 << 10;  // part of the 32 KiB L1 cache for a chunk's lines of x
constexpr std::int64_t kSplitTasks = 48;        // small batches: output channels are split to get about this many tasks

/// Layout of the op's w as seen by the sum's (output channel, input channel, tap).
struct WeightOrder {
  std::int64_t channel, in_channel;  // strides
  bool rotated;                      // taps in reverse order
};

/// Size of the packed weights in floats.
std::int64_t packed_floats(const ConvDims& d) { return d.channels * d.in_channels * d.kernel * d.kernel; }

/// Packs w as [o / 4][c][tap][o % 4]; the last group holds the remaining rows only.
void pack_weights(const Context& context, const ConvDims& d, const WeightOrder& order, const float* w, float* packed) {
  const std::int64_t area = d.kernel * d.kernel, taps = d.in_channels * area;
  context.threads->run(ceil_div(d.channels, kRows), [&](std::int64_t group, int) {
    const std::int64_t first = group * kRows, rows = min(kRows, d.channels - first);
    float* out = packed + first * taps;
    for (std::int64_t c = 0; c < d.in_channels; ++c) {
      const float* in = w + first * order.channel + c * order.in_channel;
      for (std::int64_t tap = 0; tap < area; ++tap) {
        const float* source = in + (order.rotated ? area - 1 - tap : tap);
        for (std::int64_t row = 0; row < rows; ++row) *out++ = source[row * order.channel];
      }
    }
  });
}

/// Input channels per chunk of taps: as many as keep a tile's lines of x in the L1 cache, with chunks of similar size.
std::int64_t chunk_channels(std::int64_t in_channels, std::int64_t taps_a_channel) {
  const std::int64_t tap_bytes = kVecs * kW * 4 + 48;  // unaligned vectors touch part of one more cache line
  const std::int64_t most = max(1, kCacheBytes / (tap_bytes * max(1, taps_a_channel)));
  return ceil_div(in_channels, ceil_div(max(1, in_channels), most));
}

/// One piece of a run: lanes [0, lanes) of z at `z`. Its first tap reads x at `x` and has its packed weight at `w`.
struct Piece {
  const float* x;
  const float* w;
  float* z;
  std::int64_t lanes, rows_of_taps, columns_of_taps;
  std::int64_t x_left;  // number of floats that the piece's last tap may read from its first lane on
};

/// Computes one piece for `groups` groups of M output channels from channel `first` on.
template <int M>
void sweep_piece(const ConvDims& d, const Piece& p, std::int64_t first, std::int64_t groups) {
  const std::int64_t x_row = d.width * d.samples, x_map = d.height * x_row,
                     z_map = d.out_height * d.out_width * d.samples;
  const std::int64_t area = d.kernel * d.kernel, group_floats = M * d.in_channels * area;
  const std::int64_t vecs = ceil_div(p.lanes, kW), blocks = ceil_div(vecs, max_vecs(M));
  const std::int64_t chunk = chunk_channels(d.in_channels, p.rows_of_taps * p.columns_of_taps);
  for (std::int64_t c = 0; c < max(1, d.in_channels); c += chunk) {
    const Taps taps{min(chunk, d.in_channels - c),
                    p.rows_of_taps,
                    p.columns_of_taps,
                    x_map,
                    x_row,
                    d.samples,
                    M * area,
                    M * d.kernel,
                    M};
    const Start start{c > 0, nullptr};
    const bool last_channels = c + chunk >= d.in_channels;
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t from = even_cut(vecs, blocks, block), block_vecs = even_cut(vecs, blocks, block + 1) - from;
      const std::int64_t lane = from * kW, rest = min(block_vecs * kW, p.lanes - lane);
      const Lanes lanes{rest - (block_vecs - 1) * kW};
      // whole vectors may read beyond the run, but not beyond the end of x
      const bool exact = last_channels && lane + block_vecs * kW > p.x_left;
      const float* x = p.x + c * x_map + lane;
      for (std::int64_t group = 0; group < groups; ++group) {
        const float* w = p.w + M * c * area + group * group_floats;
        float* z = p.z + (first + group * M) * z_map + lane;
        if (exact) {
          run_fma_tile<M, Reach::kExact>(block_vecs, taps, x, w, 1, z, z_map, lanes, start);
        } else if (group + 1 == groups) {
          run_fma_tile<M, Reach::kAhead>(block_vecs, taps, x, w, 1, z, z_map, lanes, start);
        } else {
          run_fma_tile<M, Reach::kWhole>(block_vecs, taps, x, w, 1, z, z_map, lanes, start);
        }
      }
    }
  }
}

/// Large batches: computes pieces of runs, reading directly from x.
void correlate_runs(const Context& context, const ConvDims& d, const float* x, const float* packed, float* z) {
  std::int64_t pieces = 0;  // per row
  for (std::int64_t column = 0; column < d.out_width;) {
    const Run run = run_at(column, d.out_width, d.width, d.kernel, d.pad_begin);
    pieces += ceil_div((run.end - run.begin) * d.samples, kPieceVecs * kW);
    column = run.end;
  }
  const std::int64_t x_row = d.width * d.samples, x_map = d.height * x_row, area = d.kernel * d.kernel;
  context.threads->run(d.out_height * pieces, [&](std::int64_t task, int) {
    const std::int64_t row = task / pieces;
    std::int64_t index = task % pieces, parts = 0;
    Run run{0, 0, 0, 0};
    for (std::int64_t column = 0;; column = run.end, index -= parts) {
      run = run_at(column, d.out_width, d.width, d.kernel, d.pad_begin);
      parts = ceil_div((run.end - run.begin) * d.samples, kPieceVecs * kW);
      if (index < parts) break;
    }
    const std::int64_t lanes = (run.end - run.begin) * d.samples, vecs = ceil_div(lanes, kW);
    const std::int64_t from = even_cut(vecs, parts, index) * kW, to = min(lanes, even_cut(vecs, parts, index + 1) * kW);
    std::int64_t tap_row = 0, tap_row_end = 0;
    taps_inside(row, d.height, d.kernel, d.pad_begin, tap_row, tap_row_end);
    const bool any = tap_row_end > tap_row && run.tap_end > run.tap;  // else all taps are on padding: outputs are zero

    const std::int64_t x_first =
        (row + tap_row - d.pad_begin) * x_row + (run.begin + run.tap - d.pad_begin) * d.samples + from;
    const std::int64_t last_shift = (tap_row_end - 1 - tap_row) * x_row + (run.tap_end - 1 - run.tap) * d.samples;
    Piece piece{any ? x + x_first : x,
                packed,
                z + (row * d.out_width + run.begin) * d.samples + from,
                to - from,
                any ? tap_row_end - tap_row : 0,
                any ? run.tap_end - run.tap : 0,
                x_map - x_first - last_shift};
    const std::int64_t tap = tap_row * d.kernel + run.tap, whole = d.channels / kRows, left = d.channels % kRows;
    const std::int64_t left_w = whole * kRows * d.in_channels * area;
    piece.w = packed + tap * kRows;
    sweep_piece<kRows>(d, piece, 0, whole);
    piece.w = packed + left_w + tap * left;
    if (left == 1) sweep_piece<1>(d, piece, d.channels - 1, 1);
    if (left == 2) sweep_piece<2>(d, piece, d.channels - 2, 1);
    if (left == 3) sweep_piece<3>(d, piece, d.channels - 3, 1);
  });
}

/// Floats of x with its zero border, plus one vector, because the last vector may read beyond the end.
std::int64_t bordered_floats(const ConvDims& d) {
  return d.in_channels * (d.height + d.pad_begin + d.pad_end) * (d.width + d.pad_begin + d.pad_end) * d.samples + kW;
}

void copy_with_border(const Context& context, const ConvDims& d, const float* x, float* bordered) {
  const std::int64_t row = d.width * d.samples, left = d.pad_begin * d.samples, right = d.pad_end * d.samples;
  const std::int64_t padded_row = left + row + right, padded_map = (d.height + d.pad_begin + d.pad_end) * padded_row;
  context.threads->run(d.in_channels, [&](std::int64_t c, int) {
    float* out = bordered + c * padded_map;
    const float* in = x + c * d.height * row;
    __builtin_memset(out, 0, static_cast<std::size_t>(d.pad_begin * padded_row) * sizeof(float));
    out += d.pad_begin * padded_row;
    for (std::int64_t i = 0; i < d.height; ++i, out += padded_row, in += row) {
      __builtin_memset(out, 0, static_cast<std::size_t>(left) * sizeof(float));
      __builtin_memcpy(out + left, in, static_cast<std::size_t>(row) * sizeof(float));
      __builtin_memset(out + left + row, 0, static_cast<std::size_t>(right) * sizeof(float));
    }
    const std::int64_t below = d.pad_end * padded_row + (c + 1 == d.in_channels ? kW : 0);
    __builtin_memset(out, 0, static_cast<std::size_t>(below) * sizeof(float));
  });
}

/// Division of a small batch's output map into vectors.
struct SmallMap {
  bool flat;               ///< one run over the bordered map, else row by row
  std::int64_t vecs, map;  ///< per channel: vectors; floats that the tiles write
};
SmallMap small_map(const ConvDims& d) {
  const std::int64_t row_lanes = d.out_width * d.samples, x_row = (d.width + d.pad_begin + d.pad_end) * d.samples;
  const std::int64_t by_rows = d.out_height * ceil_div(row_lanes, kW);
  const std::int64_t flat = ceil_div(max(0, (d.out_height - 1) * x_row + row_lanes), kW);
  return flat < by_rows ? SmallMap{true, flat, flat * kW} : SmallMap{false, by_rows, d.out_height * row_lanes};
}

/// The op's unpacked weights, with the strides that a tile uses.
struct PlainWeights {
  const float* first;                             ///< weight of output channel 0, input channel 0, the sum's first tap
  std::int64_t channel, in_channel, row, column;  ///< strides
};
PlainWeights plain_weights(const ConvDims& d, const WeightOrder& order, const float* w) {
  const std::int64_t area = d.kernel * d.kernel, step = order.rotated ? -1 : 1;
  return {order.rotated ? w + area - 1 : w, order.channel, order.in_channel, step * d.kernel, step};
}

/// Input channels per chunk of a small batch's taps. In a flat run adjacent taps share most of their cache lines.
std::int64_t small_chunk(const ConvDims& d, bool flat) {
  if (!flat) return chunk_channels(d.in_channels, d.kernel * d.kernel);
  const std::int64_t x_row = (d.width + d.pad_begin + d.pad_end) * d.samples;
  const std::int64_t floats = (d.kernel - 1) * (x_row + d.samples) + kVecs * kW + 2 * kLine / 4;
  const std::int64_t most = max(1, kCacheBytes / (floats * 4));
  return ceil_div(d.in_channels, ceil_div(max(1, d.in_channels), most));
}

/// Computes one group of vectors for `groups` groups of M output channels; w and z are those of the first group.
template <int M>
void sweep_places(const ConvDims& d, const float* bordered, const PlainWeights& weights, const float* w, float* z,
                  std::int64_t z_map, std::int64_t chunk, std::int64_t groups, std::int64_t vecs, const Lanes& lanes) {
  const std::int64_t x_row = (d.width + d.pad_begin + d.pad_end) * d.samples;
  const std::int64_t x_map = (d.height + d.pad_begin + d.pad_end) * x_row;
  for (std::int64_t c = 0; c < max(1, d.in_channels); c += chunk) {
    const Taps taps{min(chunk, d.in_channels - c),
                    d.kernel,
                    d.kernel,
                    x_map,
                    x_row,
                    d.samples,
                    weights.in_channel,
                    weights.row,
                    weights.column};
    const Start start{c > 0, nullptr};
    for (std::int64_t group = 0; group < groups; ++group) {
      run_fma_tile<M, Reach::kPlaces>(vecs, taps, bordered + c * x_map,
                                      w + c * weights.in_channel + group * M * weights.channel, weights.channel,
                                      z + group * M * z_map, z_map, lanes, start);
    }
  }
}

/// Small batches: computes groups of vectors from the bordered copy of x. `flat` is the workspace for the sums of a
/// flat run.
void correlate_small(const Context& context, const ConvDims& d, const float* bordered, const PlainWeights& weights,
                     float* z, float* flat) {
  const SmallMap m = small_map(d);
  const std::int64_t row_lanes = d.out_width * d.samples, row_vecs = ceil_div(row_lanes, kW);
  const std::int64_t x_row = (d.width + d.pad_begin + d.pad_end) * d.samples;
  const std::int64_t blocks = ceil_div(m.vecs, kVecs);
  const std::int64_t groups = ceil_div(d.channels, kRows), parts = min(groups, ceil_div(kSplitTasks, max(1, blocks)));
  const std::int64_t chunk = small_chunk(d, m.flat);
  float* sums = m.flat ? flat : z;
  context.threads->run(blocks * parts, [&](std::int64_t task, int) {
    const std::int64_t block = task % blocks, part = task / blocks;
    const std::int64_t first = even_cut(m.vecs, blocks, block),
                       block_vecs = even_cut(m.vecs, blocks, block + 1) - first;
    std::int64_t x_at[kVecs], z_at[kVecs], count[kVecs];
    for (std::int64_t v = 0; v < block_vecs; ++v) {
      const std::int64_t row = m.flat ? 0 : (first + v) / row_vecs, lane = (first + v - row * row_vecs) * kW;
      x_at[v] = row * x_row + lane;
      z_at[v] = row * row_lanes + lane;
      count[v] = m.flat ? kW : min(kW, row_lanes - lane);
    }
    const Lanes lanes{0, x_at, z_at, count};
    const std::int64_t from = even_cut(groups, parts, part), to = even_cut(groups, parts, part + 1);
    const std::int64_t whole_to = min(to, d.channels / kRows), left = to > whole_to ? d.channels % kRows : 0;
    const float* w = weights.first + from * kRows * weights.channel;
    float* out = sums + from * kRows * m.map;
    sweep_places<kRows>(d, bordered, weights, w, out, m.map, chunk, whole_to - from, block_vecs, lanes);
    w += (whole_to - from) * kRows * weights.channel;
    out += (whole_to - from) * kRows * m.map;
    if (left == 1) sweep_places<1>(d, bordered, weights, w, out, m.map, chunk, 1, block_vecs, lanes);
    if (left == 2) sweep_places<2>(d, bordered, weights, w, out, m.map, chunk, 1, block_vecs, lanes);
    if (left == 3) sweep_places<3>(d, bordered, weights, w, out, m.map, chunk, 1, block_vecs, lanes);
  });
  if (!m.flat) return;
  context.threads->run(d.channels, [&](std::int64_t channel, int) {
    const float* in = flat + channel * m.map;
    float* out = z + channel * d.out_height * row_lanes;
    for (std::int64_t row = 0; row < d.out_height; ++row, in += x_row, out += row_lanes)
      __builtin_memcpy(out, in, static_cast<std::size_t>(row_lanes) * sizeof(float));
  });
}

bool wants_border(const ConvDims& d) { return d.samples < kW && d.pad_begin >= 0 && d.pad_end >= 0; }

/// Workspace in floats. Small batches: bordered x, then the sums of a flat run. Large batches: packed weights.
std::int64_t correlate_floats(const ConvDims& d) {
  if (!wants_border(d)) return packed_floats(d);
  const SmallMap m = small_map(d);
  return round_up(bordered_floats(d), 16) + (m.flat ? d.channels * m.map : 0);
}

void correlate(const Context& context, const char* op, const ConvDims& d, const WeightOrder& order, const float* x,
               const float* w, float* z) {
  if (d.channels * d.samples == 0) return;
  float* space =
      static_cast<float*>(workspace_bytes(context, op, static_cast<std::size_t>(correlate_floats(d)) * sizeof(float)));
  if (wants_border(d)) {
    copy_with_border(context, d, x, space);
    correlate_small(context, d, space, plain_weights(d, order, w), z, space + round_up(bordered_floats(d), 16));
  } else {
    pack_weights(context, d, order, w, space);
    correlate_runs(context, d, x, space, z);
  }
}

/// Dimensions of the input gradient as a convolution of dz: channels swapped, pads K - 1 - pad.
ConvDims transposed(const ConvDims& d) {
  return {d.channels,
          d.out_height,
          d.out_width,
          d.samples,
          d.in_channels,
          d.height,
          d.width,
          d.kernel,
          d.kernel - 1 - d.pad_begin,
          d.kernel - 1 - d.pad_end};
}

}  // namespace

std::int64_t conv2d_filter_floats(const ConvDims& d);  // conv2d_filter.cpp

void conv2d_forward(const Context& context, ConvPads pads, In x, In w, Out z) {
  const ConvDims d = conv_dims("conv2d_forward", pads, x.shape, w.shape, z.shape);
  const std::int64_t area = d.kernel * d.kernel;
  correlate(context, "conv2d_forward", d, {d.in_channels * area, area, false}, x.data, w.data, z.data);
}

void conv2d_backward_data(const Context& context, ConvPads pads, In w, In dz, Out dx) {
  const ConvDims d = conv_dims("conv2d_backward_data", pads, dx.shape, w.shape, dz.shape);
  const std::int64_t area = d.kernel * d.kernel;
  correlate(context, "conv2d_backward_data", transposed(d), {area, d.in_channels * area, true}, dz.data, w.data,
            dx.data);
}

std::size_t conv2d_workspace(const ConvGeometry& geometry) {
  const ConvDims d = conv_dims(geometry);
  const std::int64_t floats = max(max(correlate_floats(d), correlate_floats(transposed(d))), conv2d_filter_floats(d));
  return static_cast<std::size_t>(floats) * sizeof(float);
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
