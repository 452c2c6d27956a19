// Compares this project's TV-L1 flow ("ours") with OpenCV's DualTVL1OpticalFlow at its defaults, in turn in one process
// on the same pairs.
//
//   bench_flow [--case clip|pair|all] [--threads N] [--rounds N] [--isa NAME] [--only ours|inner]
//
// clip: 64 pairs of 120 x 120, the first frame of a clip against the next 64; pair: one pair of 640 x 480. If
// SHCNN_TEST_DATA is set, these are real frames (clips/single_face.mp4, flow/Grove2), else synthetic moving textures.
// OpenCV runs with its own threads and, on the clip, also with one pair per thread; the ratio is its better median
// divided by ours. `--threads` 0 (the default) measures with one thread and with two.
//
// It also prints the distance between the two flows, and the share of the multiply-add peak (bench/fma_peak.h) that the
// inner iteration reaches, alone and in the whole solver. Operations are counted as in the algorithm: kFlop per pixel
// and iteration, with a division or root as one.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "bench/fma_peak.h"
#include "bench/peers/opencv_flow.h"
#include "flow/stages.h"
#include "flow/tvl1.h"
#include "kernels/error.h"
#include "kernels/host/thread_pool.h"

namespace {

using namespace shcnn;
using bench::GrayClip;

/// Operations per pixel of one inner iteration with gamma = 0: rho 4, threshold step 2, divergence 6, new u 8, error 6,
/// dual step of two components 2 * (grad 2, length 4, scale 2, two quotients 6).
constexpr double kFlop = 4 + 2 + 6 + 8 + 6 + 2 * 14;

struct Arguments {
  std::string which = "all", isa, only;
  int threads = 0, rounds = 3;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    if (key == "--case" && (value == "clip" || value == "pair" || value == "all")) {
      a.which = value;
    } else if (key == "--isa" && !value.empty()) {
      a.isa = value;
    } else if (key == "--only" && (value == "ours" || value == "inner")) {
      a.only = value;
    } else if (key == "--threads" && std::atoi(value.c_str()) >= 0) {
      a.threads = std::atoi(value.c_str());
    } else if (key == "--rounds" && std::atoi(value.c_str()) > 0) {
      a.rounds = std::atoi(value.c_str());
    } else {
      throw Error(ErrorKind::kUsage, key,
                  "[--case clip|pair|all] [--threads N] [--rounds N] [--isa NAME] [--only ours|inner]");
    }
  }
  return a;
}

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// CPU time of this thread, which excludes the time of other processes.
double cpu_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

struct Spread {
  double median = 0, least = 0, most = 0;
};
Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

/// A texture of waves that moves and deforms slightly from frame to frame.
GrayClip made_clip(int width, int height, int frames) {
  GrayClip clip{width, height, "made texture", {}};
  for (int t = 0; t < frames; ++t) {
    std::vector<std::uint8_t> frame(static_cast<std::size_t>(width) * height);
    const double move = 3.0 * std::sin(0.05 * t);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double sx = x - move - 0.8 * std::sin(0.04 * y + 0.1 * t), sy = y - 0.5 * move;
        double value = 127;
        for (int k = 1; k <= 8; ++k)
          value += 12 * std::sin(0.11 * k * sx + 0.07 * (9 - k) * sy * (k % 2 ? 1 : -1) + k * k);
        frame[static_cast<std::size_t>(y) * width + x] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
    clip.frames.push_back(std::move(frame));
  }
  return clip;
}

GrayClip load(bool pair) {
  const char* data = std::getenv("SHCNN_TEST_DATA");
  GrayClip clip;
  if (data) {
    const std::string root = data;
    clip = pair ? bench::read_pair(root + "/flow/Grove2/frame10.png", root + "/flow/Grove2/frame11.png")
                : bench::read_clip(root + "/clips/single_face.mp4", 120, 120, 65);
    clip.source = pair ? "flow/Grove2" : "clips/single_face.mp4";
    if (clip.frames.size() != (pair ? 2u : 65u)) throw Error(ErrorKind::kBadData, root, "no " + clip.source);
    return clip;
  }
  return pair ? made_clip(640, 480, 2) : made_clip(120, 120, 65);
}

using Flows = std::vector<std::vector<float>>;

/// GFLOP/s of the inner iteration alone, on a single level and one thread, by CPU time; best of several runs.
double inner_gflops(const std::string& isa, int width, int height) {
  // Only the solver can lay out a level, so this runs it with one level, one warp, no median and no early stop.
  flow::Tvl1Params params;
  params.scales = 1;
  params.warps = 1;
  params.median_filter = 1;
  params.outer_iterations = 1;
  params.inner_iterations = static_cast<int>(3e7 / (width * height)) + 1;
  params.early_stop = false;
  const GrayClip clip = made_clip(width, height, 2);
  ThreadPool pool(1);
  flow::Tvl1 solver(params, width, height, pool, isa);
  solver.set_first(flow::GrayImage::bytes(clip.frames[0].data(), width, height));
  const flow::GrayImage later = flow::GrayImage::bytes(clip.frames[1].data(), width, height);
  std::vector<float> out(2 * clip.frames[0].size());
  const flow::FlowField field = flow::FlowField::dense(out.data(), width, height);
  double best = 1e30;
  for (int run = 0; run < 5; ++run) {
    const double begin = cpu_milliseconds();
    solver.solve({&later, 1}, {&field, 1});
    best = std::min(best, cpu_milliseconds() - begin);
  }
  return kFlop * width * height * params.inner_iterations / best * 1e-6;
}

/// Prints the mean distance in px and the share of pixels within 0.1 px.
void print_distance(const Flows& a, const Flows& b) {
  double sum = 0, near = 0, count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a[i].size(); k += 2) {
      const double d = std::hypot(a[i][k] - b[i][k], a[i][k + 1] - b[i][k + 1]);
      sum += d;
      near += d <= 0.1;
      count += 1;
    }
  }
  std::printf("  the flows are apart by %.6f px on average, %.3f %% of pixels within 0.1 px\n", sum / count,
              100 * near / count);
}

void print_line(const char* name, const Spread& s, std::size_t pairs) {
  std::printf("  %-34s median %9.2f ms a pair  (%.2f .. %.2f)\n", name, s.median / static_cast<double>(pairs),
              s.least / static_cast<double>(pairs), s.most / static_cast<double>(pairs));
}

void measure(const GrayClip& clip, int threads, const Arguments& a) {
  const std::size_t pairs = clip.frames.size() - 1;
  ThreadPool pool(threads);
  flow::Tvl1 solver(flow::Tvl1Params{}, clip.width, clip.height, pool, a.isa);
  std::printf("%zu pair%s of %d x %d (%s), %d thread%s, %s\n", pairs, pairs == 1 ? "" : "s", clip.width, clip.height,
              clip.source.c_str(), threads, threads == 1 ? "" : "s", solver.isa().c_str());
  Flows flows(pairs, std::vector<float>(2 * clip.frames[0].size())), theirs;
  std::vector<flow::GrayImage> later;
  std::vector<flow::FlowField> fields;
  for (std::size_t i = 0; i < pairs; ++i) {
    later.push_back(flow::GrayImage::bytes(clip.frames[i + 1].data(), clip.width, clip.height));
    fields.push_back(flow::FlowField::dense(flows[i].data(), clip.width, clip.height));
  }
  const int repeats = pairs == 1 ? 3 : 1;  // runs of ours per round: one pair is short
  std::vector<double> mine, within, parallel;
  flow::Tvl1Counts counts;
  for (int round = 0; round < a.rounds; ++round) {
    for (int i = 0; i < repeats; ++i) {
      const double begin = milliseconds();
      solver.set_first(flow::GrayImage::bytes(clip.frames[0].data(), clip.width, clip.height));
      counts = solver.solve(later, fields);
      mine.push_back(milliseconds() - begin);
    }
    if (a.only.empty()) {
      double begin = milliseconds();
      bench::opencv_tvl1(clip, threads, bench::OpenCvThreads::kWithinPair, theirs);
      within.push_back(milliseconds() - begin);
      if (threads > 1 && pairs > 1) {
        begin = milliseconds();
        bench::opencv_tvl1(clip, threads, bench::OpenCvThreads::kPairPerThread, theirs);
        parallel.push_back(milliseconds() - begin);
      }
    }
  }
  const Spread our = spread(mine);
  print_line("shcnn", our, pairs);
  if (!within.empty()) {
    Spread their = spread(within);
    print_line("OpenCV, its own threads", their, pairs);
    if (!parallel.empty()) {
      const Spread other = spread(parallel);
      print_line("OpenCV, one pair a thread", other, pairs);
      if (other.median < their.median) their = other;
    }
    std::printf("  ratio of medians %.2f  (%.2f .. %.2f from least / most to most / least)\n",
                their.median / our.median, their.least / our.most, their.most / our.least);
    print_distance(flows, theirs);
  }
  const double peak = bench::fma_peak_gflops(solver.isa(), threads);
  const double inner = inner_gflops(solver.isa(), clip.width, clip.height);
  const double work = kFlop * static_cast<double>(counts.pixel_iterations);
  std::printf(
      "  %.1f iterations and %.1f medians a pair, %.2f million pixel iterations; inner iteration alone, one thread: "
      "%.1f GFLOP/s\n"
      "  = %.1f %% of the multiply-add peak (%.1f on one thread); the whole solver spends %.1f %% of the peak on it\n",
      static_cast<double>(counts.iterations) / static_cast<double>(pairs),
      static_cast<double>(counts.medians) / static_cast<double>(pairs),
      static_cast<double>(counts.pixel_iterations) * 1e-6 / static_cast<double>(pairs), inner,
      100 * inner / (peak / threads), peak / threads, 100 * work / (our.median * 1e6) / peak);
}

void run(const Arguments& a) {
  if (a.only == "inner") {
    ThreadPool pool(1);
    const std::string isa = flow::Tvl1(flow::Tvl1Params{}, 16, 16, pool, a.isa).isa();
    const double peak = bench::fma_peak_gflops(isa, 1);
    for (const auto& [width, height] : {std::pair{127, 2}, {127, 3}, {500, 2}, {61, 61}, {120, 120}, {640, 480}}) {
      const double inner = inner_gflops(isa, width, height);
      std::printf("%s, %d x %d: inner iteration %.1f GFLOP/s, %.1f %% of %.1f\n", isa.c_str(), width, height, inner,
                  100 * inner / peak, peak);
    }
    return;
  }
  for (const bool pair : {false, true}) {
    if (a.which == (pair ? "clip" : "pair")) continue;
    const GrayClip clip = load(pair);
    for (const int threads : {1, 2}) {
      if (a.threads == 0 || a.threads == threads) measure(clip, threads, a);
    }
    if (a.threads > 2) measure(clip, a.threads, a);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_flow: %s\n", error.what());
    return 1;
  }
}
