// ClipFlow on the CPU: resizes, solves and colours a batch of frames; each step runs on all threads, pair by pair.
#include "flow/clip_flow.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "flow/clip_frames.h"
#include "flow/frame_resize.h"
#include "flow/stages.h"
#include "kernels/error.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::flow {
namespace {

constexpr int kPairsPerThread = 4;                          // per batch, so that threads finish it almost together
constexpr std::size_t kBatchBytes = std::size_t{64} << 20;  // of flow per batch; more if one pair per thread needs it
constexpr int kLargestSide = 4096;

class CpuClipFlow final : public ClipFlow {
 public:
  CpuClipFlow(const ClipFlowOptions& options, ClipSize frames, ThreadPool& pool, const std::string& isa)
      : options_(options),
        image_options_{options.colors, options.full_scale, cut(options)},
        frames_(frames),
        solved_(solved_size(options, frames)),
        output_(output_size(options, frames)),
        pool_(pool),
        stages_(select_stages(isa)),
        solver_(options.tvl1, solved_.width, solved_.height, pool, isa) {
    const std::size_t flow_bytes = 2 * sizeof(float) * area(solved_);
    batch_ = std::clamp(static_cast<int>(kBatchBytes / flow_bytes), pool.size(), kPairsPerThread * pool.size());
    solved_flows_.resize(static_cast<std::size_t>(batch_) * 2 * area(solved_));
    if (resizes_frames()) resized_.resize(static_cast<std::size_t>(batch_) * area(solved_));
    if (resizes_flows()) output_flows_.resize(static_cast<std::size_t>(pool.size()) * 2 * area(output_));
  }

  void set_first(const GrayImage& first) override {
    check_frame(first, frames_, "the first frame");
    if (!resizes_frames()) {
      solver_.set_first(first);
    } else {
      resize_frame(first, resized_.data(), solved_.width, solved_.height);
      solver_.set_first(GrayImage::bytes(resized_.data(), solved_.width, solved_.height));
    }
    has_first_ = true;
  }

  Tvl1Counts solve(std::span<const GrayImage> later, const ClipFlowOutput& out) override {
    if (!has_first_) refuse(ErrorKind::kUsage, "solve before set_first");
    for (std::size_t i = 0; i < later.size(); ++i) check_frame(later[i], frames_, "later frame " + std::to_string(i));
    Tvl1Counts sum;
    for (std::size_t begin = 0; begin < later.size(); begin += static_cast<std::size_t>(batch_)) {
      const std::size_t count = std::min(later.size() - begin, static_cast<std::size_t>(batch_));
      sum += solve_batch(later.subspan(begin, count), begin, out);
    }
    return sum;
  }

  int batch() const override { return batch_; }
  std::string name() const override {
    return message("cpu (", solver_.isa(), ", ", pool_.size(), pool_.size() == 1 ? " thread)" : " threads)");
  }

 private:
  static int cut(const ClipFlowOptions& options) {
    return options.order == FlowOrder::kResizeThenFlow ? options.border : 0;
  }
  bool resizes_frames() const { return options_.order == FlowOrder::kResizeThenFlow; }
  bool resizes_flows() const { return options_.order == FlowOrder::kFlowThenResize; }

  FlowField solved_flow(std::size_t i) {
    return FlowField::dense(solved_flows_.data() + i * 2 * area(solved_), solved_.width, solved_.height);
  }

  /// Solves one batch; later[i] is pair begin + i of the call.
  Tvl1Counts solve_batch(std::span<const GrayImage> later, std::size_t begin, const ClipFlowOutput& out) {
    std::vector<GrayImage> frames(later.begin(), later.end());
    std::vector<FlowField> flows;
    for (std::size_t i = 0; i < frames.size(); ++i) flows.push_back(solved_flow(i));
    if (resizes_frames()) {
      pool_.run(static_cast<std::int64_t>(frames.size()), [&](std::int64_t i, int) {
        std::uint8_t* to = resized_.data() + static_cast<std::size_t>(i) * area(solved_);
        resize_frame(later[static_cast<std::size_t>(i)], to, solved_.width, solved_.height);
        frames[static_cast<std::size_t>(i)] = GrayImage::bytes(to, solved_.width, solved_.height);
      });
    }
    if (options_.tvl1.use_initial_flow) {
      if (!out.flows) refuse(ErrorKind::kUsage, "use_initial_flow without flows to start from");
      const float* start = out.flows + 2 * begin * area(solved_);
      std::copy(start, start + 2 * frames.size() * area(solved_), solved_flows_.begin());
    }
    const Tvl1Counts counts = solver_.solve(frames, flows);
    pool_.run(static_cast<std::int64_t>(frames.size()), [&](std::int64_t i, int worker) {
      deliver(flows[static_cast<std::size_t>(i)], worker, begin + static_cast<std::size_t>(i), out);
    });
    return counts;
  }

  /// Writes the solver's flow to the caller's flow and image number `pair`.
  void deliver(FlowField flow, int worker, std::size_t pair, const ClipFlowOutput& out) {
    if (resizes_flows()) {
      const FlowField resized = FlowField::dense(
          output_flows_.data() + static_cast<std::size_t>(worker) * 2 * area(output_), output_.width, output_.height);
      resize_flow(flow, resized);
      flow = resized;
    }
    if (out.flows) {
      for (int y = 0; y < output_.height; ++y) {
        std::memcpy(out.flows + 2 * (pair * area(output_) + static_cast<std::size_t>(y) * output_.width),
                    flow.data + (y + image_options_.border) * flow.stride + 2 * image_options_.border,
                    2 * sizeof(float) * static_cast<std::size_t>(output_.width));
      }
    }
    if (!out.images) return;
    FlowRange range{std::numeric_limits<float>::infinity(), 0.0f};
    stages_.flow_range(flow, {0, flow.height}, range);
    stages_.flow_image(flow, image_options_, intensity_scale(image_options_, range),
                       RgbImage::dense(out.images + 3 * pair * area(output_), output_.width, output_.height),
                       {0, output_.height});
  }

  const ClipFlowOptions options_;
  const FlowImageOptions image_options_;
  const ClipSize frames_, solved_, output_;
  ThreadPool& pool_;
  const Stages& stages_;
  Tvl1 solver_;
  int batch_ = 1;
  bool has_first_ = false;
  std::vector<std::uint8_t> resized_;  // (batch, solved height, solved width)
  std::vector<float> solved_flows_;    // (batch, solved height, solved width, 2)
  std::vector<float> output_flows_;    // (threads, output height, output width, 2)
};

}  // namespace

void check(const ClipFlowOptions& options) {
  check(options.tvl1);
  check(FlowImageOptions{options.colors, options.full_scale, options.border});
  if (options.order == FlowOrder::kAsIs) return;
  if (options.tvl1.use_initial_flow) {
    refuse(ErrorKind::kUsage, "use_initial_flow goes with frames as they are, not with resizing");
  }
  if (options.side < 1 || options.side > kLargestSide) {
    refuse(ErrorKind::kUsage, message("side = ", options.side, ", must be 1 to ", kLargestSide, " px"));
  }
  if (options.border > kLargestSide) {
    refuse(ErrorKind::kUsage, message("border = ", options.border, ", must be 0 to ", kLargestSide, " px"));
  }
}

ClipSize solved_size(const ClipFlowOptions& options, ClipSize frames) {
  if (options.order != FlowOrder::kResizeThenFlow) return frames;
  const int side = options.side + 2 * options.border;
  return {side, side};
}

ClipSize output_size(const ClipFlowOptions& options, ClipSize frames) {
  return options.order == FlowOrder::kAsIs ? frames : ClipSize{options.side, options.side};
}

std::unique_ptr<ClipFlow> cpu_clip_flow(const ClipFlowOptions& options, ClipSize frames, ThreadPool& pool,
                                        const std::string& isa) {
  check(options);
  return std::make_unique<CpuClipFlow>(options, frames, pool, isa);
}

}  // namespace shcnn::flow
