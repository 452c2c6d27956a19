// shcnn flow: TV-L1 optical flow from the first frame to every later one, for two frames or a clip. Writes flow files
// and pictures.
//
// A clip is read, solved and written in batches, so that memory use does not depend on its length. Frames that are
// image files are all decoded once in advance, so that a bad file is found before anything is written.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>

#include "flow/clip_flow.h"
#include "io/clips/frames.h"
#include "io/files/output_folder.h"
#include "io/formats/flo.h"
#include "io/formats/npy.h"
#include "io/images/image.h"
#include "kernels/backend.h"
#include "tools/program/flow_overview.h"
#include "tools/program/pictures.h"
#include "tools/program/progress.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

struct FlowArguments {
  std::string out, truth, initial;
  std::string format = "flo", order = "as-is", colors = "hsv";
  bool fixed_iterations = false, no_images = false;
  flow::ClipFlowOptions options;
  std::vector<std::string> inputs;
};

/// Value of the choice `name`; Failure(kUsage) that lists all names if there is none.
template <class Value>
Value chosen(const char* flag, const std::string& name, std::initializer_list<std::pair<const char*, Value>> choices) {
  std::string names;
  for (const auto& [known, value] : choices) {
    if (name == known) return value;
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  throw Failure(ExitCode::kUsage, fmt::format("{}: '{}' is none of {}", flag, name, names));
}

struct Format {
  bool flo, npy;
};

/// Reads a flow field from a .flo or .npy file.
io::FlowArray read_flow(const fs::path& path) {
  if (path.extension() != ".npy") return io::read_flo(path);
  io::NpyArray array = io::read_npy(path);
  if (array.shape.size() != 3 || array.shape[2] != 2) {
    throw Failure(ExitCode::kBadData, path.string() + ": its shape is not (height, width, 2)");
  }
  return {array.shape[0], array.shape[1], std::move(array.values)};
}

std::unique_ptr<io::FrameReader> open_inputs(const std::vector<std::string>& inputs) {
  if (inputs.size() == 1) return io::open_clip(inputs[0]);
  return io::open_images({inputs.begin(), inputs.end()});
}

bool is_video(const std::vector<std::string>& inputs) { return inputs.size() == 1 && !fs::is_directory(inputs[0]); }

/// Decodes every image once, so that a bad file is found before anything is written.
void check_images(const std::vector<std::string>& inputs) {
  const auto reader = open_inputs(inputs);
  io::Frame frame;
  while (reader->next(frame)) {
  }
}

/// Statistics of the vector lengths of one flow field, px.
struct Magnitudes {
  double mean = 0, median = 0, p95 = 0, max = 0;
  double mean_u1 = 0, mean_u2 = 0;  ///< means of the components
};

Magnitudes magnitudes_of(std::span<const float> flow, std::vector<float>& lengths) {
  Magnitudes m;
  lengths.clear();
  for (std::size_t i = 0; i < flow.size(); i += 2) {
    lengths.push_back(flow::flow_length(flow[i], flow[i + 1]));
    m.mean += lengths.back();
    m.mean_u1 += flow[i];
    m.mean_u2 += flow[i + 1];
  }
  const auto count = static_cast<double>(lengths.size());
  m.mean /= count, m.mean_u1 /= count, m.mean_u2 /= count;
  const auto rank = [&](double share) {
    const auto nth = lengths.begin() + static_cast<std::ptrdiff_t>(share * (count - 1));
    std::nth_element(lengths.begin(), nth, lengths.end());
    return static_cast<double>(*nth);
  };
  m.median = rank(0.5);
  m.p95 = rank(0.95);
  m.max = *std::max_element(lengths.begin(), lengths.end());
  return m;
}

/// Mean end-point error over the known vectors of `truth`, px.
double endpoint_error(std::span<const float> flow, const io::FlowArray& truth) {
  double sum = 0;
  std::int64_t known = 0;
  for (std::size_t i = 0; i < flow.size(); i += 2) {
    const float t1 = truth.values[i], t2 = truth.values[i + 1];
    if (!(std::abs(t1) < io::kUnknownFlow) || !(std::abs(t2) < io::kUnknownFlow)) continue;
    sum += std::hypot(double{flow[i]} - t1, double{flow[i + 1]} - t2);
    ++known;
  }
  if (known == 0) throw Failure(ExitCode::kBadData, "--truth: no vector of it is known");
  return sum / static_cast<double>(known);
}

/// Whether this verb writes files with this name.
bool is_ours(const std::string& name) {
  if (name == "overview.png" || name == "magnitudes.csv") return true;
  if (name.size() != 15 || !name.starts_with("flow-")) return false;
  const std::string ending = name.substr(11);
  return std::all_of(name.begin() + 5, name.begin() + 11, [](char c) { return c >= '0' && c <= '9'; }) &&
         (ending == ".flo" || ending == ".npy" || ending == ".png");
}

/// Creates the folder and removes the files of an earlier run (--force), so that results are never mixed.
void prepare_folder(const fs::path& out) {
  io::make_output_folder(out);
  std::vector<fs::path> earlier;
  for (const fs::directory_entry& entry : fs::directory_iterator(out)) {
    if (is_ours(entry.path().filename().string())) earlier.push_back(entry.path());
  }
  for (const fs::path& file : earlier) fs::remove(file);
}

/// One run of the verb: reads frames in batches, writes the results, and keeps the data for the summary.
class FlowRun {
 public:
  FlowRun(const FlowArguments& args, const Common& common)
      : args_(args),
        common_(common),
        format_(chosen<Format>(
            "--format", args.format,
            {{"flo", {true, false}}, {"npy", {false, true}}, {"both", {true, true}}, {"none", {false, false}}})),
        progress_("flow", "pairs", common.talkative()) {}

  void run() {
    const auto reader = open_inputs(args_.inputs);
    io::Frame first;
    if (!reader->next(first)) throw Failure(ExitCode::kBadData, args_.inputs[0] + ": holds no frame");
    const flow::ClipSize frames{first.width, first.height};
    const std::int64_t expected = reader->expected() - 1;
    if (reader->expected() == 1 && !is_video(args_.inputs)) one_frame();
    BackendOptions backend;
    backend.threads = common_.threads;
    solver_ = flow::make_clip_flow(common_.device, backend, args_.options, frames);
    size_ = output_size(args_.options, frames);
    if (!args_.truth.empty()) truth_ = sized_flow(args_.truth);
    if (!args_.initial.empty()) initial_ = sized_flow(args_.initial);
    prepare_folder(args_.out);
    table_ = std::make_unique<io::AtomicFile>(fs::path(args_.out) / "magnitudes.csv", io::Overwrite::kYes);
    table_->write(std::string_view("frame,mean_px,median_px,p95_px,max_px,mean_u1_px,mean_u2_px\n"));

    solver_->set_first(view(first));
    overview_.set_first(first);
    std::vector<io::Frame> later(static_cast<std::size_t>(solver_->batch()));
    progress_.show(0, expected);
    for (bool more = true; more;) {
      std::size_t count = 0;
      while (count < later.size() && (more = reader->next(later[count]))) ++count;
      if (count > 0) solve(std::span(later).first(count));
      progress_.show(pairs_, std::max(expected, pairs_));
    }
    progress_.clear();
    if (pairs_ == 0) one_frame();
    if (is_video(args_.inputs)) video_ = {args_.inputs[0], reader->counts()};
    const std::string missing = incomplete(video_);
    if (!missing.empty()) remark(common_, missing);
    table_->commit();
    overview_.write(fs::path(args_.out) / "overview.png");
    report();
  }

 private:
  [[noreturn]] void one_frame() const {
    throw Failure(ExitCode::kBadData, args_.inputs[0] + ": holds one frame, flow needs two");
  }

  static flow::GrayImage view(const io::Frame& frame) {
    return flow::GrayImage::bytes(frame.pixels.data(), frame.width, frame.height);
  }

  /// Reads a flow field and checks that it has the size of the output.
  io::FlowArray sized_flow(const std::string& path) const {
    io::FlowArray flow = read_flow(path);
    if (flow.width != size_.width || flow.height != size_.height) {
      throw Failure(ExitCode::kBadData, fmt::format("{}: has {} x {} vectors, the flow {} x {}", path, flow.width,
                                                    flow.height, size_.width, size_.height));
    }
    return flow;
  }

  void solve(std::span<const io::Frame> later) {
    const std::size_t vectors = static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(size_.height);
    flows_.resize(later.size() * 2 * vectors);
    images_.resize(later.size() * 3 * vectors);
    std::vector<flow::GrayImage> views;
    for (std::size_t i = 0; i < later.size(); ++i) {
      views.push_back(view(later[i]));
      if (!initial_.values.empty()) {
        std::copy(initial_.values.begin(), initial_.values.end(),
                  flows_.begin() + static_cast<std::ptrdiff_t>(i * 2 * vectors));
      }
    }
    const auto begin = std::chrono::steady_clock::now();
    const flow::Tvl1Counts counts = solver_->solve(views, {flows_.data(), images_.data()});
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    iterations_ += counts.iterations;
    for (std::size_t i = 0; i < later.size(); ++i) {
      write_pair(later[i], std::span(flows_).subspan(i * 2 * vectors, 2 * vectors),
                 std::span(images_).subspan(i * 3 * vectors, 3 * vectors));
    }
  }

  void write_pair(const io::Frame& frame, std::span<const float> flow, std::span<const std::uint8_t> rgb) {
    ++pairs_;
    const std::string name = (fs::path(args_.out) / fmt::format("flow-{:06}", pairs_)).string();
    if (format_.flo) io::write_flo(name + ".flo", size_.height, size_.width, flow, io::Overwrite::kYes);
    if (format_.npy) {
      const std::int64_t shape[] = {size_.height, size_.width, 2};
      io::write_npy(name + ".npy", shape, flow, io::Overwrite::kYes);
    }
    const io::Image image{size_.height, size_.width, 3, {rgb.begin(), rgb.end()}};
    if (!args_.no_images) io::write_png(name + ".png", image, io::Overwrite::kYes);
    const Magnitudes m = magnitudes_of(flow, lengths_);
    table_->write(fmt::format("{},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f}\n", pairs_, m.mean, m.median, m.p95, m.max,
                              m.mean_u1, m.mean_u2));
    means_.push_back(static_cast<float>(m.mean));
    maxima_.push_back(static_cast<float>(m.max));
    if (!truth_.values.empty()) errors_ += endpoint_error(flow, truth_);
    overview_.add({&frame, flow, &image, m.mean, m.max});
  }

  void report() const {
    const auto strongest = std::max_element(means_.begin(), means_.end()) - means_.begin();
    const double mean = std::accumulate(means_.begin(), means_.end(), 0.0) / static_cast<double>(pairs_);
    const float max = *std::max_element(maxima_.begin(), maxima_.end());
    const double milliseconds = 1000 * seconds_ / static_cast<double>(pairs_);
    if (!common_.json) {
      fmt::print("{} flow{} of {} x {} -> {}  ({}, {:.1f} ms a pair)\n", pairs_, pairs_ == 1 ? "" : "s", size_.width,
                 size_.height, args_.out, solver_->name(), milliseconds);
      fmt::print("length of the vectors: mean {:.3f} px, longest {:.3f} px", mean, max);
      if (pairs_ > 1)
        fmt::print("; most movement in frame {} (mean {:.3f} px)", strongest + 1,
                   means_[static_cast<std::size_t>(strongest)]);
      fmt::print("\n");
      if (!truth_.values.empty()) fmt::print("end-point error {:.4f} px\n", errors_ / static_cast<double>(pairs_));
      fmt::print("to look at: {}\n", (fs::path(args_.out) / "overview.png").string());
      return;
    }
    Json object = {{"schema", kSchema},
                   {"out", args_.out},
                   {"device", solver_->name()},
                   {"pairs", pairs_},
                   {"width", size_.width},
                   {"height", size_.height},
                   {"iterations", iterations_},
                   {"milliseconds_per_pair", milliseconds},
                   {"mean_px", mean},
                   {"max_px", max},
                   {"strongest_frame", strongest + 1},
                   {"frames", {{"mean_px", means_}, {"max_px", maxima_}}}};
    if (!truth_.values.empty()) object["endpoint_error_px"] = errors_ / static_cast<double>(pairs_);
    if (!video_.input.empty()) object.update(counts_of(video_));
    print_json(object);
  }

  const FlowArguments& args_;
  const Common& common_;
  const Format format_;
  Progress progress_;
  std::unique_ptr<flow::ClipFlow> solver_;
  flow::ClipSize size_;
  io::FlowArray truth_, initial_;
  std::unique_ptr<io::AtomicFile> table_;
  FlowOverview overview_;
  std::vector<float> flows_;
  std::vector<std::uint8_t> images_;
  std::vector<float> lengths_;
  VideoRead video_;  ///< `input` is empty if the frames are images
  std::int64_t pairs_ = 0, iterations_ = 0;
  double seconds_ = 0, errors_ = 0;
  std::vector<float> means_, maxima_;  // one value per pair: the only data that grow with the clip
};

void run_flow(FlowArguments args, const Common& common) {
  if (args.inputs.empty())
    throw Failure(ExitCode::kUsage, "flow needs frames: two images, a folder of frames, or a video");
  flow::ClipFlowOptions& o = args.options;
  o.tvl1.early_stop = !args.fixed_iterations;
  o.tvl1.use_initial_flow = !args.initial.empty();
  o.order = chosen<flow::FlowOrder>("--order", args.order,
                                    {{"as-is", flow::FlowOrder::kAsIs},
                                     {"resize-then-flow", flow::FlowOrder::kResizeThenFlow},
                                     {"flow-then-resize", flow::FlowOrder::kFlowThenResize}});
  o.colors = chosen<flow::FlowColors>("--colors", args.colors,
                                      {{"hsv", flow::FlowColors::kHsv}, {"hsi", flow::FlowColors::kHsi}});
  check(o);
  refuse_overwriting(args.out, common);
  FlowRun run(args, common);
  if (!is_video(args.inputs)) check_images(args.inputs);
  run.run();
}

}  // namespace

void add_flow(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb(
      "flow",
      "Optical flow (dual TV-L1) from the first frame to every later one: two or more images, a folder of numbered\n"
      "images, or a video. Into the folder --out go flow-NNNNNN.flo (or .npy) and flow-NNNNNN.png for later frame N "
      "(hue =\n"
      "direction, brightness = length), magnitudes.csv, and overview.png to look at.",
      {"shcnn flow --out DIR onset.png apex.png", "shcnn flow --out DIR CLIP.mp4",
       "shcnn flow --out DIR FRAMES --order resize-then-flow   # 112 x 112 flow images as the network sees them",
       "shcnn flow --out DIR frame10.png frame11.png --truth flow10.flo"});
  auto args = std::make_shared<FlowArguments>();
  flow::Tvl1Params& p = args->options.tvl1;
  verb.add_option("--out", args->out, "output folder");
  verb.add_option("--format", args->format, "format of the flow files: flo, npy, both or none").show_default();
  verb.add_flag("--no-images", args->no_images, "write no flow images");
  verb.add_option("--truth", args->truth, "ground truth (.flo, .npy) to compare with: prints the end-point error");

  const std::string image = "Flow images";
  verb.add_option("--order", args->order, "as-is, resize-then-flow or flow-then-resize").show_default().group(image);
  verb.add_option("--side", args->options.side, "side of a resized flow image in pixels").show_default().group(image);
  verb.add_option("--border", args->options.border, "pixels that resize-then-flow removes on each side")
      .show_default()
      .group(image);
  verb.add_option("--colors", args->colors, "hsv (OpenCV's bytes) or hsi").show_default().group(image);
  verb.add_option("--full-scale", args->options.full_scale,
                  "flow in pixels shown at full intensity; 0 = each image's own maximum")
      .show_default()
      .group(image);

  const std::string tvl1 = "TV-L1 (the defaults are OpenCV's)";
  const auto parameter = [&](const char* name, auto& value, const char* what) {
    verb.add_option(name, value, what).show_default().group(tvl1);
  };
  parameter("--tau", p.tau, "time step of the dual ascent");
  parameter("--lambda", p.lambda, "weight of the data term; smaller = smoother flow");
  parameter("--theta", p.theta, "tightness of the coupling between data term and smoothness");
  parameter("--gamma", p.gamma, "weight of the illumination term; 0 = none");
  parameter("--scales", p.scales, "maximum number of pyramid levels");
  parameter("--warps", p.warps, "warps per level");
  parameter("--epsilon", p.epsilon, "stop when the RMS change of the flow is at most this (pixels)");
  parameter("--inner-iterations", p.inner_iterations, "iterations between two median filters");
  parameter("--outer-iterations", p.outer_iterations, "median filters per warp");
  parameter("--scale-step", p.scale_step, "size ratio of two levels");
  parameter("--median", p.median_filter, "window size of the median filter: 1 (none), 3 or 5");
  verb.add_flag("--fixed-iterations", args->fixed_iterations, "never stop early").group(tvl1);
  verb.add_option("--initial", args->initial, "initial flow (.flo, .npy); only with --order as-is").group(tvl1);
  verb.add_option("inputs", args->inputs, "FRAME FRAME ... | FOLDER | VIDEO").value_name("INPUT");
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     require_option(verb, "--out", "the folder to write");
                     run_flow(*args, common);
                   },
                   {}});
}

}  // namespace shcnn::program
