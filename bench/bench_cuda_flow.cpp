// Times the batch TV-L1 solver on a GPU: a clip of frames against its first one, from pixels on the host to flow fields
// and flow images on the device.
//
//   bench_cuda_flow [--size W H] [--pairs N] [--repeats R] [--iterations I] [--once] [--device I]
//
// Defaults: 120 x 120, 64 pairs, OpenCV's parameters with its early stop. --iterations I: no early stop, I inner
// iterations per median, one median per warp. --once solves one time without timing it (for a profiler). Times are
// measured with CUDA events: median and quartiles of R solves. Without a GPU it prints the reason and exits with 77.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow_image.h"
#include "flow/tvl1_batch.h"
#include "kernels/backend.h"

namespace {

using namespace shcnn;

struct Options {
  int width = 120, height = 120, pairs = 64, repeats = 15, iterations = 0, device = 0;
  bool once = false;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto number = [&] { return std::max(0, std::atoi(++i < argc ? argv[i] : "")); };
    if (flag == "--size") {
      options.width = number();
      options.height = number();
    } else if (flag == "--pairs") {
      options.pairs = number();
    } else if (flag == "--repeats") {
      options.repeats = std::max(1, number());
    } else if (flag == "--iterations") {
      options.iterations = number();
    } else if (flag == "--device") {
      options.device = number();
    } else if (flag == "--once") {
      options.once = true;
    } else {
      throw Error(ErrorKind::kUsage, "bench_cuda_flow", "unknown argument " + std::string(flag));
    }
  }
  return options;
}

/// A texture of a few waves, moved by (dx, dy) px.
std::vector<std::uint8_t> frame(int width, int height, double dx, double dy) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = x - dx, v = y - dy;
      pixels.push_back(static_cast<std::uint8_t>(127 + 40 * std::sin(0.31 * u + 0.11 * v) +
                                                 35 * std::sin(0.23 * v - 0.17 * u) +
                                                 30 * std::sin(0.7 * u) * std::sin(0.6 * v)));
    }
  }
  return pixels;
}

int run(const Options& options) {
  const std::string name = "cuda:" + std::to_string(options.device);
  Backend backend = make_backend(name, {});
  flow::Tvl1Params params;
  if (options.iterations > 0) {
    params.early_stop = false;
    params.outer_iterations = 1;
    params.inner_iterations = options.iterations;
  }
  const flow::BatchStages& stages = flow::select_batch_stages(name);
  flow::Tvl1Batch solver(params, options.width, options.height, options.pairs, backend.context, stages);
  std::vector<std::vector<std::uint8_t>> frames;
  std::vector<flow::GrayImage> later;
  for (int i = 0; i <= options.pairs; ++i) {
    frames.push_back(frame(options.width, options.height, 0.02 * i, 0.015 * i));
    later.push_back(flow::GrayImage::bytes(frames.back().data(), options.width, options.height));
  }
  solver.set_first(later[0]);
  later.erase(later.begin());
  DeviceBuffer ranges(*backend.device,
                      static_cast<std::size_t>(options.pairs) * flow::kRangeParts * sizeof(flow::FlowRange));
  DeviceBuffer images(*backend.device, 3 * static_cast<std::size_t>(options.pairs) * options.width * options.height);
  const auto solve = [&] {
    const flow::BatchFlows flows = solver.solve_on_device(later);
    stages.flow_range(backend.context, flows, static_cast<flow::FlowRange*>(ranges.data()));
    stages.flow_image(backend.context, flows, {}, static_cast<flow::FlowRange*>(ranges.data()),
                      static_cast<std::uint8_t*>(images.data()));
  };
  std::printf("%s, %d pairs of %d x %d, %s\n", backend.device->name().c_str(), options.pairs, options.width,
              options.height, options.iterations > 0 ? "fixed iterations" : "early stop");
  solve();
  const flow::Tvl1Counts counts = solver.counts();
  std::printf("%lld inner iterations, %lld medians, %.1f M pixel iterations\n",
              static_cast<long long>(counts.iterations), static_cast<long long>(counts.medians),
              static_cast<double>(counts.pixel_iterations) / 1e6);
  if (options.once) return 0;
  const auto stream = static_cast<cudaStream_t>(backend.context.stream);
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  std::vector<float> milliseconds(static_cast<std::size_t>(options.repeats));
  for (float& ms : milliseconds) {
    cudaEventRecord(begin, stream);
    solve();
    cudaEventRecord(end, stream);
    if (cudaEventSynchronize(end) != cudaSuccess || cudaEventElapsedTime(&ms, begin, end) != cudaSuccess) return 5;
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const std::size_t n = milliseconds.size();
  const double ms = milliseconds[n / 2];
  std::printf("%.3f ms a batch (quartiles %.3f, %.3f), %.4f ms a pair, %.2f G pixel iterations a second\n", ms,
              milliseconds[n / 4], milliseconds[3 * n / 4], ms / options.pairs,
              static_cast<double>(counts.pixel_iterations) / ms / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const shcnn::Error& error) {
    if (error.kind() == shcnn::ErrorKind::kDevice) {
      std::printf("SKIP: %s\n", error.what());
      return 77;
    }
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
