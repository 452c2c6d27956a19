// Sorting networks for the median of a 3 x 3 or 5 x 5 window whose columns are already sorted. The CPU's vector code
// and the CUDA kernel share them.
//
// If each rank (row) of a column-sorted 5 x 5 window is sorted as well, the result is a matrix sorted along both
// indices. Only 13 of its entries can be the 13th of 25: each of the others has too many entries on one side.
// select_middle selects the 7th of those 13. The compiler removes every min and max whose result is not used, so the
// networks are written out in full.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn::flow {

/// Ops::least and Ops::most are min and max of two Ops::Value.
template <class Ops>
struct MedianNetwork {
  using V = typename Ops::Value;

  SHCNN_HD static void sort2(V& a, V& b) {
    const V low = Ops::least(a, b);
    b = Ops::most(a, b);
    a = low;
  }

  SHCNN_HD static void sort(V (&v)[3]) {
    sort2(v[0], v[1]);
    sort2(v[1], v[2]);
    sort2(v[0], v[1]);
  }

  SHCNN_HD static void sort(V (&v)[5]) {
    sort2(v[0], v[1]);
    sort2(v[3], v[4]);
    sort2(v[2], v[4]);
    sort2(v[2], v[3]);
    sort2(v[0], v[3]);
    sort2(v[1], v[4]);
    sort2(v[0], v[2]);
    sort2(v[1], v[3]);
    sort2(v[1], v[2]);
  }

  /// Median of m[rank][column], whose columns are sorted by rank. Overwrites m.
  SHCNN_HD static V middle(V (&m)[3][3]) {
    V three[3];
    three[0] = Ops::most(Ops::most(m[0][0], m[0][1]), m[0][2]);
    sort(m[1]);
    three[1] = m[1][1];
    three[2] = Ops::least(Ops::least(m[2][0], m[2][1]), m[2][2]);
    sort(three);
    return three[1];
  }

  SHCNN_HD static V middle(V (&m)[5][5]) {
    sort(m[0]);
    sort(m[1]);
    sort(m[2]);
    sort(m[3]);
    sort(m[4]);
    return select_middle(m);
  }

  /// Returns the 13th of the 25 entries of a matrix sorted along both indices, with 22 operations on the 13 entries
  /// that can be it. The network was found by a beam search over exchanges on the 252 such matrices of zeros and ones
  /// (sufficient by the zero-one principle), without exchanges whose outcome is known or unused. Tests check all 252
  /// matrices.
  SHCNN_HD static V select_middle(const V (&m)[5][5]) {
    V a4 = m[0][4], b3 = m[1][3], c1 = Ops::most(m[1][2], m[2][1]), c2 = m[2][2];
    V d0 = Ops::most(m[0][3], m[3][0]), d1 = m[3][1], e0 = m[4][0];
    sort2(a4, e0);
    sort2(b3, d1);
    sort2(a4, d0);
    sort2(c2, d0);
    V c3 = Ops::least(Ops::least(m[2][3], m[3][2]), e0);
    c1 = Ops::most(Ops::most(c1, a4), b3);
    V b4 = Ops::least(Ops::least(Ops::least(m[1][4], m[4][1]), d1), d0);
    sort2(b4, c1);
    return Ops::most(Ops::most(b4, c2), Ops::least(c1, c3));
  }
};

}  // namespace shcnn::flow
