// The stages of the solver; flow/cpu and flow/cuda implement each under the name used here.
//
//     I0, I1       to_float, then resize down the pyramid
//     per level    gradient(I1); duals = 0; u = resize of the coarser level's u
//     per warp     warp: I1 and its gradient at x + u; rho_c
//     per outer    median(u)
//     per inner    v = threshold step of u; u = v + theta div p; p = dual step of grad u; error = |change of u|^2
//     at the end   flow_range and flow_image (flow/flow_image.h)
//
// A plane is (height, width) floats. The working planes of a level have zero padding that the stages rely on and
// preserve: one float before and after each row, and one row above the first. Rows can be read and written in whole
// vectors of up to 16 floats.
#pragma once

#include <climits>
#include <cstddef>

#include "flow/flow_image.h"
#include "flow/tvl1.h"

namespace shcnn::flow {

struct Plane {
  float* data = nullptr;
  std::ptrdiff_t stride = 0;  ///< floats from one row to the next
  float* row(int y) const { return data + y * stride; }
};

/// The factors of the inner iterations.
struct StepSizes {
  float l_t = 0;  ///< lambda theta
  float theta = 0;
  float taut = 0;  ///< tau / theta
  float gamma = 0;
};

/// One level of the pyramid while it is being solved.
struct Level {
  int width = 0;   ///< pixels
  int height = 0;  ///< pixels
  Plane I0;        ///< first image, gray levels
  Plane I1;        ///< second image, gray levels
  Plane records;   ///< (height + 8, width + 8, 4): I1, dI1/dx, dI1/dy, 0 per pixel, in a frame of four zero pixels
  Plane u1, u2;    ///< the flow, px
  Plane u3;        ///< illumination term; only with gamma
  Plane m1, m2;    ///< output of the median of u1, u2; the planes are then swapped
  Plane p11, p12, p21, p22;  ///< dual variables of grad u1 and grad u2
  Plane p31, p32;            ///< dual variables of grad u3
  Plane I1wx, I1wy;          ///< gradient of I1, warped: gray levels per px
  Plane rho_c;               ///< the part of rho that does not change with u: I1w - I1wx u1 - I1wy u2 - I0, gray levels
  Plane grad;                ///< |grad I1w|^2
  Plane inv_grad;            ///< 1 / grad; 0 if grad is at most kFlat (flow/math/cubic.h)
};

/// Rows [begin, end) that one call of a stage processes: the members of a team split the rows of a level.
struct Rows {
  int begin = 0;
  int end = 0;
};

/// Bilinear sampling positions of one axis: dst[i] = src[index0[i]] * (1 - weight[i]) + src[index1[i]] * weight[i].
struct ResizeAxis {
  const int* index0 = nullptr;
  const int* index1 = nullptr;
  const float* weight = nullptr;
  int in_order_from = INT_MAX;  ///< from this column on, the four weighted pixels are added one by one
};

/// The CPU's stages, compiled once per instruction set. No stage allocates or throws.
struct Stages {
  const char* isa;
  /// out = image in gray levels; returns false if a pixel is NaN or infinite.
  bool (*to_float)(const GrayImage& image, Plane out, Rows rows);
  /// out(y, x) = factor * bilinear sample of in at the positions of the two axes; `rows` are rows of out.
  void (*resize)(Plane in, Plane out, int out_width, const ResizeAxis& horizontal, const ResizeAxis& vertical,
                 double factor, Rows rows);
  /// level.records = I1 and its central differences (at the border halved one-sided differences).
  void (*gradient)(const Level& level, Rows rows);
  /// I1wx, I1wy, rho_c, grad and inv_grad at x + (u1, u2): bicubic, positions rounded to 1/32 px, zero outside the
  /// image.
  void (*warp)(const Level& level, Rows rows);
  /// m1, m2 = median of u1, u2 over window x window pixels (window 3 or 5); border pixels are repeated.
  void (*median)(const Level& level, int window, Rows rows);
  /// Threshold step and primal step of all rows, dual step of all but the last; row_error[y] = sum of the squared
  /// change of u in row y.
  void (*primal_dual)(const Level& level, const StepSizes& steps, Rows rows, float* row_error);
  /// The dual step of row y, which primal_dual leaves out for the last row. Row y + 1 must have its new u.
  void (*dual_row)(const Level& level, const StepSizes& steps, int y);
  /// Widens `range` to include |flow| of these rows; returns false if a vector is NaN or infinite.
  bool (*flow_range)(const FlowField& flow, Rows rows, FlowRange& range);
  /// Writes `rows` of the image, which is smaller than the flow by options.border on each side.
  void (*flow_image)(const FlowField& flow, const FlowImageOptions& options, IntensityScale scale,
                     const RgbImage& image, Rows rows);
};

namespace generic {
const Stages& stages();
}
namespace avx2 {
const Stages& stages();
}
namespace avx512 {
const Stages& stages();
}

/// The stages for "generic", "avx2", "avx512", or "" (environment variable SHCNN_ISA, else the best of this machine).
/// Throws Error(kUsage) on any other name, Error(kDevice) on one that this machine cannot run.
const Stages& select_stages(const std::string& isa);

}  // namespace shcnn::flow
