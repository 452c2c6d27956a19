// Driver of the TV-L1 solver: checks, memory, the pyramid, and the loops over levels, warps, medians and iterations.
//
// It is parallel in one of two ways, with bit-identical results. With at least as many pairs as threads, each thread
// solves pairs of its own; otherwise all threads form a team that runs the same loops in step, each member on its band
// of rows, with barriers between stages. The arithmetic of a pixel does not depend on its band, and the error that
// decides about stopping is summed row by row in a fixed order.
#include "flow/tvl1.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

#include "flow/pyramid_plan.h"
#include "flow/stages.h"
#include "kernels/error.h"
#include "kernels/host/thread_pool.h"

namespace shcnn::flow {
namespace {

constexpr int kVector = 16;      // floats of the widest vector
constexpr int kRecordFrame = 4;  // px of zeros around Level::records
constexpr int kWorkPlanes = 16;  // u1 u2 m1 m2 p11 p12 p21 p22 I1wx I1wy rho_c grad inv_grad, with gamma u3 p31 p32
constexpr int kWorkPlanesNoGamma = 13;

/// Floats aligned to 64 bytes.
class Floats {
 public:
  Floats() = default;
  explicit Floats(std::size_t count)
      : data_(static_cast<float*>(::operator new (count * sizeof(float), std::align_val_t{64})), Delete{}) {
    std::memset(data_.get(), 0, count * sizeof(float));
  }
  float* data() const { return data_.get(); }

 private:
  struct Delete {
    void operator()(float* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<float, Delete> data_;
};

/// Threads that run the same code in step.
class Team {
 public:
  explicit Team(int members) : members_(members) {}
  int members() const { return members_; }
  /// The member's share of `height` rows.
  Rows share(int height, int member) const {
    return {static_cast<int>(std::int64_t{height} * member / members_),
            static_cast<int>(std::int64_t{height} * (member + 1) / members_)};
  }
  /// Returns once all members have called it; their earlier writes are then visible to all members.
  void barrier() {
    if (members_ == 1) return;
    const int phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    for (int spins = 0; spins < kSpins; ++spins) {
      if (phase_.load(std::memory_order_acquire) != phase) return;
    }
    // Another process probably runs on a member's core. A thread that blocks here runs again as soon as it is notified;
    // a thread that spins or yields would wait for a time slice at every barrier.
    phase_.wait(phase, std::memory_order_acquire);
  }

 private:
  static constexpr int kSpins = 20000;  // about ten microseconds: the usual delay between members
  const int members_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<int> phase_{0};
};

/// Memory for solving one pair, sized for the largest level.
struct Workspace {
  std::vector<Floats> I1;  // (height, width) per level
  Floats records;          // see Level::records
  Floats planes;           // the working planes, row by row: row y of all planes, then row y + 1
  Floats coarse;           // u1, u2, u3 of the coarser level
  std::vector<float> row_error;
  Tvl1Counts counts;
};

[[noreturn]] void not_finite(const char* what) {
  throw Error(ErrorKind::kBadData, "tvl1", message(what, " holds NaN or infinite pixels"));
}

/// Leaves at least one zero after each row.
int plane_pitch(int width) { return (width + 1 + kVector - 1) / kVector * kVector; }

}  // namespace

void check(const Tvl1Params& p) {
  // Far wider than useful, but narrow enough that no product of two values leaves the range of a float.
  const auto within = [](const char* name, auto value, auto least, auto most) {
    if (value >= least && value <= most) return;  // false for NaN
    throw Error(ErrorKind::kUsage, "tvl1", message(name, " = ", value, ", must be ", least, " to ", most));
  };
  within("tau", p.tau, 1e-6, 10.0);
  within("lambda", p.lambda, 1e-6, 1e4);
  within("theta", p.theta, 1e-6, 1e4);
  within("gamma", p.gamma, 0.0, 1e3);
  within("scales", p.scales, 1, 100);
  within("warps", p.warps, 1, 10'000);
  within("epsilon", p.epsilon, 0.0, 1e3);
  within("inner_iterations", p.inner_iterations, 1, 100'000);
  within("outer_iterations", p.outer_iterations, 1, 100'000);
  within("scale_step", p.scale_step, 0.01, 0.99);
  if (p.median_filter != 1 && p.median_filter != 3 && p.median_filter != 5) {
    throw Error(ErrorKind::kUsage, "tvl1", message("median_filter = ", p.median_filter, ", must be 1 (none), 3 or 5"));
  }
}

void check_size(int width, int height) {
  if (width < 1 || height < 1 || width > kLargestSide || height > kLargestSide) {
    throw Error(ErrorKind::kBadData, "tvl1",
                message("images of ", width, " x ", height, " pixels; sides must be 1 to ", kLargestSide));
  }
}

void check_image(const GrayImage& image, Size expected, const char* what) {
  if (!image.data) throw Error(ErrorKind::kUsage, "tvl1", message(what, " has no pixels"));
  if (image.width != expected.width || image.height != expected.height) {
    throw Error(ErrorKind::kBadData, "tvl1",
                message(what, " has ", image.width, " x ", image.height, " pixels, expected ", expected.width, " x ",
                        expected.height, "; resize the frames to one size"));
  }
  if (std::abs(image.stride) < image.width) {
    throw Error(ErrorKind::kUsage, "tvl1",
                message(what, " has a row stride of ", image.stride, ", less than its width"));
  }
}

void check_finite(const GrayImage& image, const char* what) {
  if (!image.is_float && !std::isfinite(image.scale)) not_finite(what);
  for (int y = 0; image.is_float && y < image.height; ++y) {
    const float* row = static_cast<const float*>(image.data) + y * image.stride;
    for (int x = 0; x < image.width; ++x) {
      if (!std::isfinite(row[x] * image.scale)) not_finite(what);
    }
  }
}

void check_flow_field(const FlowField& flow, Size expected, bool holds_initial_flow, int index) {
  if (!flow.data || flow.width != expected.width || flow.height != expected.height || flow.stride < 2 * flow.width) {
    throw Error(ErrorKind::kUsage, "tvl1", message("flow field ", index, " does not fit its image"));
  }
  for (int y = 0; holds_initial_flow && y < flow.height; ++y) {
    for (int x = 0; x < 2 * flow.width; ++x) {
      if (std::abs(flow.data[y * flow.stride + x]) <= kLargestSide) continue;  // false for NaN
      throw Error(ErrorKind::kBadData, "tvl1",
                  message("the initial flow at row ", y, ", column ", x / 2, " is no number of at most ", kLargestSide,
                          " px (in .flo files such a vector is unknown); give a flow whose vectors are all known"));
    }
  }
}

void check_solved(const FlowField& flow, std::size_t index) {
  for (int y = 0; y < flow.height; ++y) {
    for (int x = 0; x < 2 * flow.width; ++x) {
      if (std::isfinite(flow.data[y * flow.stride + x])) continue;
      throw Error(ErrorKind::kNonFinite, "tvl1",
                  message("the flow to later image ", index, " became NaN or infinite at row ", y, ", column ", x / 2,
                          "; use tau, lambda, theta and gamma nearer to their defaults"));
    }
  }
}

struct Tvl1::Impl {
  static const Tvl1Params& checked(const Tvl1Params& p, int width, int height) {
    check(p);
    check_size(width, height);
    return p;
  }

  Tvl1Params params;
  ThreadPool& pool;
  const Stages& stages;
  const std::string isa_name = stages.isa;
  const StepSizes steps;
  const PyramidPlan plan;
  const std::vector<Size>& sizes = plan.sizes;
  const std::vector<LevelStep>& level_steps = plan.steps;
  std::vector<Floats> I0;  // (height, width) per level
  bool has_first = false;
  std::vector<Workspace> workspaces;  // one per thread

  Impl(const Tvl1Params& p, int width, int height, ThreadPool& threads, const std::string& isa)
      : params(checked(p, width, height)),
        pool(threads),
        stages(select_stages(isa)),
        steps(step_sizes(p)),
        plan(p, width, height) {
    I0 = pyramid_memory();
    workspaces.resize(static_cast<std::size_t>(pool.size()));
    for (Workspace& w : workspaces) {
      w.I1 = pyramid_memory();
      w.records = Floats(4 * static_cast<std::size_t>(width + 2 * kRecordFrame) * (height + 2 * kRecordFrame));
      w.planes = Floats(planes_floats(sizes[0]));
      w.coarse = Floats(static_cast<std::size_t>(coarse_planes() * sizes[sizes.size() > 1 ? 1 : 0].area()));
      w.row_error.resize(height);
    }
  }

  bool has_gamma() const { return params.gamma != 0; }
  int work_planes() const { return has_gamma() ? kWorkPlanes : kWorkPlanesNoGamma; }
  int coarse_planes() const { return has_gamma() ? 3 : 2; }
  /// Size of the working planes: a row above, the rows, and room for vectors that start at the last pixel.
  std::size_t planes_floats(Size size) const {
    return static_cast<std::size_t>(work_planes()) * plane_pitch(size.width) * (size.height + 1) + 2 * kVector;
  }
  std::vector<Floats> pyramid_memory() const {
    std::vector<Floats> levels;
    for (const Size& size : sizes) levels.emplace_back(static_cast<std::size_t>(size.area()));
    return levels;
  }
  Plane pyramid_plane(const std::vector<Floats>& pyramid, int s) const { return {pyramid[s].data(), sizes[s].width}; }

  /// Computes one team member's share of all levels of one image.
  void make_pyramid(const GrayImage& image, const std::vector<Floats>& pyramid, Team& team, int member) const {
    stages.to_float(image, pyramid_plane(pyramid, 0), team.share(image.height, member));
    for (int s = 1; s < static_cast<int>(sizes.size()); ++s) {
      team.barrier();
      const LevelStep& step = level_steps[s - 1];
      stages.resize(pyramid_plane(pyramid, s - 1), pyramid_plane(pyramid, s), sizes[s].width, step.down_x.view(),
                    step.down_y.view(), 1.0, team.share(sizes[s].height, member));
    }
  }

  /// The planes of level s in a workspace.
  Level make_level(const Workspace& w, int s) const {
    Level level;
    level.width = sizes[s].width;
    level.height = sizes[s].height;
    level.I0 = pyramid_plane(I0, s);
    level.I1 = pyramid_plane(w.I1, s);
    level.records = {w.records.data(), 4 * std::ptrdiff_t{level.width + 2 * kRecordFrame}};
    const std::ptrdiff_t pitch = plane_pitch(level.width);
    const std::ptrdiff_t stride = work_planes() * pitch;
    float* next = w.planes.data() + kVector + stride;  // below the row of zeros
    for (Plane* plane :
         {&level.u1, &level.u2, &level.p11, &level.p12, &level.p21, &level.p22, &level.I1wx, &level.I1wy, &level.rho_c,
          &level.grad, &level.inv_grad, &level.m1, &level.m2, &level.u3, &level.p31, &level.p32}) {
      *plane = {next, stride};
      next += pitch;
      if (!has_gamma() && plane == &level.m2) break;
    }
    return level;
  }

  Plane coarse_plane(const Workspace& w, int which, Size size) const {
    return {w.coarse.data() + which * size.area(), size.width};
  }

  /// Solves one pair as a member of a team: the algorithm, stage by stage.
  void solve_pair(Workspace& w, const GrayImage& image, const FlowField& flow, Team& team, int member) const {
    make_pyramid(image, w.I1, team, member);
    const int top = static_cast<int>(sizes.size()) - 1;
    for (int s = top; s >= 0; --s) {
      team.barrier();
      Level level = make_level(w, s);
      start_level(w, level, s, team, member);
      if (s < top) {
        upscale(w, level, s, team, member);
      } else if (params.use_initial_flow) {
        initial_flow(level, flow, s, team.share(level.height, member));
      }
      stages.gradient(level, team.share(level.height, member));
      for (int k = 0; k < params.warps; ++k) {
        team.barrier();
        stages.warp(level, team.share(level.height, member));
        iterate(w, level, team, member);
      }
      if (s > 0) keep_coarse(w, level, s, team.share(level.height, member));
      if (s == 0) write_flow(level, flow, team.share(level.height, member));
    }
  }

  /// Iterations between two warps: medians (outer), and threshold, primal and dual steps (inner), until the flow
  /// converges.
  void iterate(Workspace& w, Level& level, Team& team, int member) const {
    const Rows rows = team.share(level.height, member);
    const double enough = params.epsilon * params.epsilon * static_cast<double>(sizes_area(level));
    double error = std::numeric_limits<double>::infinity();
    const auto goes_on = [&] { return !params.early_stop || error > enough; };
    for (int outer = 0; outer < params.outer_iterations && goes_on(); ++outer) {
      if (params.median_filter > 1) {
        team.barrier();  // the median reads u of the neighbouring bands
        stages.median(level, params.median_filter, rows);
        std::swap(level.u1, level.m1);
        std::swap(level.u2, level.m2);
        team.barrier();
        if (member == 0) ++w.counts.medians;
      }
      for (int inner = 0; inner < params.inner_iterations && goes_on(); ++inner) {
        stages.primal_dual(level, steps, rows, w.row_error.data());
        team.barrier();
        error = 0;
        for (int y = 0; y < level.height; ++y) error += w.row_error[y];
        if (rows.begin < rows.end) stages.dual_row(level, steps, rows.end - 1);
        team.barrier();
        if (member == 0) {
          ++w.counts.iterations;
          w.counts.pixel_iterations += sizes_area(level);
        }
      }
    }
  }

  static std::int64_t sizes_area(const Level& level) { return std::int64_t{level.width} * level.height; }

  /// Zeroes the working planes (duals, u, padding) and the frame of the records.
  void start_level(Workspace& w, const Level& level, int s, Team& team, int member) const {
    if (member == 0) {
      std::memset(w.planes.data(), 0, planes_floats(sizes[s]) * sizeof(float));
      std::memset(w.records.data(), 0,
                  static_cast<std::size_t>(level.records.stride) * (level.height + 2 * kRecordFrame) * sizeof(float));
    }
    team.barrier();
  }

  void upscale(const Workspace& w, const Level& level, int s, Team& team, int member) const {
    const LevelStep& step = level_steps[s];
    const double larger = 1.0 / params.scale_step;
    const Rows rows = team.share(level.height, member);
    const Plane planes[] = {level.u1, level.u2, level.u3};
    for (int i = 0; i < coarse_planes(); ++i) {
      stages.resize(coarse_plane(w, i, sizes[s + 1]), planes[i], level.width, step.up_x.view(), step.up_y.view(),
                    i < 2 ? larger : 1.0, rows);  // u3 is in gray levels: it does not grow with the image
    }
  }

  void keep_coarse(const Workspace& w, const Level& level, int s, Rows rows) const {
    const Plane planes[] = {level.u1, level.u2, level.u3};
    for (int i = 0; i < coarse_planes(); ++i) {
      const Plane to = coarse_plane(w, i, sizes[s]);
      for (int y = rows.begin; y < rows.end; ++y) {
        std::memcpy(to.row(y), planes[i].row(y), static_cast<std::size_t>(level.width) * sizeof(float));
      }
    }
  }

  /// Sets u of the coarsest level from the caller's flow, resized through all levels and scaled at each step.
  void initial_flow(const Level& level, const FlowField& flow, int s, Rows rows) const {
    std::vector<float> from(2 * static_cast<std::size_t>(sizes[0].area()));
    for (int i = 0; i < 2; ++i) {
      const Plane planes[] = {{from.data(), sizes[0].width}, {from.data() + sizes[0].area(), sizes[0].width}};
      for (int y = 0; y < flow.height; ++y) {
        for (int x = 0; x < flow.width; ++x) planes[0].row(y)[x] = flow.data[y * flow.stride + 2 * x + i];
      }
      int now = 0;
      for (int step = 0; step < s; ++step, now ^= 1) {
        const LevelStep& axes = level_steps[step];
        stages.resize({planes[now].data, sizes[step].width}, {planes[now ^ 1].data, sizes[step + 1].width},
                      sizes[step + 1].width, axes.down_x.view(), axes.down_y.view(), params.scale_step,
                      {0, sizes[step + 1].height});
      }
      const Plane to = i == 0 ? level.u1 : level.u2;
      for (int y = rows.begin; y < rows.end; ++y) {
        std::memcpy(to.row(y), planes[now].data + std::ptrdiff_t{y} * level.width,
                    static_cast<std::size_t>(level.width) * sizeof(float));
      }
    }
  }

  static void write_flow(const Level& level, const FlowField& flow, Rows rows) {
    for (int y = rows.begin; y < rows.end; ++y) {
      const float* u1 = level.u1.row(y);
      const float* u2 = level.u2.row(y);
      float* to = flow.data + y * flow.stride;
      for (int x = 0; x < level.width; ++x) {
        to[2 * x] = u1[x];
        to[2 * x + 1] = u2[x];
      }
    }
  }
};

Tvl1::Tvl1(const Tvl1Params& params, int width, int height, ThreadPool& pool, const std::string& isa)
    : impl_(std::make_unique<Impl>(params, width, height, pool, isa)) {}
Tvl1::~Tvl1() = default;

void Tvl1::set_first(const GrayImage& first) {
  Impl& m = *impl_;
  check_image(first, m.sizes[0], "the first image");
  check_finite(first, "the first image");
  Team alone(1);
  m.make_pyramid(first, m.I0, alone, 0);
  m.has_first = true;
}

Tvl1Counts Tvl1::solve(std::span<const GrayImage> later, std::span<const FlowField> flows) {
  Impl& m = *impl_;
  if (!m.has_first) throw Error(ErrorKind::kUsage, "tvl1", "solve before set_first");
  if (later.size() != flows.size()) {
    throw Error(ErrorKind::kUsage, "tvl1", message(later.size(), " images but ", flows.size(), " flow fields"));
  }
  for (std::size_t i = 0; i < later.size(); ++i) {
    const std::string what = "later image " + std::to_string(i);
    check_image(later[i], m.sizes[0], what.c_str());
    check_finite(later[i], what.c_str());
    check_flow_field(flows[i], m.sizes[0], m.params.use_initial_flow, static_cast<int>(i));
  }
  for (Workspace& w : m.workspaces) w.counts = {};
  const int threads = m.pool.size();
  if (static_cast<int>(later.size()) >= threads) {
    m.pool.run(static_cast<std::int64_t>(later.size()), [&](std::int64_t i, int worker) {
      Team alone(1);
      m.solve_pair(m.workspaces[worker], later[i], flows[i], alone, 0);
    });
  } else {
    for (std::size_t i = 0; i < later.size(); ++i) {
      Team team(threads);  // the barriers keep each thread in its task until every thread has taken one
      m.pool.run(threads, [&](std::int64_t member, int) {
        m.solve_pair(m.workspaces[0], later[i], flows[i], team, static_cast<int>(member));
      });
    }
  }
  for (std::size_t i = 0; i < flows.size(); ++i) check_solved(flows[i], i);
  Tvl1Counts sum;
  for (const Workspace& w : m.workspaces) sum += w.counts;
  return sum;
}

const std::string& Tvl1::isa() const { return impl_->isa_name; }

}  // namespace shcnn::flow
