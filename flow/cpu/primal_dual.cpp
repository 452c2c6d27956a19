// The inner iteration, fused: one pass over the rows does the threshold step, the primal step and, one row behind, the
// dual step. Per pixel, with rho = rho_c + I1wx u1 + I1wy u2 (+ gamma u3):
//
//     v  = u + clamp(-rho / |grad I1w|^2, -lambda theta, lambda theta) * grad I1w      threshold step (D)
//     u' = v + theta div p                                                             primal step (E)
//     p' = (p + tau/theta grad u') / (1 + tau/theta |grad u'|)                         dual step (F)
//
// The letters are those of flow/README.md. div uses backward and grad forward differences; outside the image p is 0,
// and grad u has no component across the border. The three cases of the papers' threshold step form one clamp. If
// |grad I1w|^2 is at most kFlat (flow/math/cubic.h), the quotient is taken as 0: then v = u unless
// |rho| > lambda theta |grad I1w|^2.
//
// The primal step of row y reads p of rows y and y - 1 from the previous iteration and computes u'(y); row y - 1 then
// has all inputs of its dual step. So one pass over the rows does the primal step of row y and then the dual step of
// row y - 1, whose five planes are still in the L1 cache. The two square roots and four quotients per pixel (in whole
// vectors) overlap with about a hundred multiplications and additions; they are exact, because estimates gave no
// measurable gain. When a team splits the rows, the dual step of a band's last row waits for the first row of the next
// band (dual_row).
#include "flow/cpu/simd.h"
#include "flow/stages.h"

namespace shcnn::flow::SHCNN_FLOW_ISA {
namespace {

struct Constants {
  Vec l_t, minus_l_t, theta, taut, gamma, one;
};

/// div p for one vector of pixels. Column 0 has no left neighbour; its three terms are added in another order, as in
/// OpenCV.
template <bool kHead>
inline Vec divergence(const float* p1, Vec p2, Vec p2_up) {
  const Vec here = load(p1);
  const Vec div = (here - load(p1 - 1)) + (p2 - p2_up);
  if constexpr (!kHead) return div;
  const Vec column0 = (here + p2) - p2_up;
  return keep_first(column0, 1) + (div - keep_first(div, 1));
}

/// Pointers that the primal step of one row reads and writes; `up` is the row above. They are copied before the loop
/// over x: a vector store may alias anything, so the compiler would reload Level's pointers for every vector.
struct PrimalRow {
  float *u1, *u2, *u3;
  const float *I1wx, *I1wy, *rho_c, *grad, *inv_grad;
  const float *p11, *p12, *p12_up, *p21, *p22, *p22_up, *p31, *p32, *p32_up;
};

/// Threshold step and primal step for the vector of pixels that starts at x, of which the first `valid` are in the
/// image; returns the squared change of u.
template <bool kGamma, bool kHead, bool kTail>
[[gnu::always_inline]] inline Vec primal_at(const Constants& c, const PrimalRow& row, int x, int valid) {
  const Vec u1 = load(row.u1 + x), u2 = load(row.u2 + x);
  Vec u3 = broadcast(0.0f);
  const Vec ix = load(row.I1wx + x), iy = load(row.I1wy + x);
  Vec rho = load(row.rho_c + x) + (ix * u1 + iy * u2);
  if constexpr (kGamma) {
    u3 = load(row.u3 + x);
    rho = rho + c.gamma * u3;
  }
  const Vec grad = load(row.grad + x);
  const Vec limit = c.l_t * grad;
  Vec step = quotient(-rho, grad, load(row.inv_grad + x));
  step = select_less(limit, rho, c.minus_l_t, step);
  step = select_less(rho, -limit, c.l_t, step);
  const Vec div1 = divergence<kHead>(row.p11 + x, load(row.p12 + x), load(row.p12_up + x));
  const Vec div2 = divergence<kHead>(row.p21 + x, load(row.p22 + x), load(row.p22_up + x));
  Vec u1_new = (u1 + step * ix) + c.theta * div1;
  Vec u2_new = (u2 + step * iy) + c.theta * div2;
  if constexpr (kTail) {
    u1_new = keep_first(u1_new, valid);
    u2_new = keep_first(u2_new, valid);
  }
  store(row.u1 + x, u1_new);
  store(row.u2 + x, u2_new);
  const Vec change1 = u1_new - u1, change2 = u2_new - u2;
  Vec error = change1 * change1 + change2 * change2;
  if constexpr (kGamma) {
    const Vec div3 = divergence<kHead>(row.p31 + x, load(row.p32 + x), load(row.p32_up + x));
    Vec u3_new = (u3 + step * c.gamma) + c.theta * div3;
    if constexpr (kTail) u3_new = keep_first(u3_new, valid);
    store(row.u3 + x, u3_new);
    const Vec change3 = u3_new - u3;
    error = error + change3 * change3;
  }
  return error;
}

/// Computes the new u of row y; returns the sum of the squared change.
template <bool kGamma>
inline float primal_row(const Constants& c, const Level& level, int y) {
  PrimalRow row{level.u1.row(y),
                level.u2.row(y),
                nullptr,
                level.I1wx.row(y),
                level.I1wy.row(y),
                level.rho_c.row(y),
                level.grad.row(y),
                level.inv_grad.row(y),
                level.p11.row(y),
                level.p12.row(y),
                level.p12.row(y - 1),
                level.p21.row(y),
                level.p22.row(y),
                level.p22.row(y - 1),
                nullptr,
                nullptr,
                nullptr};
  if constexpr (kGamma) {
    row.u3 = level.u3.row(y);
    row.p31 = level.p31.row(y);
    row.p32 = level.p32.row(y);
    row.p32_up = level.p32.row(y - 1);
  }
  const int width = level.width;
  const int tail = (width - 1) / kLanes * kLanes;  // start of the vector that holds the last pixel
  if (tail == 0) return sum_lanes(primal_at<kGamma, true, true>(c, row, 0, width));
  Vec error = primal_at<kGamma, true, false>(c, row, 0, kLanes);
  for (int x = kLanes; x < tail; x += kLanes) error = error + primal_at<kGamma, false, false>(c, row, x, kLanes);
  return sum_lanes(error + primal_at<kGamma, false, true>(c, row, tail, width - tail));
}

/// Pointers that the dual step of one component of one row reads and writes; `down` is u of the row below, or of the
/// same row at the bottom of the image.
struct DualRow {
  const float *u, *down;
  float *p1, *p2;
};

/// The dual step of all components for kVectors vectors of pixels that start at x. Each operation is done for all
/// components and vectors before the next one: one component alone is a chain of about fifteen dependent operations.
template <int kComponents, bool kTail, int kVectors>
[[gnu::always_inline]] inline void dual_at(const Constants& c, const DualRow (&rows)[kComponents], int x, int valid) {
  constexpr int kChains = kComponents * kVectors;
  Vec dx[kChains], dy[kChains], scale[kChains], inv_scale[kChains];
  for (int i = 0; i < kChains; ++i) {
    const DualRow& row = rows[i / kVectors];
    const int at = x + i % kVectors * kLanes;
    const Vec here = load(row.u + at);
    dx[i] = load(row.u + at + 1) - here;
    if constexpr (kTail) dx[i] = keep_first(dx[i], valid - 1);
    dy[i] = load(row.down + at) - here;
  }
  hypot<kChains>(dx, dy, scale);
  for (int i = 0; i < kChains; ++i) scale[i] = c.one + c.taut * scale[i];
  for (int i = 0; i < kChains; ++i) inv_scale[i] = c.one / scale[i];
  for (int i = 0; i < kChains; ++i) {
    const DualRow& row = rows[i / kVectors];
    const int at = x + i % kVectors * kLanes;
    store(row.p1 + at, quotient(load(row.p1 + at) + c.taut * dx[i], scale[i], inv_scale[i]));
    store(row.p2 + at, quotient(load(row.p2 + at) + c.taut * dy[i], scale[i], inv_scale[i]));
  }
}

template <int kComponents>
inline void dual_row_of(const Constants& c, int width, const DualRow (&rows)[kComponents]) {
  const int tail = (width - 1) / kLanes * kLanes;
  int x = 0;
  for (; x + 2 * kLanes <= tail; x += 2 * kLanes) dual_at<kComponents, false, 2>(c, rows, x, kLanes);
  if (x < tail) dual_at<kComponents, false, 1>(c, rows, x, kLanes);
  dual_at<kComponents, true, 1>(c, rows, tail, width - tail);
}

/// Computes the new p of row y; `down` is the row below, or y itself at the bottom of the image.
template <bool kGamma>
inline void dual_row_of(const Constants& c, const Level& level, int y, int down) {
  const DualRow row1{level.u1.row(y), level.u1.row(down), level.p11.row(y), level.p12.row(y)};
  const DualRow row2{level.u2.row(y), level.u2.row(down), level.p21.row(y), level.p22.row(y)};
  if constexpr (kGamma) {
    const DualRow row3{level.u3.row(y), level.u3.row(down), level.p31.row(y), level.p32.row(y)};
    dual_row_of<3>(c, level.width, {row1, row2, row3});
  } else {
    dual_row_of<2>(c, level.width, {row1, row2});
  }
}

inline Constants constants(const StepSizes& steps) {
  return {broadcast(steps.l_t),  broadcast(-steps.l_t),  broadcast(steps.theta),
          broadcast(steps.taut), broadcast(steps.gamma), broadcast(1.0f)};
}

template <bool kGamma>
void primal_dual_rows(const Level& level, const StepSizes& steps, Rows rows, float* row_error) {
  const Constants c = constants(steps);
  for (int y = rows.begin; y < rows.end; ++y) {
    row_error[y] = primal_row<kGamma>(c, level, y);
    if (y > rows.begin) dual_row_of<kGamma>(c, level, y - 1, y);
  }
}

}  // namespace

void primal_dual(const Level& level, const StepSizes& steps, Rows rows, float* row_error) {
  if (steps.gamma != 0.0f) {
    primal_dual_rows<true>(level, steps, rows, row_error);
  } else {
    primal_dual_rows<false>(level, steps, rows, row_error);
  }
}

void dual_row(const Level& level, const StepSizes& steps, int y) {
  const Constants c = constants(steps);
  const int down = y + 1 < level.height ? y + 1 : y;
  if (steps.gamma != 0.0f) {
    dual_row_of<true>(c, level, y, down);
  } else {
    dual_row_of<false>(c, level, y, down);
  }
}

}  // namespace shcnn::flow::SHCNN_FLOW_ISA
