// One pixel of the inner iteration, operation by operation as flow/cpu does it on vectors, so that the results have the
// same bits: every quotient and length is rounded once and nothing else is fused. On a GPU they come from approximate
// reciprocals (one instruction) refined by fused multiply-adds; on the host they are plain divisions and double.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn::flow {

/// a / b rounded, given inv_b = 1 / b rounded; 0 where inv_b is 0.
SHCNN_HD float quotient(float a, float b, float inv_b) {
#if defined(__CUDA_ARCH__)
  const float q = a * inv_b;
  return fmaf(fmaf(-b, q, a), inv_b, q);
#else
  return inv_b > 0.0f ? a / b : 0.0f;
#endif
}

/// 1 / x for 2^-100 < x < 2^100, rounded: what 1 / x compiles to, without the branch for other x.
SHCNN_HD float reciprocal(float x) {
#if defined(__CUDA_ARCH__)
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return fmaf(fmaf(-x, r, 1.0f), r, r);
#else
  return 1.0f / x;
#endif
}

/// sqrt(x^2 + y^2), rounded once: the rounding errors of the squares and of their sum are known exactly, and one Newton
/// step from an approximate root takes them in. Below 1e-18 only roughly; 1 + length is 1 there.
SHCNN_HD float length(float x, float y) {
#if defined(__CUDA_ARCH__)
  const float xx = x * x, yy = y * y;
  const float sum = xx + yy;
  const float lost = (fminf(xx, yy) - (sum - fmaxf(xx, yy))) + (fmaf(x, x, -xx) + fmaf(y, y, -yy));
  float inv_root;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(inv_root) : "f"(fmaxf(sum, 1e-36f)));
  const float root = sum * inv_root;
  const float residue = fmaf(-root, root, sum) + lost;
  return fmaf(residue, 0.5f * inv_root, root);
#else
  const double dx = x, dy = y;
  return static_cast<float>(__builtin_sqrt(dx * dx + dy * dy));
#endif
}

/// The step along grad I1w that brings rho to 0, at most lambda theta long: Eq. 16 (TH).
SHCNN_HD float threshold_step(float rho, float grad, float inv_grad, float l_t) {
  const float limit = l_t * grad;
  float step = quotient(-rho, grad, inv_grad);
  if (limit < rho) step = -l_t;
  if (rho < -limit) step = l_t;
  return step;
}

/// div p by backward differences. Column 0 has nothing to its left, and the reference adds its terms in another order.
SHCNN_HD float divergence(bool column0, float p1, float p1_left, float p2, float p2_up) {
  return column0 ? (p1 + p2) - p2_up : (p1 - p1_left) + (p2 - p2_up);
}

/// (p1, p2) after one step along grad u = (dx, dy): Eq. 18.
SHCNN_HD void dual_step(float dx, float dy, float taut, float& p1, float& p2) {
  const float scale = 1.0f + taut * length(dx, dy);
  const float inv_scale = reciprocal(scale);
  p1 = quotient(p1 + taut * dx, scale, inv_scale);
  p2 = quotient(p2 + taut * dy, scale, inv_scale);
}

}  // namespace shcnn::flow
