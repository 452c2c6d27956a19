// Sorting networks for the median of a 3 x 3 or 5 x 5 window whose columns are sorted. One text for the CPU's vectors
// and the CUDA kernel's floats.
//
// Of a 5 x 5 window whose columns are sorted, sorting each rank along the row leaves a matrix sorted both ways, in
// which only 13 entries can be the 13th of 25: the others have too many entries on one side. What follows selects the
// 7th of those 13. The compiler drops every min or max whose result nobody reads, so the networks are written out
// whole.
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

  /// m[rank][place in the row], sorted along the ranks.
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

  /// The 13th of the 25 entries of a matrix that is sorted along both indices, in 22 operations on the 13 entries that
  /// can be it. Found by a beam search over exchanges on the 252 such matrices of zeros and ones (by the zero-one
  /// principle they stand for all), dropping those whose outcome is known or unused; tests try every one of the 252.
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
