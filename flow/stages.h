// The stages of the solver, one screen: flow/cpu and flow/cuda hold each under the name it has here.
//
//     I0, I1       to_float, then resize down the pyramid
//     per level    gradient(I1); duals = 0; u = resize of the coarser level's u
//     per warp     warp: I1 and its gradient at x + u; rho_c
//     per outer    median(u)
//     per inner    v = threshold step of u; u = v + theta div p; p = dual step of grad u; error = |change of u|^2
//     at the end   flow_range and flow_image (flow/flow_image.h)
//
// A plane is (height, width) floats. The working planes of a level have zero padding that stages rely on and keep: a
// float before and after each row, and a row above the first. Rows can be read and written in whole vectors of up
// to 16.
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

/// What the inner iterations multiply with.
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
  Plane u3;        ///< illumination; with gamma alone
  Plane m1, m2;    ///< where the median of u1, u2 goes before the two change places
  Plane p11, p12, p21, p22;  ///< duals of grad u1 and grad u2
  Plane p31, p32;            ///< duals of grad u3
  Plane I1wx, I1wy;          ///< gradient of I1, warped: gray levels per px
  Plane rho_c;               ///< the part of rho that does not change with u: I1w - I1wx u1 - I1wy u2 - I0, gray levels
  Plane grad;                ///< |grad I1w|^2
  Plane inv_grad;            ///< 1 / grad, 0 where there is next to none
};

/// Rows [begin, end) of a stage: members of a team share a level's rows.
struct Rows {
  int begin = 0;
  int end = 0;
};

/// Bilinear sampling positions of one axis: dst[i] = src[index0[i]] * (1 - weight[i]) + src[index1[i]] * weight[i].
struct ResizeAxis {
  const int* index0 = nullptr;
  const int* index1 = nullptr;
  const float* weight = nullptr;
  int in_order_from = INT_MAX;  ///< columns from here on add their four pixels one by one
};

/// The CPU's stages, compiled once per instruction set. None allocates or throws.
struct Stages {
  const char* isa;
  /// out = image in gray levels; returns false where a pixel is NaN or infinite.
  bool (*to_float)(const GrayImage& image, Plane out, Rows rows);
  /// out(y, x) = factor * bilinear sample of in at the positions of the two axes; rows are out's.
  void (*resize)(Plane in, Plane out, int out_width, const ResizeAxis& horizontal, const ResizeAxis& vertical,
                 double factor, Rows rows);
  /// level.records = I1 and its central differences (halved one-sided at the border).
  void (*gradient)(const Level& level, Rows rows);
  /// I1wx, I1wy, rho_c and inv_grad at x + (u1, u2); bicubic, positions rounded to 1/32 px, zero outside the image.
  void (*warp)(const Level& level, Rows rows);
  /// m1, m2 = median of u1, u2 over window x window pixels (3 or 5), the border repeated.
  void (*median)(const Level& level, int window, Rows rows);
  /// Threshold step and primal step of all rows, dual step of all but the last; row_error[y] = sum of the squared
  /// change.
  void (*primal_dual)(const Level& level, const StepSizes& steps, Rows rows, float* row_error);
  /// The dual step of row y, once row y + 1 has its new u: what primal_dual leaves out.
  void (*dual_row)(const Level& level, const StepSizes& steps, int y);
  /// Widens `range` to |flow| in the rows; returns false where a vector is NaN or infinite.
  bool (*flow_range)(const FlowField& flow, Rows rows, FlowRange& range);
  /// Rows of the image, which is smaller than the flow by options.border on each side.
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

/// The stages for "generic", "avx2", "avx512", or "" (the environment's SHCNN_ISA, else the best that runs here).
/// Throws Error(kUsage) on another name, Error(kDevice) on one this machine cannot run.
const Stages& select_stages(const std::string& isa);

}  // namespace shcnn::flow
