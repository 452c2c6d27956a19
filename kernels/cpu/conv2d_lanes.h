// Geometry of a convolution in the layout (channel, row, column, sample): splits an output row into runs of columns
// that use the same columns of taps. A column near the edge uses fewer taps. All columns that use every tap form one
// run of lanes, because a shift by one column is a shift by N lanes.
#pragma once

#include "kernels/cpu/args.h"
#include "kernels/cpu/simd.h"

namespace shcnn::cpu::SHCNN_ISA_NAMESPACE {

/// Output columns [begin, end) that use the taps [tap, tap_end) of the column axis.
struct Run {
  std::int64_t begin, end, tap, tap_end;
};

/// The taps [tap, tap_end) of `kernel` that fall inside an axis of `extent` cells for output cell `out`.
SHCNN_HD void taps_inside(std::int64_t out, std::int64_t extent, std::int64_t kernel, std::int64_t pad_begin,
                          std::int64_t& tap, std::int64_t& tap_end) {
  tap = min(max(0, pad_begin - out), kernel);
  tap_end = max(tap, min(kernel, extent + pad_begin - out));
}

/// The run that starts at output column `begin`.
SHCNN_HD Run run_at(std::int64_t begin, std::int64_t out_extent, std::int64_t extent, std::int64_t kernel,
                    std::int64_t pad_begin) {
  Run run{begin, begin + 1, 0, 0};
  taps_inside(begin, extent, kernel, pad_begin, run.tap, run.tap_end);
  for (; run.end < out_extent; ++run.end) {
    std::int64_t tap = 0, tap_end = 0;
    taps_inside(run.end, extent, kernel, pad_begin, tap, tap_end);
    if (tap != run.tap || tap_end != run.tap_end) break;
  }
  return run;
}

}  // namespace shcnn::cpu::SHCNN_ISA_NAMESPACE
