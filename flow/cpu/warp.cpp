// gradient and warp: I1 and its derivatives, sampled at x + u.
//
//     I1x(y, x) = (I1(y, x + 1) - I1(y, x - 1)) / 2, indices clamped to the image; I1y likewise
//     (I1w, I1wx, I1wy)(x) = bicubic sample of (I1, I1x, I1y) at x + u(x)
//     rho_c = I1w - I1wx u1 - I1wy u2 - I0;  inv_grad = 1 / (I1wx^2 + I1wy^2), or 0 if the sum is at most kFlat
//
// As in OpenCV's remap, bicubic is Keys' kernel with a = -0.75 at positions rounded to 1/32 px, and pixels outside the
// image count as 0. The three images are interleaved as records of four floats, so that one tap is one 16-byte load; a
// pixel has 16 taps. A frame of four zero pixels around the records represents the outside, and positions are clamped
// to it, so no tap needs a bounds check.
#include "flow/cpu/simd.h"
#include "flow/math/cubic.h"
#include "flow/stages.h"

namespace shcnn::flow::SHCNN_FLOW_ISA {
namespace {

/// A record; the second type may have any float alignment and alias any type.
typedef float Record __attribute__((vector_size(16)));
typedef float RecordInMemory __attribute__((vector_size(16), aligned(4), may_alias));

/// weights[f] = the four weights of a sample at f / 32 px after the second tap.
struct CubicTable {
  float weights[kFractions][4];
  constexpr CubicTable() : weights() {
    for (int f = 0; f < kFractions; ++f) cubic_weights(f, weights[f]);
  }
};
constexpr CubicTable kCubic;

}  // namespace

void gradient(const Level& level, Rows rows) {
  const int width = level.width, height = level.height;
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* here = level.I1.row(y);
    const float* above = level.I1.row(y > 0 ? y - 1 : 0);
    const float* below = level.I1.row(y + 1 < height ? y + 1 : height - 1);
    float* record = level.records.row(y + kFrame) + 4 * kFrame;
    for (int x = 0; x < width; ++x, record += 4) {
      const int left = x > 0 ? x - 1 : 0, right = x + 1 < width ? x + 1 : width - 1;
      record[0] = here[x];
      record[1] = 0.5f * (here[right] - here[left]);
      record[2] = 0.5f * (below[x] - above[x]);
    }
  }
}

void warp(const Level& level, Rows rows) {
  const int width = level.width, height = level.height;
  const float* origin = level.records.row(kFrame) + 4 * kFrame;  // pixel (0, 0)
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* u1 = level.u1.row(y);
    const float* u2 = level.u2.row(y);
    float* ix_row = level.I1wx.row(y);
    float* iy_row = level.I1wy.row(y);
    float* rho_row = level.rho_c.row(y);
    for (int x = 0; x < width; ++x) {
      const int px = fixed_point(static_cast<float>(x) + u1[x], width);
      const int py = fixed_point(static_cast<float>(y) + u2[x], height);
      const float* wx = kCubic.weights[px & (kFractions - 1)];
      const float* wy = kCubic.weights[py & (kFractions - 1)];
      const int first_x = first_tap(px, width), first_y = first_tap(py, height);
      const float* tap = origin + first_y * level.records.stride + 4 * first_x;
      Record sum = {};
      const bool inside = first_x >= 0 && first_x < width - 3 && first_y >= 0 && first_y < height - 3;
      if (inside) {
        for (int r = 0; r < 4; ++r, tap += level.records.stride) {
          const RecordInMemory* taps = reinterpret_cast<const RecordInMemory*>(tap);
          const Record of_row = taps[0] * (wy[r] * wx[0]) + taps[1] * (wy[r] * wx[1]) + taps[2] * (wy[r] * wx[2]) +
                                taps[3] * (wy[r] * wx[3]);
          sum = r == 0 ? of_row : sum + of_row;
        }
      } else {
        for (int r = 0; r < 4; ++r, tap += level.records.stride) {
          const RecordInMemory* taps = reinterpret_cast<const RecordInMemory*>(tap);
          for (int k = 0; k < 4; ++k) sum += taps[k] * (wy[r] * wx[k]);
        }
      }
      rho_row[x] = sum[0];
      ix_row[x] = sum[1];
      iy_row[x] = sum[2];
    }
    const float* I0 = level.I0.row(y);
    float* grad_row = level.grad.row(y);
    float* inv_row = level.inv_grad.row(y);
    for (int x = 0; x < width; ++x) {
      const float ix = ix_row[x], iy = iy_row[x];
      const float grad = ix * ix + iy * iy;
      grad_row[x] = grad;
      inv_row[x] = grad > kFlat ? 1.0f / grad : 0.0f;
      rho_row[x] = rho_row[x] - ix * u1[x] - iy * u2[x] - I0[x];
    }
  }
}

}  // namespace shcnn::flow::SHCNN_FLOW_ISA
