// Flow images of a clip: the flow from the first frame to every later one. The micro-expression pipeline and the
// command `shcnn flow` both use this interface.
//
//     resize_then_flow   frames to (side + 2 border)^2, TV-L1, colours, border cut off: side^2 (what the authors ran)
//     flow_then_resize   TV-L1 at the frames' size, flow to side^2, colours (what the paper says)
//     as_is              TV-L1 and colours at the frames' size
//
// Frames and flows are resized bilinearly, as in OpenCV; a resized flow keeps the pixel units in which it was computed.
// Results depend neither on the number of threads nor on how a clip is split into calls.
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
  double full_scale = 0;  ///< px that map to intensity 255; 0 = stretched per image
  FlowOrder order = FlowOrder::kResizeThenFlow;
  int side = 112;  ///< side of a flow image in px; ignored by kAsIs
  int border = 4;  ///< px that kResizeThenFlow cuts off on each side
};

/// Throws Error(kUsage) naming the option that is out of range. An initial flow is allowed only with kAsIs.
void check(const ClipFlowOptions& options);

/// Width and height in pixels.
struct ClipSize {
  int width = 0;
  int height = 0;
};
/// Size at which TV-L1 runs, and size of the resulting flows and images, for frames of size `frames`.
ClipSize solved_size(const ClipFlowOptions& options, ClipSize frames);
ClipSize output_size(const ClipFlowOptions& options, ClipSize frames);

/// Destination of the results; (h, w) is output_size. Either pointer may be null, `flows` only without
/// use_initial_flow.
struct ClipFlowOutput {
  float* flows = nullptr;          ///< (N, h, w, 2): u1 (right), u2 (down) in px; on entry the initial flow, if used
  std::uint8_t* images = nullptr;  ///< (N, h, w, 3): R, G, B
};

/// Computes the flow of clips whose frames have one size. Memory is allocated at construction and does not grow with
/// the length of a clip.
class ClipFlow {
 public:
  virtual ~ClipFlow() = default;
  ClipFlow() = default;
  ClipFlow(const ClipFlow&) = delete;
  ClipFlow& operator=(const ClipFlow&) = delete;

  /// Begins a new clip with its first frame, 8-bit gray, with which all later frames are compared.
  virtual void set_first(const GrayImage& first) = 0;
  /// N later frames -> N flows and images. Throws Error(kBadData) on a frame of another size, Error(kUsage) on a frame
  /// that is not 8-bit or before set_first.
  virtual Tvl1Counts solve(std::span<const GrayImage> later, const ClipFlowOutput& out) = 0;
  /// Number of frames that keeps the device busy: calls of solve should pass a multiple of it.
  virtual int batch() const = 0;
  virtual std::string name() const = 0;  ///< "cpu (avx2, 2 threads)"
};

/// ClipFlow on the CPU. `isa` as in Tvl1.
std::unique_ptr<ClipFlow> cpu_clip_flow(const ClipFlowOptions& options, ClipSize frames, ThreadPool& pool,
                                        const std::string& isa = "");

/// ClipFlow on "simt", "cuda" or "cuda:<ordinal>": solves pairs in batches and makes the flow images on the device.
std::unique_ptr<ClipFlow> gpu_clip_flow(const std::string& device, const BackendOptions& backend,
                                        const ClipFlowOptions& options, ClipSize frames);

/// ClipFlow for a device name: "cpu", "simt", "cuda" or "cuda:<ordinal>". Throws Error(kDevice) if the device is absent
/// or not part of this build, Error(kUsage) on any other name.
std::unique_ptr<ClipFlow> make_clip_flow(const std::string& device, const BackendOptions& backend,
                                         const ClipFlowOptions& options, ClipSize frames);

}  // namespace shcnn::flow
