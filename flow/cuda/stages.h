// The stages of the CUDA solver: those of flow/stages.h under the same names, each for a batch of pairs at the same
// time, and a few that exist only here (advance, turn). The sources in this folder are compiled twice, like those of
// kernels/cuda: by nvcc into flow::cuda and by the C++ compiler into flow::simt. The driver is flow/tvl1_batch.cpp. It
// never waits for a decision of the device: what a pair does next is stored in its Progress, in device memory.
//
// There are two copies of u and of p: a stage reads one and writes the other, because its blocks read each other's
// pixels. A pair's Progress says which copies hold its newest values; the host does not know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "flow/flow_image.h"
#include "flow/stages.h"
#include "kernels/device.h"
#include "kernels/math/host_device.h"

namespace shcnn::flow {

/// Maximum number of inner iterations per launch of primal_dual, and width of the halo of its tiles in pixels.
constexpr int kBatchSteps = 4;

/// What a pair is doing within the current warp.
enum class PairState : int {
  kRests,    ///< its flow has converged: stages return immediately until the next warp
  kRunning,  ///< executes what the host queues
  /// The last launch went past the iteration at which the flow converged. Its results are dropped, and the next launch
  /// of primal_dual repeats the iterations up to that one.
  kAgain,
};

/// State of one pair in the algorithm; written by warp, turn and advance.
struct Progress {
  PairState state;
  int u, p;   ///< which copy of u and of p holds the newest values
  int again;  ///< number of iterations that kAgain repeats
  int iterations, medians;
  long long pixel_iterations;  ///< iterations times the pixels of their level
};

/// Planes of all pairs. Rows start at multiples of 16 bytes.
struct BatchPlanes {
  float* data = nullptr;
  std::ptrdiff_t pair = 0;   ///< floats from one pair to the next; 0 if pairs share the planes
  std::ptrdiff_t plane = 0;  ///< floats from one plane to the next
  std::ptrdiff_t pitch = 0;  ///< floats from one row to the next

  SHCNN_HD float* row(int of_pair, int of_plane, int y) const {
    return data + of_pair * pair + of_plane * plane + y * pitch;
  }
};

/// One level of the pyramid while all pairs of the batch are being solved on it. Device pointers.
struct BatchLevel {
  int pairs = 0;
  int width = 0;                 ///< pixels
  int height = 0;                ///< pixels
  int components = 2;            ///< 2: u1, u2; 3: also u3, with gamma
  BatchPlanes I0;                ///< one plane, shared by all pairs: gray levels
  BatchPlanes I1;                ///< one plane: gray levels
  BatchPlanes records;           ///< (height + 8, width + 8, 4): I1, dI1/dx, dI1/dy, 0, in a frame of four zero pixels
  BatchPlanes u;                 ///< 2 x components: copy 0 of u1, u2(, u3), copy 1
  BatchPlanes p;                 ///< 2 x 2 components: copy 0 of p11, p12, p21, p22(, p31, p32), copy 1
  BatchPlanes warped;            ///< three: I1wx, I1wy, rho_c
  Progress* progress = nullptr;  ///< (pairs)
};

struct PixelFormat {
  float scale;   ///< factor from pixel value to gray level
  int is_float;  ///< 1: float pixels; 0: bytes
};
/// Pixels as copied from the host: those of pair i start at pixels + i * pair_bytes; rows have no padding.
struct BatchImages {
  const unsigned char* pixels = nullptr;
  std::ptrdiff_t pair_bytes = 0;
  const PixelFormat* formats = nullptr;  ///< (pairs)
};

/// Resizing of `planes` planes of all pairs. If `progress` is set, the planes are u: from a pair's newest copy to its
/// other copy.
struct BatchResize {
  BatchPlanes in, out;
  int pairs = 0, planes = 1, width = 0, height = 0;  ///< extents of out
  ResizeAxis horizontal, vertical;                   ///< device pointers
  double factor = 1;                                 ///< applied to all planes but u3
  const Progress* progress = nullptr;
};

/// Flow fields in device memory: (pairs, height, width, 2), px.
struct BatchFlows {
  float* data = nullptr;
  int pairs = 0, width = 0, height = 0;
};
constexpr int kRangeParts = 32;  ///< parts of a flow field; flow_range computes one range per part

/// Stopping criterion of advance.
struct StopRule {
  bool early_stop = true;
  double enough = 0;  ///< px^2: a pair stops after an iteration whose summed squared change is at most this
  int serial = 0;     ///< number of the warp, counted from 1
};

/// Number of tiles into which primal_dual divides a level; it writes one error per tile, iteration and pair.
int step_tiles(int width, int height, int components);

struct BatchStages {
  const char* executor;  ///< "cuda" or "simt"
  void (*to_float)(const Context&, const BatchImages&, const BatchPlanes& out, int pairs, int width, int height);
  void (*resize)(const Context&, const BatchResize&);
  void (*gradient)(const Context&, const BatchLevel&);
  /// I1wx, I1wy, rho_c at x + u; sets all pairs to kRunning.
  void (*warp)(const Context&, const BatchLevel&);
  /// For running pairs: other copy of u1, u2 = median of the newest copy; u3 is copied. turn then makes it the newest.
  void (*median)(const Context&, const BatchLevel&, int window);
  /// `steps` (0 .. kBatchSteps) inner iterations of the running pairs, into the other copies; pairs in kAgain repeat
  /// Progress::again iterations instead. errors: (pairs, kBatchSteps, step_tiles), the squared change of u summed over
  /// each tile.
  void (*primal_dual)(const Context&, const BatchLevel&, const StepSizes&, int steps, float* errors);
  /// After primal_dual: decides whether each pair continues, rests, or repeats its last launch. Sets finished[pair] =
  /// rule.serial once the pair rests; `finished` is host memory that the device can write.
  void (*advance)(const Context&, const BatchLevel&, const StopRule&, int steps, const float* errors, int* finished);
  /// Makes the other copy of u the newest: for all pairs, or, after a median, for the running pairs.
  void (*turn)(const Context&, const BatchLevel&, bool after_median);
  /// read_flow copies flow (pairs, height, width, 2) to copy 0 of u; write_flow copies the newest u to flow.
  void (*read_flow)(const Context&, const BatchLevel&, const float* flow);
  void (*write_flow)(const Context&, const BatchLevel&, float* flow);
  /// Resizes flow fields: components are interpolated, not scaled. The axes are in device memory.
  void (*resize_flow)(const Context&, const BatchFlows& in, const BatchFlows& out, const ResizeAxis& horizontal,
                      const ResizeAxis& vertical);
  /// Lengths of the shortest and the longest vector in each part of each flow: parts (pairs, kRangeParts).
  void (*flow_range)(const Context&, const BatchFlows&, FlowRange* parts);
  /// images (pairs, height - 2 border, width - 2 border, 3). `parts` as written by flow_range; not read with a fixed
  /// scale.
  void (*flow_image)(const Context&, const BatchFlows&, const FlowImageOptions&, const FlowRange* parts,
                     std::uint8_t* images);
};

namespace cuda {
const BatchStages& stages();
}
namespace simt {
const BatchStages& stages();
}

/// The stages for the executor of a device "simt", "cuda" or "cuda:<ordinal>". Throws Error(kDevice) if this build
/// lacks it, Error(kUsage) on any other name.
const BatchStages& select_batch_stages(const std::string& device);

}  // namespace shcnn::flow
