// to_float and resize: from a caller's image to the levels of the pyramid, and flow from one level to the next finer
// one.
//
// resize: out(y, x) = factor * ((1 - b) ((1 - a) in(y0, x0) + a in(y0, x1)) + b ((1 - a) in(y1, x0) + a in(y1, x1))),
// columns first, rounded as in OpenCV's bilinear resize; the blend is rounded to float and multiplied in double, as in
// OpenCV. If OpenCV adds the four terms one by one (ResizeAxis::in_order_from), so does this function. The caller
// supplies the positions. The input is not smoothed first; OpenCV does not either. Both stages process each pixel once
// per level, against some hundred inner iterations, so plain loops suffice.
#include "flow/cpu/simd.h"
#include "flow/stages.h"

namespace shcnn::flow::SHCNN_FLOW_ISA {

bool to_float(const GrayImage& image, Plane out, Rows rows) {
  bool finite = true;
  for (int y = rows.begin; y < rows.end; ++y) {
    float* to = out.row(y);
    if (image.is_float) {
      const float* from = static_cast<const float*>(image.data) + y * image.stride;
      for (int x = 0; x < image.width; ++x) {
        to[x] = from[x] * image.scale;
        finite &= __builtin_fabsf(to[x]) <= __FLT_MAX__;  // false for NaN too
      }
    } else {
      const std::uint8_t* from = static_cast<const std::uint8_t*>(image.data) + y * image.stride;
      for (int x = 0; x < image.width; ++x) to[x] = static_cast<float>(from[x]) * image.scale;
    }
  }
  return finite;
}

void resize(Plane in, Plane out, int out_width, const ResizeAxis& horizontal, const ResizeAxis& vertical, double factor,
            Rows rows) {
  for (int y = rows.begin; y < rows.end; ++y) {
    const float* row0 = in.row(vertical.index0[y]);
    const float* row1 = in.row(vertical.index1[y]);
    const float b1 = vertical.weight[y], b0 = 1.0f - b1;
    float* to = out.row(y);
    for (int x = 0; x < out_width; ++x) {
      const int x0 = horizontal.index0[x], x1 = horizontal.index1[x];
      const float a1 = horizontal.weight[x], a0 = 1.0f - a1;
      const float blend =
          x >= horizontal.in_order_from && row0 != row1
              ? row0[x0] * (a0 * b0) + row0[x1] * (a1 * b0) + row1[x0] * (a0 * b1) + row1[x1] * (a1 * b1)
              : (row0[x0] * a0 + row0[x1] * a1) * b0 + (row1[x0] * a0 + row1[x1] * a1) * b1;
      to[x] = static_cast<float>(factor * static_cast<double>(blend));
    }
  }
}

}  // namespace shcnn::flow::SHCNN_FLOW_ISA
