// The stages of the CUDA solver: those of flow/stages.h under the same names, each for a batch of pairs at once, and
// the few that exist here alone (advance, turn). The sources in this folder are compiled twice, as those of
// kernels/cuda: by nvcc into flow::cuda and by the C++ compiler into flow::simt. flow/tvl1_batch.cpp is the driver; it
// never waits for the device to decide anything: what a pair does next stands in its Progress, in device memory.
//
// u and p lie in two copies each: a stage reads one and writes the other, since its blocks read each other's pixels.
// Which copy holds a pair's newest values is in its Progress; the host does not know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "flow/flow_image.h"
#include "flow/stages.h"
#include "kernels/device.h"
#include "kernels/math/host_device.h"

namespace shcnn::flow {

/// Inner iterations of one launch of primal_dual at most: the halo of its tiles.
constexpr int kBatchSteps = 4;

/// What a pair is doing within the current warp.
enum class PairState : int {
  kRests,    ///< its flow has come to rest: stages return at once until the next warp
  kRunning,  ///< does what the host queues
  /// The last launch went past the iteration that brought the flow to rest: its outcome is dropped, and the next launch
  /// of primal_dual repeats the iterations up to that one.
  kAgain,
};

/// One pair's place in the algorithm; written by warp, turn and advance.
struct Progress {
  PairState state;
  int u, p;   ///< which copy of u and of p holds the newest values
  int again;  ///< iterations of kAgain
  int iterations, medians;
  long long pixel_iterations;  ///< iterations times the pixels of their level
};

/// Planes of all pairs. Rows start on 16 bytes.
struct BatchPlanes {
  float* data = nullptr;
  std::ptrdiff_t pair = 0;   ///< floats from one pair to the next; 0 where pairs share the planes
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
  int components = 2;            ///< u1, u2, and u3 with gamma
  BatchPlanes I0;                ///< one plane, one for all pairs: gray levels
  BatchPlanes I1;                ///< one plane: gray levels
  BatchPlanes records;           ///< (height + 8, width + 8, 4): I1, dI1/dx, dI1/dy, 0, in a frame of four zero pixels
  BatchPlanes u;                 ///< 2 x components: copy 0 of u1, u2(, u3), copy 1
  BatchPlanes p;                 ///< 2 x 2 components: copy 0 of p11, p12, p21, p22(, p31, p32), copy 1
  BatchPlanes warped;            ///< three: I1wx, I1wy, rho_c
  Progress* progress = nullptr;  ///< (pairs)
};

struct PixelFormat {
  float scale;   ///< gray levels of one unit
  int is_float;  ///< else bytes
};
/// Pixels as they came from the host: pair i's at pixels + i * pair_bytes, rows without padding.
struct BatchImages {
  const unsigned char* pixels = nullptr;
  std::ptrdiff_t pair_bytes = 0;
  const PixelFormat* formats = nullptr;  ///< (pairs)
};

/// Resizing of `planes` planes of all pairs. With `progress` the planes are u: from a pair's newest copy to its other
/// one.
struct BatchResize {
  BatchPlanes in, out;
  int pairs = 0, planes = 1, width = 0, height = 0;  ///< extents of out
  ResizeAxis horizontal, vertical;                   ///< device pointers
  double factor = 1;                                 ///< of all planes but u3
  const Progress* progress = nullptr;
};

/// Flow fields in device memory: (pairs, height, width, 2), px.
struct BatchFlows {
  float* data = nullptr;
  int pairs = 0, width = 0, height = 0;
};
constexpr int kRangeParts = 32;  ///< shares of a field whose ranges flow_range finds

/// What advance decides by.
struct StopRule {
  bool early_stop = true;
  double enough = 0;  ///< px^2: an iteration whose summed squared change is this or less is a pair's last
  int serial = 0;     ///< number of the warp, from 1 on
};

/// How many tiles primal_dual divides a level into: as many errors it writes per iteration and pair.
int step_tiles(int width, int height, int components);

struct BatchStages {
  const char* executor;  ///< "cuda" or "simt"
  void (*to_float)(const Context&, const BatchImages&, const BatchPlanes& out, int pairs, int width, int height);
  void (*resize)(const Context&, const BatchResize&);
  void (*gradient)(const Context&, const BatchLevel&);
  /// I1wx, I1wy, rho_c where u points; all pairs run again.
  void (*warp)(const Context&, const BatchLevel&);
  /// The other copy of u1, u2 = median of the newest, of the pairs that run; u3 is copied. turn makes it the newest.
  void (*median)(const Context&, const BatchLevel&, int window);
  /// `steps` (0 .. kBatchSteps) inner iterations of the pairs that run, into the other copies; of a pair that is to
  /// repeat its last ones, those.
  /// errors: (pairs, kBatchSteps, step_tiles), the squared change of u summed over each tile.
  void (*primal_dual)(const Context&, const BatchLevel&, const StepSizes&, int steps, float* errors);
  /// After primal_dual: whether each pair goes on, rests, or does its last launch again. finished[pair] = rule.serial
  /// once it rests: host memory that the device can write.
  void (*advance)(const Context&, const BatchLevel&, const StopRule&, int steps, const float* errors, int* finished);
  /// The other copy of u is now the newest: of all pairs, or after a median of those that run.
  void (*turn)(const Context&, const BatchLevel&, bool after_median);
  /// flow (pairs, height, width, 2) to copy 0 of u, and the newest u to flow.
  void (*read_flow)(const Context&, const BatchLevel&, const float* flow);
  void (*write_flow)(const Context&, const BatchLevel&, float* flow);
  /// A field of another size: components are interpolated, not scaled. The axes lie in device memory.
  void (*resize_flow)(const Context&, const BatchFlows& in, const BatchFlows& out, const ResizeAxis& horizontal,
                      const ResizeAxis& vertical);
  /// Shortest and longest vector of parts of each flow: (pairs, kRangeParts).
  void (*flow_range)(const Context&, const BatchFlows&, FlowRange* parts);
  /// images (pairs, height - 2 border, width - 2 border, 3). `parts` as flow_range left them; not read with a fixed
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

/// The stages for the executor of a device "simt", "cuda" or "cuda:<ordinal>". Throws Error(kDevice) where this build
/// lacks it, Error(kUsage) on another name.
const BatchStages& select_batch_stages(const std::string& device);

}  // namespace shcnn::flow
