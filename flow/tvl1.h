// Dual TV-L1 optical flow (Zach, Pock, Bischof: "A Duality Based Approach for Realtime TV-L1 Optical Flow", 2007), as
// discretised by Sanchez, Meinhardt-Llopis, Facciolo ("TV-L1 Optical Flow Estimation", IPOL 2013), with the order of
// operations, the defaults and the early stop of OpenCV's DualTVL1OpticalFlow, which produced the flow images of the
// SHCNN paper. It minimises over the flow u = (u1, u2):
//
//     E(u) = sum_x |grad u1| + |grad u2| + lambda |I1(x + u) - I0(x)|
//
// flow/stages.h lists the stages; flow/README.md maps every symbol to its equation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace shcnn {
class ThreadPool;
}

namespace shcnn::flow {

/// Every parameter of OpenCV's class, under the papers' names and with OpenCV's defaults.
struct Tvl1Params {
  double tau = 0.25;              ///< time step of the dual ascent; converges for tau <= 1/8 in theory, 1/4 in practice
  double lambda = 0.15;           ///< weight of the data term; smaller = smoother flow
  double theta = 0.3;             ///< tightness of the coupling between u and v
  double gamma = 0.0;             ///< weight of the illumination term u3; 0 = none
  int scales = 5;                 ///< maximum number of pyramid levels; levels with a side under 16 px are not made
  int warps = 5;                  ///< warpings of I1 per pyramid level
  double epsilon = 0.01;          ///< px: a warp's iterations stop when the RMS change of the flow is at most this
  int inner_iterations = 30;      ///< primal-dual iterations between two median filterings
  int outer_iterations = 10;      ///< median filterings per warp
  double scale_step = 0.8;        ///< ratio of the sides of consecutive levels, in (0, 1)
  int median_filter = 5;          ///< side of the median window in px: 1 (no median), 3 or 5
  bool use_initial_flow = false;  ///< start from the contents of the flow arrays instead of zero
  bool early_stop = true;         ///< false: always outer_iterations * inner_iterations per warp; epsilon is ignored
};

/// Throws Error(kUsage) naming the parameter that is out of range.
void check(const Tvl1Params& params);

/// Non-owning view of a gray image: (height, width), rows `stride` elements apart.
struct GrayImage {
  const void* data = nullptr;
  bool is_float = false;      ///< pixels are float; else 8-bit
  int width = 0;              ///< pixels
  int height = 0;             ///< pixels
  std::ptrdiff_t stride = 0;  ///< elements from one row to the next
  float scale = 1.0f;         ///< factor from pixel value to gray level (0..255)

  static GrayImage bytes(const std::uint8_t* data, int width, int height, std::ptrdiff_t stride = 0) {
    return {data, false, width, height, stride ? stride : width, 1.0f};
  }
  /// `scale` is 255 for images in 0..1 (OpenCV's convention for floats), 1 for images in 0..255.
  static GrayImage floats(const float* data, int width, int height, float scale, std::ptrdiff_t stride = 0) {
    return {data, true, width, height, stride ? stride : width, scale};
  }
};

/// Non-owning view of a flow field: (height, width, 2), u1 (to the right) and u2 (down) in pixels, interleaved.
struct FlowField {
  float* data = nullptr;
  int width = 0;              ///< pixels
  int height = 0;             ///< pixels
  std::ptrdiff_t stride = 0;  ///< floats from one row to the next

  static FlowField dense(float* data, int width, int height) {
    return {data, width, height, 2 * std::ptrdiff_t{width}};
  }
};

/// Work done by the solver, summed over pairs; for benchmarks and for the tests of the early stop.
struct Tvl1Counts {
  std::int64_t iterations = 0;        ///< inner iterations
  std::int64_t pixel_iterations = 0;  ///< inner iterations times the pixels of their level
  std::int64_t medians = 0;           ///< median passes (u1 and u2 together)

  Tvl1Counts& operator+=(const Tvl1Counts& other) {
    iterations += other.iterations;
    pixel_iterations += other.pixel_iterations;
    medians += other.medians;
    return *this;
  }
};

/// Flow from one first image to any number of later ones, all of one size. Working memory is allocated at construction
/// and does not grow with the number of pairs. The result of a pair depends neither on the number of threads nor on the
/// other pairs.
class Tvl1 {
 public:
  /// `isa`: "", "generic", "avx2" or "avx512"; "" = environment variable SHCNN_ISA, else the best set of this machine.
  Tvl1(const Tvl1Params& params, int width, int height, ThreadPool& pool, const std::string& isa = "");
  ~Tvl1();
  Tvl1(const Tvl1&) = delete;
  Tvl1& operator=(const Tvl1&) = delete;

  /// Sets I0 of all following pairs and computes its pyramid once. Throws Error(kBadData) on another size or NaN or
  /// infinite pixels.
  void set_first(const GrayImage& first);

  /// flows[i] = flow from the first image to later[i]. With at least as many pairs as threads, each thread solves pairs
  /// of its own; with fewer, all threads share the rows of each pair. Throws Error(kBadData) on another size or NaN or
  /// infinite pixels, Error(kNonFinite) if a flow became NaN or infinite.
  Tvl1Counts solve(std::span<const GrayImage> later, std::span<const FlowField> flows);

  const std::string& isa() const;  ///< "generic", "avx2" or "avx512"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shcnn::flow
