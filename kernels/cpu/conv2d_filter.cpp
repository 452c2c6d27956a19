// Convolution: the filter gradient.
//
//   dw(o,c,k,l) = sum over i,j,n of dz(o,i,j,n) * x(c, i + k - begin, j + l - begin, n)
//
// A dot product along lanes, with both operands contiguous: a tile is 4 output channels x up to kDots adjacent columns
// of taps, and each sum is a vector (tiles.h). A task has 4 output channels, a group of input channels and a slice of
// rows. It processes the rows in chunks of lanes, so that its 4 rows of dz stay in the L1 cache for all its input
// channels and taps; the vector sums are kept in a table of at most kTableBytes. The shape alone fixes the slices, and
// a last pass adds their results in order, so the result does not depend on the number of threads.
#include "kernels/cpu/args.h"
#include "kernels/cpu/conv2d_lanes.h"
#include "kernels/cpu/entry_points.h"
#include "kernels/cpu/tiles.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {

std::int64_t conv2d_filter_floats(const ConvDims& d);  // for conv2d_workspace

namespace {

constexpr std::int64_t kChunkLanes = 1024;      // 4 rows of dz: 16 KiB; long, to amortize a tile's loads and stores
constexpr std::int64_t kTableBytes = 24 << 10;  // sums of a task, as vectors
constexpr std::int64_t kTasks = 64;             // approximate minimum number of tasks, for load balance

/// Division of the work; depends on the shape alone.
struct Cut {
  std::int64_t channel_groups, in_groups, in_group, slices;
};

Cut cut(const ConvDims& d) {
  const std::int64_t sums = kRows * d.kernel * d.kernel * kW * 4;
  Cut c;
  c.channel_groups = ceil_div(d.channels, kRows);
  c.in_groups = ceil_div(d.in_channels, max(1, kTableBytes / sums));
  c.in_group = ceil_div(d.in_channels, max(1, c.in_groups));
  c.in_groups = ceil_div(d.in_channels, max(1, c.in_group));
  c.slices = max(1, min(d.out_height, ceil_div(kTasks, max(1, c.channel_groups * c.in_groups))));
  return c;
}

/// Adds the products of one output row, for `rows` output channels and `in_group` input channels, to `table`.
void add_row(const ConvDims& d, const float* x, const float* dz, std::int64_t row, std::int64_t rows,
             std::int64_t in_group, Vec* table) {
  const std::int64_t x_row = d.width * d.samples, x_map = d.height * x_row,
                     z_map = d.out_height * d.out_width * d.samples;
  const std::int64_t area = d.kernel * d.kernel;
  std::int64_t tap_row = 0, tap_row_end = 0;
  taps_inside(row, d.height, d.kernel, d.pad_begin, tap_row, tap_row_end);
  for (std::int64_t column = 0; column < d.out_width;) {
    const Run run = run_at(column, d.out_width, d.width, d.kernel, d.pad_begin);
    column = run.end;
    const std::int64_t columns = run.tap_end - run.tap;
    if (columns == 0) continue;
    const std::int64_t lanes = (run.end - run.begin) * d.samples, vecs = ceil_div(lanes, kW);
    const std::int64_t chunks = ceil_div(lanes, kChunkLanes), tiles = ceil_div(columns, kDots);
    const float* z_run = dz + (row * d.out_width + run.begin) * d.samples;
    const float* x_run = x + (row - d.pad_begin) * x_row + (run.begin - d.pad_begin) * d.samples;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const std::int64_t from = even_cut(vecs, chunks, chunk) * kW,
                         to = min(lanes, even_cut(vecs, chunks, chunk + 1) * kW);
      for (std::int64_t c = 0; c < in_group; ++c) {
        for (std::int64_t k = tap_row; k < tap_row_end; ++k) {
          const std::int64_t ahead = k + 1 < tap_row_end ? x_row : x_map - (tap_row_end - 1 - tap_row) * x_row;
          for (std::int64_t tile = 0; tile < tiles; ++tile) {
            const std::int64_t tap = run.tap + even_cut(columns, tiles, tile);
            const std::int64_t tap_end = run.tap + even_cut(columns, tiles, tile + 1);
            run_dot_tile(rows, tap_end - tap, z_run + from, z_map,
                         x_run + c * x_map + k * x_row + tap * d.samples + from, d.samples, to - from, ahead,
                         table + c * area + k * d.kernel + tap, in_group * area);
          }
        }
      }
    }
  }
}

}  // namespace

std::int64_t conv2d_filter_floats(const ConvDims& d) {
  const std::int64_t slices = cut(d).slices;
  return slices > 1 ? slices * d.channels * d.in_channels * d.kernel * d.kernel : 0;
}

void conv2d_backward_filter(const Context& context, ConvPads pads, In x, In dz, Out dw) {
  constexpr const char* kOp = "conv2d_backward_filter";
  const ConvDims d = conv_dims(kOp, pads, x.shape, dw.shape, dz.shape);
  const Cut c = cut(d);
  const std::int64_t area = d.kernel * d.kernel, filters = d.channels * d.in_channels * area;
  float* partial = c.slices > 1 ? static_cast<float*>(workspace_bytes(
                                      context, kOp, static_cast<std::size_t>(conv2d_filter_floats(d)) * sizeof(float)))
                                : dw.data;
  const std::int64_t x_map = d.height * d.width * d.samples, z_map = d.out_height * d.out_width * d.samples;

  context.threads->run(c.channel_groups * c.in_groups * c.slices, [&](std::int64_t task, int worker) {
    const std::int64_t slice = task % c.slices, group = task / c.slices % c.in_groups;
    const std::int64_t first = task / c.slices / c.in_groups * kRows, rows = min(kRows, d.channels - first);
    const std::int64_t in_first = group * c.in_group, in_group = min(c.in_group, d.in_channels - in_first);
    const std::size_t bytes = static_cast<std::size_t>(kRows * c.in_group * area) * sizeof(Vec);
    Vec* table = static_cast<Vec*>(context.threads->scratch(worker, bytes));
    __builtin_memset(table, 0, bytes);
    const std::int64_t row_end = even_cut(d.out_height, c.slices, slice + 1);
    for (std::int64_t row = even_cut(d.out_height, c.slices, slice); row < row_end && d.samples > 0; ++row) {
      add_row(d, x.data + in_first * x_map, dz.data + first * z_map, row, rows, in_group, table);
    }
    for (std::int64_t m = 0; m < rows; ++m) {
      float* out = partial + slice * filters + ((first + m) * d.in_channels + in_first) * area;
      for (std::int64_t tap = 0; tap < in_group * area; ++tap) out[tap] = sum_lanes(table[m * in_group * area + tap]);
    }
  });
  if (c.slices == 1) return;

  constexpr std::int64_t kBlock = 4096;
  context.threads->run(ceil_div(filters, kBlock), [&](std::int64_t task, int) {
    for (std::int64_t i = task * kBlock; i < min(filters, (task + 1) * kBlock); ++i) {
      float sum = partial[i];
      for (std::int64_t slice = 1; slice < c.slices; ++slice) sum += partial[slice * filters + i];
      dw.data[i] = sum;
    }
  });
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
