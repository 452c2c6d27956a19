// Selects the executor of ClipFlow by device name; there is no fallback to another executor.
#include <string_view>

#include "flow/clip_flow.h"
#include "kernels/backend.h"
#include "kernels/error.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::flow {
namespace {

constexpr const char* kPlace = "--device";

/// ClipFlow on the CPU with its own thread pool.
class ThreadedClipFlow final : public ClipFlow {
 public:
  ThreadedClipFlow(const BackendOptions& backend, const ClipFlowOptions& options, ClipSize frames)
      : pool_(backend.threads), flow_(cpu_clip_flow(options, frames, pool_, backend.isa)) {}
  void set_first(const GrayImage& first) override { flow_->set_first(first); }
  Tvl1Counts solve(std::span<const GrayImage> later, const ClipFlowOutput& out) override {
    return flow_->solve(later, out);
  }
  int batch() const override { return flow_->batch(); }
  std::string name() const override { return flow_->name(); }

 private:
  ThreadPool pool_;
  std::unique_ptr<ClipFlow> flow_;
};

}  // namespace

std::unique_ptr<ClipFlow> make_clip_flow(const std::string& device, const BackendOptions& backend,
                                         const ClipFlowOptions& options, ClipSize frames) {
  if (device == "cpu") return std::make_unique<ThreadedClipFlow>(backend, options, frames);
  if (device == "simt" || device == "cuda" || std::string_view(device).substr(0, 5) == "cuda:") {
    return gpu_clip_flow(device, backend, options, frames);
  }
  throw Error(ErrorKind::kUsage, kPlace, message("'", device, "' is none of 'cpu', 'simt', 'cuda', 'cuda:<ordinal>'"));
}

}  // namespace shcnn::flow
