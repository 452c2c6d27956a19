// ClipFlow on a GPU or on simt: copies frames to the device, converts flow to images there, and copies back only what
// the caller asked for. Frames are resized on the host, which takes microseconds per frame and gives OpenCV's bytes.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "flow/clip_flow.h"
#include "flow/clip_frames.h"
#include "flow/frame_resize.h"
#include "flow/pyramid_plan.h"
#include "flow/tvl1_batch.h"
#include "kernels/backend.h"
#include "kernels/error.h"

namespace shcnn::flow {
namespace {

constexpr int kMostPairs = 64;
constexpr std::size_t kBatchBytes = std::size_t{1} << 30;  // of device memory; more if one pair needs it
constexpr std::size_t kBytesPerPixel = 160;                // of one pair, including the planes for gamma

int pairs_at_once(ClipSize size) {
  return static_cast<int>(
      std::clamp<std::size_t>(kBatchBytes / (kBytesPerPixel * std::max<std::size_t>(area(size), 1)), 1, kMostPairs));
}

/// The axis that resizes `from` pixels to `to` pixels, as resize_flow on the CPU does.
Axis flow_axis(Axis::Direction direction, int from, int to) {
  return Axis(direction, from, to, 1.0 / (static_cast<double>(to) / from));
}

class GpuClipFlow final : public ClipFlow {
 public:
  GpuClipFlow(const std::string& device, const BackendOptions& backend, const ClipFlowOptions& options, ClipSize frames)
      : options_(options),
        image_options_{options.colors, options.full_scale, resizes_frames() ? options.border : 0},
        frames_(frames),
        solved_(solved_size(options, frames)),
        output_(output_size(options, frames)),
        batch_(pairs_at_once(solved_)),
        stages_(select_batch_stages(device)),
        backend_(make_backend(device, backend)),
        solver_(options.tvl1, solved_.width, solved_.height, batch_, backend_.context, stages_),
        ranges_(*backend_.device, static_cast<std::size_t>(batch_) * kRangeParts * sizeof(FlowRange)),
        images_(*backend_.device, static_cast<std::size_t>(batch_) * 3 * area(output_)) {
    if (resizes_frames()) resized_.resize(static_cast<std::size_t>(batch_) * area(solved_));
    if (resizes_flows()) {
      const auto axis = [&](Axis::Direction direction, int from, int to) {
        return DeviceAxis(*backend_.device, flow_axis(direction, from, to).view(), to);
      };
      axes_.push_back(axis(Axis::Direction::kColumns, solved_.width, output_.width));
      axes_.push_back(axis(Axis::Direction::kRows, solved_.height, output_.height));
      output_flows_ =
          DeviceBuffer(*backend_.device, static_cast<std::size_t>(batch_) * 2 * sizeof(float) * area(output_));
    }
  }

  void set_first(const GrayImage& first) override {
    check_frame(first, frames_, "the first frame");
    solver_.set_first(resizes_frames() ? resized(first, 0) : first);
    has_first_ = true;
  }

  Tvl1Counts solve(std::span<const GrayImage> later, const ClipFlowOutput& out) override {
    if (!has_first_) refuse(ErrorKind::kUsage, "solve before set_first");
    if (options_.tvl1.use_initial_flow && !out.flows) {
      refuse(ErrorKind::kUsage, "use_initial_flow without flows to start from");
    }
    for (std::size_t i = 0; i < later.size(); ++i) check_frame(later[i], frames_, "later frame " + std::to_string(i));
    Tvl1Counts sum;
    for (std::size_t begin = 0; begin < later.size(); begin += static_cast<std::size_t>(batch_)) {
      const std::size_t count = std::min(later.size() - begin, static_cast<std::size_t>(batch_));
      solve_batch(later.subspan(begin, count), begin, out);
      sum += solver_.counts();
    }
    return sum;
  }

  int batch() const override { return batch_; }
  std::string name() const override { return backend_.device->name(); }

 private:
  bool resizes_frames() const { return options_.order == FlowOrder::kResizeThenFlow; }
  bool resizes_flows() const { return options_.order == FlowOrder::kFlowThenResize; }

  GrayImage resized(const GrayImage& frame, std::size_t slot) {
    std::uint8_t* to = resized_.data() + slot * area(solved_);
    resize_frame(frame, to, solved_.width, solved_.height);
    return GrayImage::bytes(to, solved_.width, solved_.height);
  }

  /// Solves one batch; later[i] is pair begin + i of the call.
  void solve_batch(std::span<const GrayImage> later, std::size_t begin, const ClipFlowOutput& out) {
    Device& device = *backend_.device;
    std::vector<GrayImage> frames(later.begin(), later.end());
    for (std::size_t i = 0; resizes_frames() && i < frames.size(); ++i) frames[i] = resized(later[i], i);
    if (options_.tvl1.use_initial_flow) {  // only with kAsIs: solved_ and output_ are equal
      for (std::size_t i = begin; i < begin + frames.size(); ++i) {
        check_flow_field(FlowField::dense(out.flows + 2 * i * area(solved_), solved_.width, solved_.height),
                         {solved_.width, solved_.height}, true, static_cast<int>(i));
      }
      device.copy_in(solver_.fields().data, out.flows + 2 * begin * area(solved_),
                     2 * sizeof(float) * frames.size() * area(solved_));
    }
    BatchFlows flows = solver_.solve_on_device(frames);
    if (resizes_flows()) {
      const BatchFlows to{static_cast<float*>(output_flows_.data()), flows.pairs, output_.width, output_.height};
      stages_.resize_flow(backend_.context, flows, to, axes_[0].view(), axes_[1].view());
      flows = to;
    }
    if (out.images) {
      auto* ranges = static_cast<FlowRange*>(ranges_.data());
      auto* images = static_cast<std::uint8_t*>(images_.data());
      if (image_options_.full_scale == 0) stages_.flow_range(backend_.context, flows, ranges);
      stages_.flow_image(backend_.context, flows, image_options_, ranges, images);
      device.copy_out(out.images + 3 * begin * area(output_), images, 3 * frames.size() * area(output_));
    }
    if (!out.flows) return;
    copy_flows(flows, out.flows + 2 * begin * area(output_));
    for (std::size_t i = begin; i < begin + frames.size(); ++i) {
      check_solved(FlowField::dense(out.flows + 2 * i * area(output_), output_.width, output_.height), i);
    }
  }

  /// Copies the flow fields without their border to the host.
  void copy_flows(const BatchFlows& flows, float* to) {
    const int border = image_options_.border;
    const std::size_t of_field = 2 * area({flows.width, flows.height});
    if (border == 0) {
      backend_.device->copy_out(to, flows.data, sizeof(float) * of_field * static_cast<std::size_t>(flows.pairs));
      return;
    }
    std::vector<float> field(of_field);
    for (int i = 0; i < flows.pairs; ++i) {
      backend_.device->copy_out(field.data(), flows.data + static_cast<std::size_t>(i) * of_field,
                                sizeof(float) * of_field);
      for (int y = 0; y < output_.height; ++y, to += 2 * output_.width) {
        std::memcpy(to, field.data() + 2 * ((y + border) * flows.width + border),
                    2 * sizeof(float) * static_cast<std::size_t>(output_.width));
      }
    }
  }

  const ClipFlowOptions options_;
  const FlowImageOptions image_options_;
  const ClipSize frames_, solved_, output_;
  const int batch_;
  const BatchStages& stages_;
  Backend backend_;
  Tvl1Batch solver_;
  DeviceBuffer ranges_, images_, output_flows_;
  std::vector<DeviceAxis> axes_;       // for resizing flow: columns, rows
  std::vector<std::uint8_t> resized_;  // (batch, solved height, solved width)
  bool has_first_ = false;
};

}  // namespace

std::unique_ptr<ClipFlow> gpu_clip_flow(const std::string& device, const BackendOptions& backend,
                                        const ClipFlowOptions& options, ClipSize frames) {
  check(options);
  return std::make_unique<GpuClipFlow>(device, backend, options, frames);
}

}  // namespace shcnn::flow
