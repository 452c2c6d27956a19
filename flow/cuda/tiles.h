// How primal_dual divides a level into tiles. A tile loads kLoaded pixels a side and is right, after as many iterations
// as its halo is wide, in those that are that far from its edges; the image's own edges need no halo.
#pragma once

#include "flow/cuda/stages.h"

namespace shcnn::flow {

/// A block's pixels. kC components of u; a thread holds kRows pixels of one column in registers.
template <int kC>
struct StepTile {
  static constexpr int kWidth = 64;                ///< columns loaded
  static constexpr int kGroups = 4;                ///< threads of one column
  static constexpr int kRows = kC == 2 ? 8 : 6;    ///< rows of a thread: what 128 registers hold
  static constexpr int kHeight = kGroups * kRows;  ///< rows loaded
  static constexpr int kThreads = kWidth * kGroups;
  static constexpr int kPixels = kWidth * kHeight;
  /// p1 and u of every pixel, p2 of each thread's last row, the error of each thread and iteration
  static constexpr int kSharedFloats = kC * (2 * kPixels + kThreads) + kBatchSteps * kThreads;
};

/// One side of a tile: loaded from `origin` on, answerable for pixels [begin, end).
struct TileSpan {
  int origin, begin, end;
};

SHCNN_HD constexpr int tiles_along(int size, int loaded) {
  const int step = loaded - 2 * kBatchSteps;
  return size <= loaded ? 1 : 1 + (size - loaded + step - 1) / step;
}

SHCNN_HD TileSpan tile_span(int tile, int size, int loaded) {
  const int origin = tile * (loaded - 2 * kBatchSteps);
  const int end = origin + loaded >= size ? size : origin + loaded - kBatchSteps;
  return {origin, tile == 0 ? 0 : origin + kBatchSteps, end};
}

}  // namespace shcnn::flow
