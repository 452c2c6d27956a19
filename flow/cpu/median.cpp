// median: u1 and u2 over a square window, by sorting networks of min and max on vectors of neighbouring pixels.
//
// The window's columns are sorted once per pixel column and shared by the 3 or 5 windows that hold them. Of a 5 x 5
// window whose columns are sorted, sorting each rank along the row leaves a matrix sorted both ways, in which only 13
// entries can be the 13th of 25: the others have too many entries on one side. What follows selects the 7th of
// those 13. The compiler drops every min or max whose result nobody reads, so the networks are written out whole.
// Outside the image the border pixel is repeated (a repeated pixel column is a repeated sorted column).
#include "flow/cpu/simd.h"
#include "flow/stages.h"

namespace shcnn::flow::SHCNN_FLOW_ISA {
namespace {

constexpr int kTileW = 512;  // columns whose sorted windows are held at once: 5 ranks * 544 floats = 11 KB, in L1

inline void sort2(Vec& a, Vec& b) {
  const Vec low = min(a, b);
  b = max(a, b);
  a = low;
}

inline void sort3(Vec& a, Vec& b, Vec& c) {
  sort2(a, b);
  sort2(b, c);
  sort2(a, b);
}

inline void sort5(Vec& a, Vec& b, Vec& c, Vec& d, Vec& e) {
  sort2(a, b);
  sort2(d, e);
  sort2(c, e);
  sort2(c, d);
  sort2(a, d);
  sort2(b, e);
  sort2(a, c);
  sort2(b, d);
  sort2(b, c);
}

/// Ranks 0 .. 2 r of one column of windows, kTileW + 2 kLanes columns wide; column x of the tile is at x + kLanes.
template <int kWindow>
struct SortedColumns {
  float rank[kWindow][kTileW + 2 * kLanes];
};

/// The median of one vector of windows whose sorted columns begin at `column` (the windows' leftmost column).
inline Vec median_of_windows(const SortedColumns<3>& sorted, int column) {
  Vec low[3], mid[3], high[3];
  for (int k = 0; k < 3; ++k) {
    low[k] = load(sorted.rank[0] + column + k);
    mid[k] = load(sorted.rank[1] + column + k);
    high[k] = load(sorted.rank[2] + column + k);
  }
  Vec a = max(max(low[0], low[1]), low[2]);
  sort3(mid[0], mid[1], mid[2]);
  Vec b = mid[1];
  Vec c = min(min(high[0], high[1]), high[2]);
  sort3(a, b, c);
  return b;
}

/// The 13th of the 25 entries of a matrix that is sorted along both indices, in 22 operations on the 13 entries that
/// can be it. Found by a beam search over exchanges on the 252 such matrices of zeros and ones (by the zero-one
/// principle they stand for all), dropping those whose outcome is known or unused; tests try every one of the 252.
inline Vec select_middle(const Vec (&m)[5][5]) {
  Vec a4 = m[0][4], b3 = m[1][3], c1 = max(m[1][2], m[2][1]), c2 = m[2][2];
  Vec d0 = max(m[0][3], m[3][0]), d1 = m[3][1], e0 = m[4][0];
  sort2(a4, e0);
  sort2(b3, d1);
  sort2(a4, d0);
  sort2(c2, d0);
  Vec c3 = min(min(m[2][3], m[3][2]), e0);
  c1 = max(max(c1, a4), b3);
  Vec b4 = min(min(min(m[1][4], m[4][1]), d1), d0);
  sort2(b4, c1);
  return max(max(b4, c2), min(c1, c3));
}

inline Vec median_of_windows(const SortedColumns<5>& sorted, int column) {
  Vec m[5][5];  // rank, then place in the row
  for (int r = 0; r < 5; ++r) {
    for (int k = 0; k < 5; ++k) m[r][k] = load(sorted.rank[r] + column + k);
    sort5(m[r][0], m[r][1], m[r][2], m[r][3], m[r][4]);
  }
  return select_middle(m);
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
      // Sorted columns of the tile and of the radius on both sides.
      for (int x = tile > 0 ? tile - kLanes : 0; x < tile_end + kRadius && x < width; x += kLanes) {
        float* to = &sorted.rank[0][x - tile + kLanes];
        Vec v[kWindow];
        for (int k = 0; k < kWindow; ++k) v[k] = load(row[k] + x);
        if constexpr (kWindow == 3) {
          sort3(v[0], v[1], v[2]);
        } else {
          sort5(v[0], v[1], v[2], v[3], v[4]);
        }
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
