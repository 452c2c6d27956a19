// The inner iteration, fused: one pass over the rows does the threshold step, the primal step and, one row behind, the
// dual step. Per pixel, with rho = rho_c + I1wx u1 + I1wy u2 (+ gamma u3):
//
//     v  = u + clamp(-rho / |grad I1w|^2, -lambda theta, lambda theta) * grad I1w      threshold step (D)
//     u' = v + theta div p                                                             primal step (E)
//     p' = (p + tau/theta grad u') / (1 + tau/theta |grad u'|)                         dual step (F)
//
// Letters as in flow/README.md. div takes backward and grad forward differences; outside the image p is 0 and grad u
// has no component. The three branches of the papers' threshold step are one clamp; where grad I1w = 0 the clamp's
// argument is large, finite and multiplied by 0.
//
// Row y needs p of rows y and y - 1 as the last iteration left them and makes u'(y); with it row y - 1 has all that its
// dual step reads. So p(y - 1) is loaded once, serves div of row y, and is stored as p'(y - 1): per pixel 14 floats
// come in and 6 go out in one stream, the four last-used rows sit in L1. Two square roots and two divisions a pixel
// (four lanes wide or more) run beside some 45 multiplications and additions; they are exact, since approximations
// gained nothing measurable. Teams split the rows: the dual step of a band's last row waits for the next band's first
// (dual_row).
#include "flow/cpu/simd.h"
#include "flow/stages.h"

namespace shcnn::flow::SHCNN_FLOW_ISA {
namespace {

struct Constants {
  Vec l_t, minus_l_t, theta, taut, gamma, one;
};

/// The dual step of one component at one vector of pixels.
/// p1, p2: duals; u: new u here; right, down: new u one pixel on (equal to u where the image ends).
inline void dual_step(const Constants& c, Vec dx, Vec dy, float* p1, float* p2, Vec old_p1, Vec old_p2) {
  const Vec scale = c.one + c.taut * hypot(dx, dy);
  const Vec inv_scale = c.one / scale;
  store(p1, quotient(old_p1 + c.taut * dx, scale, inv_scale));
  store(p2, quotient(old_p2 + c.taut * dy, scale, inv_scale));
}

/// div p at one vector of pixels. Column 0 has nothing to its left, and the reference adds its three terms in another
/// order.
template <bool kHead>
inline Vec divergence(const float* p1, Vec p2, Vec p2_up) {
  const Vec here = load(p1);
  const Vec div = (here - load(p1 - 1)) + (p2 - p2_up);
  if constexpr (!kHead) return div;
  const Vec column0 = (here + p2) - p2_up;
  return keep_first(column0, 1) + (div - keep_first(div, 1));
}

/// Everything that one row of the pass does; kPrimal: row y gets its new u; kDual: row y - 1 gets its new p.
/// `last` row: y = height, no primal step, and grad u of row y - 1 has no vertical component.
template <bool kGamma, bool kPrimal, bool kDual>
struct RowPass {
  const Constants& c;
  const Level& level;
  int y;
  int down;  ///< the row below y - 1: y, or y - 1 again at the image's end

  /// Pixels x .. x + kLanes - 1, of which `valid` are in the image.
  template <bool kHead, bool kTail>
  inline Vec at(int x, int valid) const {
    const Vec zero = broadcast(0.0f);
    Vec error = zero;
    Vec p12_up = zero, p22_up = zero, p32_up = zero;
    if constexpr (kPrimal || kDual) {
      p12_up = load(level.p12.row(y - 1) + x);
      p22_up = load(level.p22.row(y - 1) + x);
      if constexpr (kGamma) p32_up = load(level.p32.row(y - 1) + x);
    }
    Vec u1_new, u2_new, u3_new = zero;
    if constexpr (kPrimal) {
      float* u1_row = level.u1.row(y) + x;
      float* u2_row = level.u2.row(y) + x;
      const Vec u1 = load(u1_row), u2 = load(u2_row);
      Vec u3 = zero;
      const Vec ix = load(level.I1wx.row(y) + x), iy = load(level.I1wy.row(y) + x);
      Vec rho = load(level.rho_c.row(y) + x) + (ix * u1 + iy * u2);
      if constexpr (kGamma) {
        u3 = load(level.u3.row(y) + x);
        rho = rho + c.gamma * u3;
      }
      const Vec grad = load(level.grad.row(y) + x);
      const Vec limit = c.l_t * grad;
      Vec step = quotient(-rho, grad, load(level.inv_grad.row(y) + x));
      step = select_less(limit, rho, c.minus_l_t, step);
      step = select_less(rho, -limit, c.l_t, step);
      const Vec div1 = divergence<kHead>(level.p11.row(y) + x, load(level.p12.row(y) + x), p12_up);
      const Vec div2 = divergence<kHead>(level.p21.row(y) + x, load(level.p22.row(y) + x), p22_up);
      u1_new = (u1 + step * ix) + c.theta * div1;
      u2_new = (u2 + step * iy) + c.theta * div2;
      if constexpr (kTail) {
        u1_new = keep_first(u1_new, valid);
        u2_new = keep_first(u2_new, valid);
      }
      store(u1_row, u1_new);
      store(u2_row, u2_new);
      const Vec change1 = u1_new - u1, change2 = u2_new - u2;
      error = change1 * change1 + change2 * change2;
      if constexpr (kGamma) {
        const Vec div3 = divergence<kHead>(level.p31.row(y) + x, load(level.p32.row(y) + x), p32_up);
        u3_new = (u3 + step * c.gamma) + c.theta * div3;
        if constexpr (kTail) u3_new = keep_first(u3_new, valid);
        store(level.u3.row(y) + x, u3_new);
        const Vec change3 = u3_new - u3;
        error = error + change3 * change3;
      }
    } else if constexpr (kDual) {
      u1_new = load(level.u1.row(down) + x);
      u2_new = load(level.u2.row(down) + x);
      if constexpr (kGamma) u3_new = load(level.u3.row(down) + x);
    }
    if constexpr (kDual) {
      component<kTail>(level.u1, level.p11, level.p12, x, valid, u1_new, p12_up);
      component<kTail>(level.u2, level.p21, level.p22, x, valid, u2_new, p22_up);
      if constexpr (kGamma) component<kTail>(level.u3, level.p31, level.p32, x, valid, u3_new, p32_up);
    }
    return error;
  }

 private:
  template <bool kTail>
  inline void component(const Plane& u_plane, const Plane& p1, const Plane& p2, int x, int valid, Vec u_down,
                        Vec old_p2) const {
    const float* u_row = u_plane.row(y - 1) + x;
    const Vec u = load(u_row);
    Vec dx = load(u_row + 1) - u;
    if constexpr (kTail) dx = keep_first(dx, valid - 1);
    const Vec dy = u_down - u;
    float* p1_row = p1.row(y - 1) + x;
    dual_step(c, dx, dy, p1_row, p2.row(y - 1) + x, load(p1_row), old_p2);
  }
};

template <bool kGamma, bool kPrimal, bool kDual>
inline float row_pass(const Constants& c, const Level& level, int y, int down) {
  const RowPass<kGamma, kPrimal, kDual> pass{c, level, y, down};
  const int tail = (level.width - 1) / kLanes * kLanes;  // where the vector that holds the last pixel begins
  if (tail == 0) {
    const Vec error = pass.template at<true, true>(0, level.width);
    return kPrimal ? sum_lanes(error) : 0.0f;
  }
  Vec error = pass.template at<true, false>(0, kLanes);
  for (int x = kLanes; x < tail; x += kLanes) error = error + pass.template at<false, false>(x, kLanes);
  error = error + pass.template at<false, true>(tail, level.width - tail);
  return kPrimal ? sum_lanes(error) : 0.0f;
}

inline Constants constants(const StepSizes& steps) {
  return {broadcast(steps.l_t),  broadcast(-steps.l_t),  broadcast(steps.theta),
          broadcast(steps.taut), broadcast(steps.gamma), broadcast(1.0f)};
}

template <bool kGamma>
void primal_dual_rows(const Level& level, const StepSizes& steps, Rows rows, float* row_error) {
  if (rows.begin >= rows.end) return;
  const Constants c = constants(steps);
  row_error[rows.begin] = row_pass<kGamma, true, false>(c, level, rows.begin, rows.begin);
  for (int y = rows.begin + 1; y < rows.end; ++y) row_error[y] = row_pass<kGamma, true, true>(c, level, y, y);
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
    row_pass<true, false, true>(c, level, y + 1, down);
  } else {
    row_pass<false, false, true>(c, level, y + 1, down);
  }
}

}  // namespace shcnn::flow::SHCNN_FLOW_ISA
