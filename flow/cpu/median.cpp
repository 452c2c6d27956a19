// median: u1 and u2 over a square window, by sorting networks of min and max on vectors of neighbouring pixels.
//
// The window's columns are sorted once per pixel column and shared by the 3 or 5 windows that contain them. The
// networks are those of flow/math/median_network.h. Outside the image the border pixel is repeated (a repeated pixel
// column is a repeated sorted column).
#include "flow/cpu/simd.h"
#include "flow/math/median_network.h"
#include "flow/stages.h"

namespace shcnn::flow::SHCNN_FLOW_ISA {
namespace {

constexpr int kTileW = 512;  // columns whose sorted values are kept together: 5 ranks * 544 floats = 11 KB, in L1

/// min and max for the networks of flow/math/median_network.h.
struct Lanes {
  using Value = Vec;
  static Vec least(Vec a, Vec b) { return min(a, b); }
  static Vec most(Vec a, Vec b) { return max(a, b); }
};
using Network = MedianNetwork<Lanes>;

/// The sorted window columns of one row of pixels: rank[k][i] is the k-th smallest value of a window column. Column x
/// of the tile is at i = x + kLanes.
template <int kWindow>
struct SortedColumns {
  float rank[kWindow][kTileW + 2 * kLanes];
};

/// The medians of one vector of windows; `column` is the leftmost column of the first window.
template <int kWindow>
inline Vec median_of_windows(const SortedColumns<kWindow>& sorted, int column) {
  Vec m[kWindow][kWindow];  // [rank][column in the window]
  for (int r = 0; r < kWindow; ++r) {
    for (int k = 0; k < kWindow; ++k) m[r][k] = load(sorted.rank[r] + column + k);
  }
  return Network::middle(m);
}

template <int kWindow>
void median_rows(Plane in, Plane out, int width, int height, Rows rows) {
  constexpr int kRadius = kWindow / 2;
  SortedColumns<kWindow> sorted;
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* row[kWindow];
    for (int k = 0; k < kWindow; ++k) {
      const int at = y + k - kRadius;
      row[k] = in.row(at < 0 ? 0 : at >= height ? height - 1 : at);
    }
    for (int tile = 0; tile < width; tile += kTileW) {
      const int tile_end = tile + kTileW < width ? tile + kTileW : width;
      // Sort the columns of the tile and of the radius on both sides.
      for (int x = tile > 0 ? tile - kLanes : 0; x < tile_end + kRadius && x < width; x += kLanes) {
        float* to = &sorted.rank[0][x - tile + kLanes];
        Vec v[kWindow];
        for (int k = 0; k < kWindow; ++k) v[k] = load(row[k] + x);
        Network::sort(v);
        for (int k = 0; k < kWindow; ++k) store(to + k * (kTileW + 2 * kLanes), v[k]);
      }
      for (int k = 0; k < kWindow; ++k) {
        float* rank = sorted.rank[k] + kLanes - tile;  // rank[x] for column x of the image
        for (int r = 1; r <= kRadius; ++r) {
          if (tile == 0) rank[-r] = rank[0];
          if (width - tile_end < kRadius) rank[width - 1 + r] = rank[width - 1];
        }
      }
      for (int x = tile; x < tile_end; x += kLanes) {
        const Vec value = median_of_windows(sorted, x - tile + kLanes - kRadius);
        store(out.row(y) + x, width - x < kLanes ? keep_first(value, width - x) : value);
      }
    }
  }
}

}  // namespace

void median(const Level& level, int window, Rows rows) {
  const auto run = window == 3 ? median_rows<3> : median_rows<5>;
  run(level.u1, level.m1, level.width, level.height, rows);
  run(level.u2, level.m2, level.width, level.height, rows);
}

}  // namespace shcnn::flow::SHCNN_FLOW_ISA
