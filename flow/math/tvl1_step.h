// One pixel of the inner iteration, with the same operations in the same order as the vector code in flow/cpu, so that
// the results are bit-identical: every quotient and length is rounded once, and no other operations are fused. On a
// GPU, quotients and lengths come from approximate reciprocals (one instruction) refined by fused multiply-adds; on the
// host, from plain divisions and double precision.
#pragma once

#include "kernels/math/host_device.h"

namespace shcnn::flow {

/// Correctly rounded a / b, given the correctly rounded inv_b = 1 / b; 0 if inv_b is 0.
SHCNN_HD float quotient(float a, float b, float inv_b) {
#if defined(__CUDA_ARCH__)
  const float q = a * inv_b;
  return fmaf(fmaf(-b, q, a), inv_b, q);
#else
  return inv_b > 0.0f ? a / b : 0.0f;
#endif
}

/// Correctly rounded 1 / x for 2^-100 < x < 2^100: the code that 1 / x compiles to, without the branch for other x.
SHCNN_HD float reciprocal(float x) {
#if defined(__CUDA_ARCH__)
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return fmaf(fmaf(-x, r, 1.0f), r, r);
#else
  return 1.0f / x;
#endif
}

/// sqrt(x^2 + y^2), rounded once: the rounding errors of the squares and of their sum are computed exactly, and one
/// Newton step from an approximate root corrects for them. Inaccurate below 1e-18, where 1 + length is 1 anyway.
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

/// The step along grad I1w that brings rho to 0, limited to +-lambda theta: Eq. 16 (TH), (D) in flow/README.md.
SHCNN_HD float threshold_step(float rho, float grad, float inv_grad, float l_t) {
  const float limit = l_t * grad;
  float step = quotient(-rho, grad, inv_grad);
  if (limit < rho) step = -l_t;
  if (rho < -limit) step = l_t;
  return step;
}

/// div p by backward differences. Column 0 has no left neighbour; its terms are added in another order, as in OpenCV.
SHCNN_HD float divergence(bool column0, float p1, float p1_left, float p2, float p2_up) {
  return column0 ? (p1 + p2) - p2_up : (p1 - p1_left) + (p2 - p2_up);
}

/// Updates the dual variables (p1, p2) by one step along grad u = (dx, dy): Eq. 18, (F) in flow/README.md.
SHCNN_HD void dual_step(float dx, float dy, float taut, float& p1, float& p2) {
  const float scale = 1.0f + taut * length(dx, dy);
  const float inv_scale = reciprocal(scale);
  p1 = quotient(p1 + taut * dx, scale, inv_scale);
  p2 = quotient(p2 + taut * dy, scale, inv_scale);
}

}  // namespace shcnn::flow
