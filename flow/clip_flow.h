// Frames of a clip -> its flow images: the first frame against every later one. The one call that the micro-expression
// pipeline and `shcnn flow` share.
//
//     resize_then_flow   frames to (side + 2 border)^2, TV-L1, colours, border cut off: side^2     (what the authors
//     ran) flow_then_resize   TV-L1 at the frames' size, flow to side^2, colours                         (what the
//     paper says) as_is              TV-L1 and colours at the frames' size
//
// Resizing is OpenCV's bilinear one, of bytes and of floats; a resized flow keeps the pixel units it was computed in.
// Results depend neither on threads nor on how a clip is cut into calls.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "flow/flow_image.h"
#include "flow/tvl1.h"

namespace shcnn {
class ThreadPool;
struct BackendOptions;
}  // namespace shcnn

namespace shcnn::flow {

enum class FlowOrder { kResizeThenFlow, kFlowThenResize, kAsIs };

struct ClipFlowOptions {
  Tvl1Params tvl1;
  FlowColors colors = FlowColors::kHsv;
  double full_scale = 0;  ///< px of intensity 255; 0 = stretched per image
  FlowOrder order = FlowOrder::kResizeThenFlow;
  int side = 112;  ///< px of a flow image's side; not looked at by kAsIs
  int border = 4;  ///< px that kResizeThenFlow cuts off on each side
};

/// Throws Error(kUsage) naming the option that is out of range. An initial flow goes with kAsIs alone.
void check(const ClipFlowOptions& options);

/// Width and height in pixels.
struct ClipSize {
  int width = 0;
  int height = 0;
};
/// Size at which TV-L1 runs, and of flows and images that come out, for frames of `frames`.
ClipSize solved_size(const ClipFlowOptions& options, ClipSize frames);
ClipSize output_size(const ClipFlowOptions& options, ClipSize frames);

/// Where results go; (h, w) is output_size. Either may be null.
struct ClipFlowOutput {
  float* flows = nullptr;          ///< (N, h, w, 2): to the right, down; px. With use_initial_flow the start, too
  std::uint8_t* images = nullptr;  ///< (N, h, w, 3): R, G, B
};

/// The flow of clips whose frames have one size. Memory is taken at construction and does not grow with a clip.
class ClipFlow {
 public:
  virtual ~ClipFlow() = default;
  ClipFlow() = default;
  ClipFlow(const ClipFlow&) = delete;
  ClipFlow& operator=(const ClipFlow&) = delete;

  /// The frame that all later ones are compared with; 8-bit gray. Begins a new clip.
  virtual void set_first(const GrayImage& first) = 0;
  /// N later frames -> N flows and images. Throws Error(kBadData) on a frame of another size, Error(kUsage) on one
  /// that is not 8-bit or before set_first.
  virtual Tvl1Counts solve(std::span<const GrayImage> later, const ClipFlowOutput& out) = 0;
  /// Frames that keep the device busy: calls of solve are best made of a multiple of these.
  virtual int batch() const = 0;
  virtual std::string name() const = 0;  ///< "cpu (avx2, 2 threads)"
};

/// On the CPU. `isa` as in Tvl1.
std::unique_ptr<ClipFlow> cpu_clip_flow(const ClipFlowOptions& options, ClipSize frames, ThreadPool& pool,
                                        const std::string& isa = "");

/// On "simt", "cuda" or "cuda:<ordinal>": pairs are solved in batches, and flow becomes pictures on the device.
std::unique_ptr<ClipFlow> gpu_clip_flow(const std::string& device, const BackendOptions& backend,
                                        const ClipFlowOptions& options, ClipSize frames);

/// By the name of a device: "cpu", "simt", "cuda" or "cuda:<ordinal>". Throws Error(kDevice) where it is not part of
/// this build or absent, Error(kUsage) where there is no such name.
std::unique_ptr<ClipFlow> make_clip_flow(const std::string& device, const BackendOptions& backend,
                                         const ClipFlowOptions& options, ClipSize frames);

}  // namespace shcnn::flow
