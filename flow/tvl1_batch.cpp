// Driver of the batch solver: memory, and the loops over levels, warps, medians and iterations, which queue the stages
// of flow/cuda for all pairs at the same time.
//
// The host queues work without waiting for decisions: `advance` decides on the device whether a pair continues, and
// blocks of pairs that rest return immediately. To avoid queueing more than needed, the host stays only a few launches
// ahead of the device, which therefore always has work, and reads the entries that the device writes to `finished`
// (host memory). Once every pair of the batch rests, the host queues no more iterations of this warp.
#include "flow/tvl1_batch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>

#include "flow/cuda/tiles.h"
#include "flow/pyramid_plan.h"
#include "kernels/error.h"

namespace shcnn::flow {
namespace {

constexpr int kPitchFloats = 8;   // rows start at multiples of 32 bytes, a memory sector
constexpr int kRecordFrame = 4;   // px of zeros around BatchLevel::records
constexpr int kWarpedPlanes = 3;  // I1wx, I1wy, rho_c

std::ptrdiff_t round_up(std::ptrdiff_t count, std::ptrdiff_t each) { return (count + each - 1) / each * each; }

int pitch_of(int width) { return static_cast<int>(round_up(width, kPitchFloats)); }

/// Host memory that the device can access.
class HostBuffer {
 public:
  HostBuffer(Device& device, std::size_t bytes) : device_(device), data_(device.allocate_host(bytes)) {}
  ~HostBuffer() { device_.release_host(data_); }
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  Device& device_;
  void* data_;
};

/// The axes of a LevelStep in device memory.
struct DeviceStep {
  DeviceAxis down_x, down_y, up_x, up_y;
};

}  // namespace

DeviceAxis::DeviceAxis(Device& device, const ResizeAxis& axis, int size)
    : size_(size),
      in_order_from_(axis.in_order_from),
      memory_(device, static_cast<std::size_t>(size) * 3 * sizeof(float)) {
  static_assert(sizeof(int) == sizeof(float));
  char* to = static_cast<char*>(memory_.data());
  const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(float);
  device.copy_in(to, axis.index0, bytes);
  device.copy_in(to + bytes, axis.index1, bytes);
  device.copy_in(to + 2 * bytes, axis.weight, bytes);
  device.synchronize();  // the caller may free its arrays after this
}

ResizeAxis DeviceAxis::view() const {
  const int* first = static_cast<const int*>(memory_.data());
  return {first, first + size_, reinterpret_cast<const float*>(first + 2 * size_), in_order_from_};
}

int step_tiles(int width, int height, int components) {
  const auto tiles = [&](auto tile) {
    return tiles_along(width, decltype(tile)::kWidth) * tiles_along(height, decltype(tile)::kHeight);
  };
  return components == 3 ? tiles(StepTile<3>{}) : tiles(StepTile<2>{});
}

struct Tvl1Batch::Impl {
  const Tvl1Params params;
  const int max_pairs;
  const Context context;
  Device& device;
  const BatchStages& stages;
  const StepSizes steps;
  const PyramidPlan plan;
  const std::vector<Size>& sizes = plan.sizes;
  const int components;
  const std::ptrdiff_t image_bytes;         // of one image in the staging memory
  const std::ptrdiff_t plane;               // floats of one working plane, sized for the largest level
  std::vector<std::ptrdiff_t> level_begin;  // floats of the pyramid before level s; last entry: of the whole pyramid
  std::vector<DeviceStep> level_steps;
  DeviceBuffer images, formats, I0, I1, records, u, p, warped, errors, progress, flow;
  HostBuffer host_images, host_formats, finished;
  std::vector<Progress> host_progress;
  static constexpr int kAhead = 3;  // launches; below Device::kMarks
  std::array<std::uint64_t, kAhead> marks{};
  int serial = 0;  // number of the newest warp
  int pairs = 0;   // of the last batch
  bool has_first = false;

  static const Tvl1Params& checked(const Tvl1Params& params, int width, int height, int max_pairs) {
    check(params);
    check_size(width, height);
    if (max_pairs < 1 || max_pairs > kMostPairs) {
      throw Error(ErrorKind::kUsage, "tvl1", message(max_pairs, " pairs at once, must be 1 to ", kMostPairs));
    }
    return params;
  }

  DeviceBuffer floats(std::ptrdiff_t count) { return {device, static_cast<std::size_t>(count) * sizeof(float)}; }

  Impl(const Tvl1Params& wanted, int width, int height, int most_pairs, const Context& context_,
       const BatchStages& stages_)
      : params(checked(wanted, width, height, most_pairs)),
        max_pairs(most_pairs),
        context(context_),
        device(*context_.device),
        stages(stages_),
        steps(step_sizes(params)),
        plan(params, width, height),
        components(params.gamma != 0 ? 3 : 2),
        image_bytes(round_up(plan.sizes[0].area() * static_cast<std::ptrdiff_t>(sizeof(float)), 16)),
        plane(std::ptrdiff_t{pitch_of(width)} * height),
        images(device, static_cast<std::size_t>(max_pairs * image_bytes)),
        formats(device, static_cast<std::size_t>(max_pairs) * sizeof(PixelFormat)),
        records(floats(max_pairs * record_floats(plan.sizes[0]))),
        u(floats(max_pairs * 2 * components * plane)),
        p(floats(max_pairs * 4 * components * plane)),
        warped(floats(max_pairs * kWarpedPlanes * plane)),
        progress(device, static_cast<std::size_t>(max_pairs) * sizeof(Progress)),
        flow(floats(max_pairs * 2 * plan.sizes[0].area())),
        host_images(device, static_cast<std::size_t>(max_pairs * image_bytes)),
        host_formats(device, static_cast<std::size_t>(max_pairs) * sizeof(PixelFormat)),
        finished(device, static_cast<std::size_t>(max_pairs) * sizeof(int)),
        host_progress(static_cast<std::size_t>(max_pairs)) {
    std::ptrdiff_t pyramid = 0;
    int most_tiles = 0;
    for (const Size& size : sizes) {
      level_begin.push_back(pyramid);
      pyramid += std::ptrdiff_t{pitch_of(size.width)} * size.height;
      most_tiles = std::max(most_tiles, step_tiles(size.width, size.height, components));
    }
    level_begin.push_back(pyramid);
    I0 = floats(pyramid);
    I1 = floats(max_pairs * pyramid);
    errors = floats(std::ptrdiff_t{max_pairs} * kBatchSteps * most_tiles);
    for (const LevelStep& step : plan.steps) {
      const auto copy = [&](const Axis& axis) { return DeviceAxis(device, axis.view(), axis.size()); };
      level_steps.push_back({copy(step.down_x), copy(step.down_y), copy(step.up_x), copy(step.up_y)});
    }
    std::fill_n(finished.as<int>(), max_pairs, 0);
    device.fill_zero(flow.data(), flow.bytes());  // an initial flow that was not set is zero
  }

  static std::ptrdiff_t record_floats(Size size) {
    return 4 * std::ptrdiff_t{size.width + 2 * kRecordFrame} * (size.height + 2 * kRecordFrame);
  }
  static float* as_floats(const DeviceBuffer& buffer) { return static_cast<float*>(buffer.data()); }

  BatchPlanes pyramid_planes(const DeviceBuffer& pyramid, std::ptrdiff_t pair_floats, int s) const {
    return {as_floats(pyramid) + level_begin[s], pair_floats, 0, pitch_of(sizes[s].width)};
  }
  BatchPlanes I0_planes(int s) const { return pyramid_planes(I0, 0, s); }
  BatchPlanes I1_planes(int s) const { return pyramid_planes(I1, level_begin.back(), s); }

  BatchLevel make_level(int s) const {
    BatchLevel level;
    level.pairs = pairs;
    level.width = sizes[s].width;
    level.height = sizes[s].height;
    level.components = components;
    level.I0 = I0_planes(s);
    level.I1 = I1_planes(s);
    level.records = {as_floats(records), record_floats(sizes[s]), 0,
                     4 * std::ptrdiff_t{level.width + 2 * kRecordFrame}};
    const std::ptrdiff_t pitch = pitch_of(level.width);
    level.u = {as_floats(u), 2 * components * plane, plane, pitch};
    level.p = {as_floats(p), 4 * components * plane, plane, pitch};
    level.warped = {as_floats(warped), kWarpedPlanes * plane, plane, pitch};
    level.progress = static_cast<Progress*>(progress.data());
    return level;
  }

  /// Copies the pixels to the device and computes the pyramid in planes_of(0), planes_of(1), ...
  template <class PlanesOf>
  void make_pyramid(std::span<const GrayImage> from, PlanesOf planes_of) {
    device.synchronize();  // copies of the last batch may still be reading the staging memory
    const int count = static_cast<int>(from.size());
    for (int i = 0; i < count; ++i) {
      const GrayImage& image = from[static_cast<std::size_t>(i)];
      const std::size_t pixel_bytes = image.is_float ? sizeof(float) : 1;
      const std::size_t row_bytes = static_cast<std::size_t>(image.width) * pixel_bytes;
      unsigned char* to = host_images.as<unsigned char>() + i * image_bytes;
      for (int y = 0; y < image.height; ++y, to += row_bytes) {
        const auto* row =
            static_cast<const unsigned char*>(image.data) + y * image.stride * std::ptrdiff_t(pixel_bytes);
        std::memcpy(to, row, row_bytes);
      }
      host_formats.as<PixelFormat>()[i] = {image.scale, image.is_float ? 1 : 0};
    }
    device.copy_in(images.data(), host_images.as<void>(), static_cast<std::size_t>(count * image_bytes));
    device.copy_in(formats.data(), host_formats.as<void>(), static_cast<std::size_t>(count) * sizeof(PixelFormat));
    const BatchImages batch{static_cast<const unsigned char*>(images.data()), image_bytes,
                            static_cast<const PixelFormat*>(formats.data())};
    stages.to_float(context, batch, planes_of(0), count, sizes[0].width, sizes[0].height);
    for (int s = 1; s < static_cast<int>(sizes.size()); ++s) {
      const DeviceStep& step = level_steps[s - 1];
      BatchResize down;
      down.in = planes_of(s - 1);
      down.out = planes_of(s);
      down.pairs = count;
      down.width = sizes[s].width;
      down.height = sizes[s].height;
      down.horizontal = step.down_x.view();
      down.vertical = step.down_y.view();
      stages.resize(context, down);
    }
  }

  /// The whole solver: the algorithm, stage by stage.
  void solve(std::span<const GrayImage> later) {
    pairs = static_cast<int>(later.size());
    make_pyramid(later, [&](int s) { return I1_planes(s); });
    device.fill_zero(progress.data(), static_cast<std::size_t>(pairs) * sizeof(Progress));
    const int top = static_cast<int>(sizes.size()) - 1;
    start_flow(top);
    for (int s = top; s >= 0; --s) {
      const BatchLevel level = make_level(s);
      device.fill_zero(p.data(), static_cast<std::size_t>(pairs * 4 * components * plane) * sizeof(float));
      if (s < top) resize_flow(s + 1, s, true);
      stages.gradient(context, level);
      for (int k = 0; k < params.warps; ++k) {
        stages.warp(context, level);
        iterate(level);
      }
    }
    stages.write_flow(context, make_level(0), as_floats(flow));
  }

  /// Sets u of the coarsest level: zero, or the initial flow resized through all levels and scaled at each step.
  void start_flow(int top) {
    if (!params.use_initial_flow) {
      device.fill_zero(u.data(), static_cast<std::size_t>(pairs * 2 * components * plane) * sizeof(float));
      return;
    }
    stages.read_flow(context, make_level(0), as_floats(flow));
    for (int s = 0; s < top; ++s) resize_flow(s, s + 1, false);
  }

  /// Resizes u of level `from` to level `to`, which is one level finer (up) or coarser.
  void resize_flow(int from, int to, bool up) {
    const DeviceStep& step = level_steps[std::min(from, to)];
    const BatchLevel level = make_level(to);
    BatchResize r;
    r.in = make_level(from).u;
    r.out = level.u;
    r.pairs = pairs;
    r.planes = components;
    r.width = level.width;
    r.height = level.height;
    r.horizontal = up ? step.up_x.view() : step.down_x.view();
    r.vertical = up ? step.up_y.view() : step.down_y.view();
    r.factor = up ? 1.0 / params.scale_step : params.scale_step;
    r.progress = level.progress;
    stages.resize(context, r);
    stages.turn(context, level, false);
  }

  /// Iterations between two warps: medians (outer), and threshold, primal and dual steps (inner), until all pairs rest.
  void iterate(const BatchLevel& level) {
    const StopRule rule{params.early_stop,
                        params.epsilon * params.epsilon * static_cast<double>(level.width) * level.height, ++serial};
    int queued = 0;
    for (int outer = 0; outer < params.outer_iterations; ++outer) {
      if (params.median_filter > 1) {
        stages.median(context, level, params.median_filter);
        stages.turn(context, level, true);
      }
      for (int inner = 0; inner < params.inner_iterations; inner += kBatchSteps) {
        queue_steps(level, rule, std::min(kBatchSteps, params.inner_iterations - inner));
        if (rule.early_stop && all_rest(queued++)) return;
      }
    }
    if (rule.early_stop) queue_steps(level, rule, 0);  // 0 steps for running pairs; pairs in kAgain do their repeat
  }

  void queue_steps(const BatchLevel& level, const StopRule& rule, int count) {
    stages.primal_dual(context, level, steps, count, as_floats(errors));
    stages.advance(context, level, rule, count, as_floats(errors), finished.as<int>());
  }

  /// Whether every pair of the batch rests in this warp, as far as the device has reported. `queued` is the number of
  /// iteration launches before the newest one. Waits until the device is at most kAhead launches behind.
  bool all_rest(int queued) {
    std::uint64_t& slot = marks[static_cast<std::size_t>(queued % kAhead)];
    if (queued >= kAhead) device.wait(slot);
    slot = device.mark();
    int* of_pairs = finished.as<int>();
    return std::all_of(of_pairs, of_pairs + pairs,
                       [&](int& of_pair) { return std::atomic_ref(of_pair).load() == serial; });
  }

  Tvl1Counts counts() {
    device.copy_out(host_progress.data(), progress.data(), static_cast<std::size_t>(pairs) * sizeof(Progress));
    Tvl1Counts sum;
    for (int i = 0; i < pairs; ++i) {
      const Progress& of_pair = host_progress[static_cast<std::size_t>(i)];
      sum.iterations += of_pair.iterations;
      sum.pixel_iterations += of_pair.pixel_iterations;
      sum.medians += of_pair.medians;
    }
    return sum;
  }
};

Tvl1Batch::Tvl1Batch(const Tvl1Params& params, int width, int height, int max_pairs, const Context& context,
                     const BatchStages& stages)
    : impl_(std::make_unique<Impl>(params, width, height, max_pairs, context, stages)) {}
Tvl1Batch::~Tvl1Batch() = default;

void Tvl1Batch::set_first(const GrayImage& first) {
  Impl& m = *impl_;
  check_image(first, m.sizes[0], "the first image");
  check_finite(first, "the first image");
  m.make_pyramid({&first, 1}, [&](int s) { return m.I0_planes(s); });
  m.has_first = true;
}

BatchFlows Tvl1Batch::solve_on_device(std::span<const GrayImage> later) {
  Impl& m = *impl_;
  if (!m.has_first) throw Error(ErrorKind::kUsage, "tvl1", "solve before set_first");
  if (later.size() > static_cast<std::size_t>(m.max_pairs)) {
    throw Error(ErrorKind::kUsage, "tvl1", message(later.size(), " images, but memory for ", m.max_pairs, " pairs"));
  }
  for (std::size_t i = 0; i < later.size(); ++i) {
    const std::string what = "later image " + std::to_string(i);
    check_image(later[i], m.sizes[0], what.c_str());
    check_finite(later[i], what.c_str());
  }
  if (!later.empty()) m.solve(later);
  BatchFlows solved = fields();
  solved.pairs = static_cast<int>(later.size());
  return solved;
}

BatchFlows Tvl1Batch::fields() const {
  const Impl& m = *impl_;
  return {m.as_floats(m.flow), m.max_pairs, m.sizes[0].width, m.sizes[0].height};
}

Tvl1Counts Tvl1Batch::counts() { return impl_->counts(); }

Tvl1Counts Tvl1Batch::solve(std::span<const GrayImage> later, std::span<const FlowField> flows) {
  Impl& m = *impl_;
  if (later.size() != flows.size()) {
    throw Error(ErrorKind::kUsage, "tvl1", message(later.size(), " images but ", flows.size(), " flow fields"));
  }
  for (std::size_t i = 0; i < flows.size(); ++i) {
    check_flow_field(flows[i], m.sizes[0], m.params.use_initial_flow, static_cast<int>(i));
  }
  const Size size = m.sizes[0];
  const std::size_t row_bytes = 2 * sizeof(float) * static_cast<std::size_t>(size.width);
  const auto row_on_device = [&](std::size_t pair, int y) {
    return m.as_floats(m.flow) + 2 * (static_cast<std::ptrdiff_t>(pair) * size.area() + std::ptrdiff_t{y} * size.width);
  };
  // Copies whole fields if their rows are contiguous, else row by row.
  const auto rows_at_once = [&](const FlowField& field) { return field.stride == 2 * size.width ? size.height : 1; };
  Tvl1Counts sum;
  for (std::size_t begin = 0; begin < later.size(); begin += static_cast<std::size_t>(m.max_pairs)) {
    const std::size_t count = std::min(later.size() - begin, static_cast<std::size_t>(m.max_pairs));
    for (std::size_t i = 0; m.params.use_initial_flow && i < count; ++i) {
      const FlowField& field = flows[begin + i];
      const int each = rows_at_once(field);
      for (int y = 0; y < size.height; y += each) {
        m.device.copy_in(row_on_device(i, y), field.data + y * field.stride,
                         row_bytes * static_cast<std::size_t>(each));
      }
    }
    solve_on_device(later.subspan(begin, count));
    for (std::size_t i = 0; i < count; ++i) {
      const FlowField& field = flows[begin + i];
      const int each = rows_at_once(field);
      for (int y = 0; y < size.height; y += each) {
        m.device.copy_out(field.data + y * field.stride, row_on_device(i, y),
                          row_bytes * static_cast<std::size_t>(each));
      }
    }
    for (std::size_t i = 0; i < count; ++i) check_solved(flows[begin + i], begin + i);
    sum += counts();
  }
  return sum;
}

}  // namespace shcnn::flow
