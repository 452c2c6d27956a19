// How primal_dual divides a level into tiles. A tile loads `loaded` pixels per side. After as many iterations as its
// halo is wide, only pixels at least that far from the tile's edges are correct; the edges of the image need no halo.
#pragma once

#include "flow/cuda/stages.h"

namespace shcnn::flow {

/// Pixels of one block, for kC components of u. A thread holds kRows pixels of one column in registers.
template <int kC>
struct StepTile {
  static constexpr int kWidth = 64;                ///< columns loaded
  static constexpr int kGroups = 4;                ///< threads per column
  static constexpr int kRows = kC == 2 ? 8 : 6;    ///< rows per thread: as many as 128 registers hold
  static constexpr int kHeight = kGroups * kRows;  ///< rows loaded
  static constexpr int kThreads = kWidth * kGroups;
  static constexpr int kPixels = kWidth * kHeight;
  /// p1 and u of every pixel, p2 of each thread's last row, the error of each thread and iteration
  static constexpr int kSharedFloats = kC * (2 * kPixels + kThreads) + kBatchSteps * kThreads;
};

/// One dimension of a tile: pixels are loaded from `origin` on; the block stores pixels [begin, end).
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
