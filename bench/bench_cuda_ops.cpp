// Times every op of a training step on the GPU at the paper's shapes, with CUDA events. For convolutions and dense
// layers it prints the floating-point operations that the live network needs and the share of the GPU's fp32 peak; for
// the other ops, which are memory-bound, the bytes that must move and the share of the memory's peak.
//
//   bench_cuda_ops [--batch N] [--repeats R] [--variant static|micro] [--tf32] [--once] [--check] [--device I]
//
// Peers are timed in turn with ours: cuDNN for convolutions (its own search for the fastest algorithm, channels
// outermost and innermost) and cuBLAS for dense layers. Each is opened at run time; if it is missing, a line says so.
// All compute in float32; --tf32 allows tensor cores for ours and theirs. The paper's third convolution is padded on
// one side only, which cuDNN does not support: cuDNN gets an input that contains those zeros.
//
// --once runs each of our ops one time without timing it (for a profiler). --check compares every result with plain
// loops in double on the host and exits with 1 on a difference; it is slow, so use a small batch. Inputs that fit stay
// in the GPU's L2 cache from call to call ("warm"). Times are medians and quartiles of R samples of several calls each.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "models/shcnn.h"
#if defined(SHCNN_HAVE_CUDNN)
#include "bench/peers/cudnn/cudnn_convolution.h"
#endif

namespace {

using namespace shcnn;

struct Options {
  int batch = 100, repeats = 20, device = 0;
  Variant variant = Variant::kStatic;
  bool once = false, check = false, tf32 = false;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&] { return std::string(++i < argc ? argv[i] : ""); };
    if (flag == "--batch")
      options.batch = std::atoi(value().c_str());
    else if (flag == "--repeats")
      options.repeats = std::max(1, std::atoi(value().c_str()));
    else if (flag == "--device")
      options.device = std::atoi(value().c_str());
    else if (flag == "--variant")
      options.variant = variant_from_string(value());
    else if (flag == "--once")
      options.once = true;
    else if (flag == "--check")
      options.check = true;
    else if (flag == "--tf32")
      options.tf32 = true;
    else
      throw Error(ErrorKind::kUsage, "bench_cuda_ops", "unknown argument " + std::string(flag));
  }
  return options;
}

/// fp32 flops per second at the highest clock; a multiply-add is two.
double fp32_peak(int device) {
  int sms = 0, kilohertz = 0, major = 0, minor = 0;
  cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device);
  cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
  const int lanes = (major == 7 || (major == 8 && minor == 0)) ? 64 : 128;
  return 2.0 * lanes * sms * kilohertz * 1e3;
}

/// Bytes per second at the highest memory clock.
double memory_peak(int device) {
  int bits = 0, kilohertz = 0;
  cudaDeviceGetAttribute(&bits, cudaDevAttrGlobalMemoryBusWidth, device);
  cudaDeviceGetAttribute(&kilohertz, cudaDevAttrMemoryClockRate, device);
  return 2.0 * bits / 8 * kilohertz * 1e3;
}

/// A tensor on the GPU, filled with a fixed pattern in [-1, 1]; values() copies it to the host.
class Tensor {
 public:
  Tensor(Device& device, Shape shape)
      : device_(device), shape_(shape), buffer_(device, static_cast<std::size_t>(shape.count()) * sizeof(float)) {
    std::vector<float> values(static_cast<std::size_t>(shape.count()));
    std::uint32_t state = 12345u + static_cast<std::uint32_t>(shape.count());
    for (float& v : values) {
      state = state * 1664525u + 1013904223u;
      v = static_cast<float>(static_cast<int>(state >> 8) - (1 << 23)) / static_cast<float>(1 << 23);
    }
    device.copy_in(buffer_.data(), values.data(), buffer_.bytes());
  }
  View<float> view() const { return {static_cast<float*>(buffer_.data()), shape_}; }
  std::vector<double> values() const {
    std::vector<float> read(static_cast<std::size_t>(shape_.count()));
    device_.copy_out(read.data(), buffer_.data(), buffer_.bytes());
    return {read.begin(), read.end()};
  }

 private:
  Device& device_;
  Shape shape_;
  DeviceBuffer buffer_;
};

/// One implementation of an op: ours or a peer's. `call` queues it once on `stream`.
struct Contender {
  std::string name;
  cudaStream_t stream;
  std::function<void()> call;
};
using Contenders = std::vector<Contender>;

/// Time of one call in microseconds.
struct Times {
  double median, lower, upper;  ///< lower and upper: quartiles
};

enum class Product { kForward, kBackwardData, kBackwardFilter };

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        backend_(make_gpu(options, true)),
        reference_(naive_ops<double>()),
        peak_(fp32_peak(options.device)),
        memory_peak_(memory_peak(options.device)) {}

  int run();

 private:
  static Backend make_gpu(const Options& options, bool hand_gemm) {
    BackendOptions backend;
    backend.allow_tf32 = options.tf32;
    backend.hand_gemm = hand_gemm;
    return cuda_backend(options.device, backend);
  }

  void open_peers();
  Contenders convolution_peers(const ConvStage& stage, Product product);
  Contenders dense_peers(std::function<void(const Ops<float>&, const Context&)> call);
  void convolution(const std::string& name, const ConvStage& stage, bool needs_input_gradient);
  void pool(const std::string& name, const ConvStage& stage);
  void dense(const std::string& name, const DenseLayer& layer);
  void activation(const std::string& name, const DenseLayer& layer);
  void loss(int classes);
  void batch(const Model& model);
  void optimiser(const Model& model);
  /// Runs and times one op that moves at least `bytes`.
  void memory_op(const std::string& name, double bytes, std::size_t workspace,
                 const std::function<void(const Context&)>& call);
  /// Times all contenders in turn, so that they run at the same clocks.
  std::vector<Times> time_us(const Contenders& contenders) const;
  /// A context with `scratch` as its workspace.
  Context with(const DeviceBuffer& scratch) const;
  /// Runs, checks and times one op: `call` on the GPU, `expected` in double on the host; both results have `out`'s
  /// shape.
  void op(const std::string& name, double flops, std::size_t workspace, const Tensor& out,
          const std::function<void(const Context&)>& call,
          const std::function<void(const Context&, View<double>)>& expected, const Contenders& peers);

  Options options_;
  Backend backend_;
  std::unique_ptr<Backend> blas_;  ///< dense layers on cuBLAS; null if it is not available
  DeviceBuffer blas_scratch_;
#if defined(SHCNN_HAVE_CUDNN)
  std::unique_ptr<bench::Cudnn> cudnn_;
#endif
  Ops<double> reference_;
  double peak_, memory_peak_;
  double total_us_ = 0, total_flops_ = 0, memory_us_ = 0;
  double best_peers_us_ = 0;  ///< sum over all products, each with its fastest peer
  bool every_product_has_a_peer_ = true;
  int differences_ = 0;
};

Context Bench::with(const DeviceBuffer& scratch) const {
  Context context = backend_.context;
  context.workspace = scratch.data();
  context.workspace_bytes = scratch.bytes();
  return context;
}

std::vector<Times> Bench::time_us(const Contenders& contenders) const {
  constexpr int kCalls = 20;
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  std::vector<std::vector<double>> samples(contenders.size());
  for (int repeat = 0; repeat < options_.repeats; ++repeat) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const Contender& contender = contenders[i];
      cudaEventRecord(begin, contender.stream);
      for (int call = 0; call < kCalls; ++call) contender.call();
      cudaEventRecord(end, contender.stream);
      cudaEventSynchronize(end);
      float milliseconds = 0;
      cudaEventElapsedTime(&milliseconds, begin, end);
      samples[i].push_back(milliseconds * 1e3 / kCalls);
    }
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::vector<Times> times;
  for (std::vector<double>& of_one : samples) {
    std::sort(of_one.begin(), of_one.end());
    times.push_back({of_one[of_one.size() / 2], of_one[of_one.size() / 4], of_one[3 * of_one.size() / 4]});
  }
  return times;
}

void Bench::open_peers() {
  const auto left_out = [](const char* peer, const std::string& why) {
    std::printf("no peer %s: %s\n", peer, why.c_str());
  };
  try {
    blas_ = std::make_unique<Backend>(make_gpu(options_, false));
    if (!blas_->context.blas) {
      blas_.reset();
      left_out("cuBLAS", "it is not part of this build");
    }
  } catch (const Error& error) {
    left_out("cuBLAS", error.what());
  }
#if defined(SHCNN_HAVE_CUDNN)
  try {
    cudnn_ = std::make_unique<bench::Cudnn>(backend_.context.stream);
    std::printf("peer cuDNN %s\n", cudnn_->version().c_str());
  } catch (const Error& error) {
    left_out("cuDNN", error.what());
  }
#else
  left_out("cuDNN", "this was built without its header");
#endif
}

Contenders Bench::convolution_peers([[maybe_unused]] const ConvStage& stage, [[maybe_unused]] Product product) {
  Contenders peers;
#if defined(SHCNN_HAVE_CUDNN)
  if (!cudnn_) return peers;
  Device& device = *backend_.device;
  const bool alike = stage.pad_begin == stage.pad_end;
  const int pad = alike ? stage.pad_begin : 0, input = stage.input + (alike ? 0 : stage.pad_begin + stage.pad_end);
  struct Convolution {
    Tensor x, w, z;
    std::unique_ptr<bench::CudnnConvolution> convolution;
  };
  for (const bool channels_last : {false, true}) {
    const std::string name = channels_last ? "cuDNN (N,H,W,C)" : "cuDNN (N,C,H,W)";
    const auto peer = std::make_shared<Convolution>(
        Convolution{Tensor(device, Shape(options_.batch, stage.in_channels, input, input)),
                    Tensor(device, Shape(stage.channels, stage.in_channels, stage.kernel, stage.kernel)),
                    Tensor(device, Shape(options_.batch, stage.channels, stage.conv, stage.conv)), nullptr});
    const float *const x = peer->x.view().data, *const w = peer->w.view().data, *const z = peer->z.view().data;
    const bench::Direction direction = product == Product::kForward        ? bench::Direction::kForward
                                       : product == Product::kBackwardData ? bench::Direction::kBackwardData
                                                                           : bench::Direction::kBackwardFilter;
    const float* const a = product == Product::kBackwardData ? w : x;
    const float* const b = product == Product::kForward ? w : z;
    const Tensor& out = product == Product::kForward ? peer->z : product == Product::kBackwardData ? peer->x : peer->w;
    try {
      peer->convolution = std::make_unique<bench::CudnnConvolution>(
          *cudnn_, device,
          bench::CudnnShape{options_.batch, stage.in_channels, input, input, stage.channels, stage.kernel, pad,
                            channels_last},
          direction, options_.tf32 ? bench::CudnnChoice::kFastestTf32 : bench::CudnnChoice::kFastest, a, b,
          out.view().data);
    } catch (const Error& error) {  // cuDNN has no algorithm for this layout
      std::printf("no peer %s here: %s\n", name.c_str(), error.what());
      continue;
    }
    peers.push_back({message(name, " algorithm ", peer->convolution->algorithm()),
                     static_cast<cudaStream_t>(backend_.context.stream), [peer] { peer->convolution->run(); }});
  }
#endif
  return peers;
}

Contenders Bench::dense_peers(std::function<void(const Ops<float>&, const Context&)> call) {
  if (!blas_) return {};
  Context context = blas_->context;
  context.workspace = blas_scratch_.data();
  context.workspace_bytes = blas_scratch_.bytes();
  return {{"cuBLAS", static_cast<cudaStream_t>(context.stream),
           [this, context, call = std::move(call)] { call(blas_->ops, context); }}};
}

void Bench::op(const std::string& name, double flops, std::size_t workspace, const Tensor& out,
               const std::function<void(const Context&)>& call,
               const std::function<void(const Context&, View<double>)>& expected, const Contenders& peers) {
  const DeviceBuffer scratch(*backend_.device, workspace);
  const Context context = with(scratch);
  call(context);
  backend_.device->synchronize();
  std::string verdict;
  if (options_.check) {
    const std::vector<double> got = out.values();
    std::vector<double> want(got.size());
    expected(Context{}, View<double>(want.data(), out.view().shape));
    double error = 0, size = 0;
    for (std::size_t i = 0; i < got.size(); ++i)
      error += (got[i] - want[i]) * (got[i] - want[i]), size += want[i] * want[i];
    const double relative = std::sqrt(error / size);
    const bool fails = !(relative < (options_.tf32 ? 1e-3 : 2e-6));
    differences_ += fails;
    verdict = message("  rel. error ", relative, fails ? "  WRONG" : "");
  }
  if (options_.once) {
    std::printf("%-32s%s\n", name.c_str(), verdict.c_str());
    return;
  }
  Contenders contenders = {{"", static_cast<cudaStream_t>(context.stream), [&] { call(context); }}};
  contenders.insert(contenders.end(), peers.begin(), peers.end());
  for (const Contender& peer : peers) peer.call();
  cudaDeviceSynchronize();
  const std::vector<Times> times = time_us(contenders);
  const double us = times[0].median;
  std::printf("%-32s %9.2f us  (%8.2f, %8.2f)  %8.1f MFLOP  %6.2f TFLOP/s  %5.1f %% of peak%s\n", name.c_str(), us,
              times[0].lower, times[0].upper, flops / 1e6, flops / us / 1e6, 100 * flops / (us * 1e-6) / peak_,
              verdict.c_str());
  double best = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    std::printf("  %-30s %9.2f us  (%8.2f, %8.2f)  ours is %.2f times as fast\n", contenders[i].name.c_str(),
                times[i].median, times[i].lower, times[i].upper, times[i].median / us);
    best = i == 1 ? times[i].median : std::min(best, times[i].median);
  }
  total_us_ += us;
  total_flops_ += flops;
  best_peers_us_ += best;
  every_product_has_a_peer_ = every_product_has_a_peer_ && !peers.empty();
}

void Bench::convolution(const std::string& name, const ConvStage& stage, bool needs_input_gradient) {
  Device& device = *backend_.device;
  const Shape xs(stage.in_channels, stage.input, stage.input, options_.batch);
  const Shape ws(stage.channels, stage.in_channels, stage.kernel, stage.kernel);
  const Shape zs(stage.channels, stage.conv, stage.conv, options_.batch);
  const ConvPads pads{stage.pad_begin, stage.pad_end};
  const Tensor x(device, xs), w(device, ws), dz(device, zs), z(device, zs), dx(device, xs), dw(device, ws);
  const Ops<float>& ops = backend_.ops;
  const std::size_t workspace = ops.conv2d_workspace({xs, ws, pads});
  const double flops = 2.0 * static_cast<double>(stage.live_multiply_adds()) * options_.batch;
  const auto in = [](std::vector<double>& values, Shape shape) { return View<const double>(values.data(), shape); };
  op(
      name + " forward", flops, workspace, z,
      [&](const Context& c) { ops.conv2d_forward(c, pads, x.view(), w.view(), z.view()); },
      [&](const Context& c, View<double> out) {
        std::vector<double> xd = x.values(), wd = w.values();
        reference_.conv2d_forward(c, pads, in(xd, xs), in(wd, ws), out);
      },
      convolution_peers(stage, Product::kForward));
  if (needs_input_gradient) {
    op(
        name + " backward data", flops, workspace, dx,
        [&](const Context& c) { ops.conv2d_backward_data(c, pads, w.view(), dz.view(), dx.view()); },
        [&](const Context& c, View<double> out) {
          std::vector<double> wd = w.values(), dzd = dz.values();
          reference_.conv2d_backward_data(c, pads, in(wd, ws), in(dzd, zs), out);
        },
        convolution_peers(stage, Product::kBackwardData));
  }
  op(
      name + " backward filter", flops, workspace, dw,
      [&](const Context& c) { ops.conv2d_backward_filter(c, pads, x.view(), dz.view(), dw.view()); },
      [&](const Context& c, View<double> out) {
        std::vector<double> xd = x.values(), dzd = dz.values();
        reference_.conv2d_backward_filter(c, pads, in(xd, xs), in(dzd, zs), out);
      },
      convolution_peers(stage, Product::kBackwardFilter));
}

void Bench::dense(const std::string& name, const DenseLayer& layer) {
  Device& device = *backend_.device;
  const Shape xs(layer.live_inputs, options_.batch), ws(layer.outputs, layer.live_inputs), bs(layer.outputs),
      ys(layer.outputs, options_.batch);
  const Tensor x(device, xs), w(device, ws), b(device, bs), y(device, ys), dy(device, ys), dx(device, xs),
      dw(device, ws), db(device, bs);
  const Ops<float>& ops = backend_.ops;
  const std::size_t workspace = ops.dense_workspace(layer.live_inputs, layer.outputs, options_.batch);
  if (blas_) {
    blas_scratch_ = DeviceBuffer(device, blas_->ops.dense_workspace(layer.live_inputs, layer.outputs, options_.batch));
  }
  const double flops = 2.0 * layer.live_inputs * layer.outputs * options_.batch;
  const auto in = [](std::vector<double>& values, Shape shape) { return View<const double>(values.data(), shape); };
  op(
      name + " forward", flops, workspace, y,
      [&](const Context& c) { ops.dense_forward(c, x.view(), w.view(), b.view(), y.view()); },
      [&](const Context& c, View<double> out) {
        std::vector<double> xd = x.values(), wd = w.values(), bd = b.values();
        reference_.dense_forward(c, in(xd, xs), in(wd, ws), in(bd, bs), out);
      },
      dense_peers([&](const Ops<float>& theirs, const Context& c) {
        theirs.dense_forward(c, x.view(), w.view(), b.view(), y.view());
      }));
  op(
      name + " backward data", flops, workspace, dx,
      [&](const Context& c) { ops.dense_backward_data(c, w.view(), dy.view(), dx.view()); },
      [&](const Context& c, View<double> out) {
        std::vector<double> wd = w.values(), dyd = dy.values();
        reference_.dense_backward_data(c, in(wd, ws), in(dyd, ys), out);
      },
      dense_peers([&](const Ops<float>& theirs, const Context& c) {
        theirs.dense_backward_data(c, w.view(), dy.view(), dx.view());
      }));
  op(
      name + " backward filter", flops, workspace, dw,
      [&](const Context& c) { ops.dense_backward_filter(c, x.view(), dy.view(), dw.view(), db.view()); },
      [&](const Context& c, View<double> out) {
        std::vector<double> xd = x.values(), dyd = dy.values(), dbd(static_cast<std::size_t>(bs.count()));
        reference_.dense_backward_filter(c, in(xd, xs), in(dyd, ys), out, View<double>(dbd.data(), bs));
      },
      dense_peers([&](const Ops<float>& theirs, const Context& c) {
        theirs.dense_backward_filter(c, x.view(), dy.view(), dw.view(), db.view());
      }));
}

void Bench::memory_op(const std::string& name, double bytes, std::size_t workspace,
                      const std::function<void(const Context&)>& call) {
  const DeviceBuffer scratch(*backend_.device, workspace);
  const Context context = with(scratch);
  call(context);
  backend_.device->synchronize();
  if (options_.once) {
    std::printf("%-32s\n", name.c_str());
    return;
  }
  const Times times = time_us({{"", static_cast<cudaStream_t>(context.stream), [&] { call(context); }}})[0];
  const double us = times.median;
  std::printf("%-32s %9.2f us  (%8.2f, %8.2f)  %8.2f MB      %6.0f GB/s     %5.1f %% of peak\n", name.c_str(), us,
              times.lower, times.upper, bytes / 1e6, bytes / us / 1e3, 100 * bytes / (us * 1e-6) / memory_peak_);
  memory_us_ += us;
}

void Bench::pool(const std::string& name, const ConvStage& stage) {
  Device& device = *backend_.device;
  const Shape zs(stage.channels, stage.conv, stage.conv, options_.batch);
  const Shape ys(stage.channels, stage.live, stage.live, options_.batch);
  const Tensor z(device, zs), b(device, Shape(stage.channels)), y(device, ys), dy(device, ys), dz(device, zs),
      db(device, Shape(stage.channels));
  const DeviceBuffer winners(device, static_cast<std::size_t>(ys.count()));
  const View<std::uint8_t> winner(static_cast<std::uint8_t*>(winners.data()), ys);
  const Ops<float>& ops = backend_.ops;
  const MaxPool pool{stage.ring, stage.first};
  const float slope = 0.02f;
  const double map = 4.0 * static_cast<double>(zs.count()), pooled = static_cast<double>(ys.count());
  if (stage.pool == PoolKind::kMax) {
    memory_op(name + " max forward", map + 5 * pooled, 0,
              [&](const Context& c) { ops.max_pool_forward(c, pool, slope, z.view(), b.view(), y.view(), winner); });
    memory_op(name + " max backward", map + 9 * pooled, 0, [&](const Context& c) {
      ops.max_pool_backward(c, pool, slope, y.view(), winner, dy.view(), dz.view(), db.view());
    });
  } else {
    memory_op(name + " average forward", map + 4 * pooled, 0,
              [&](const Context& c) { ops.avg_pool_forward(c, slope, z.view(), b.view(), y.view()); });
    memory_op(name + " average backward", map + 8 * pooled, 0,
              [&](const Context& c) { ops.avg_pool_backward(c, slope, y.view(), dy.view(), dz.view(), db.view()); });
  }
}

void Bench::activation(const std::string& name, const DenseLayer& layer) {
  const Shape shape(layer.outputs, options_.batch);
  const Tensor y(*backend_.device, shape), dy(*backend_.device, shape);
  const DeviceBuffer state(*backend_.device, sizeof(StepState));
  const StepState first;
  backend_.device->copy_in(state.data(), &first, sizeof first);
  const auto* const step = static_cast<const StepState*>(state.data());
  const LeakyDropout rule{0.02, 0.4, Purpose::kDropout1};
  const double cells = static_cast<double>(shape.count());
  memory_op(name + " leaky dropout forward", 8 * cells, 0,
            [&](const Context& c) { backend_.ops.leaky_dropout_forward(c, rule, step, y.view()); });
  memory_op(name + " leaky dropout backward", 12 * cells, 0,
            [&](const Context& c) { backend_.ops.leaky_dropout_backward(c, rule, step, y.view(), dy.view()); });
}

void Bench::loss(int classes) {
  const Shape shape(classes, options_.batch);
  const Tensor logits(*backend_.device, shape), labels(*backend_.device, shape), grad(*backend_.device, shape);
  const DeviceBuffer report(*backend_.device, sizeof(StepReport));
  const double cells = static_cast<double>(shape.count());
  memory_op("softmax", 8 * cells, 0,
            [&](const Context& c) { backend_.ops.softmax_forward(c, Temperature::kOne, logits.view(), grad.view()); });
  memory_op("soft cross-entropy", 12 * cells, 0, [&](const Context& c) {
    backend_.ops.soft_cross_entropy(c, CrossEntropyGradient::kTrue, logits.view(), labels.view(), grad.view(),
                                    static_cast<StepReport*>(report.data()));
  });
}

void Bench::batch(const Model& model) {
  Device& device = *backend_.device;
  constexpr int kImages = 1000, kMargin = 6;  // FER2013's faces are 6 pixels wider than a patch
  const int patch = model.input_size;
  const int size = model.options.variant == Variant::kStatic ? patch + kMargin : patch;
  const Shape image_shape(kImages, size, size, model.input_channels);
  const DeviceBuffer images(device, static_cast<std::size_t>(image_shape.count()));
  device.fill_zero(images.data(), images.bytes());
  std::vector<std::int32_t> entries;
  for (int n = 0; n < options_.batch; ++n) entries.push_back(n * 37 % kImages * 16 + n % 10);
  const DeviceBuffer order(device, entries.size() * sizeof(std::int32_t)), state(device, sizeof(StepState));
  device.copy_in(order.data(), entries.data(), order.bytes());
  const StepState first;
  device.copy_in(state.data(), &first, sizeof first);
  const Tensor labels(device, Shape(kImages, model.options.classes)),
      x(device, Shape(model.input_channels, patch, patch, options_.batch)),
      y(device, Shape(model.options.classes, options_.batch));
  const double pixels = static_cast<double>(x.view().count());
  memory_op("make batch", 5 * pixels, 0, [&](const Context& c) {
    backend_.ops.make_batch(c, {patch, patch, 1.0f / 255}, {static_cast<std::uint8_t*>(images.data()), image_shape},
                            labels.view(), {static_cast<const std::int32_t*>(order.data()), Shape(options_.batch)},
                            static_cast<const StepState*>(state.data()), x.view(), y.view());
  });
}

void Bench::optimiser(const Model& model) {
  Device& device = *backend_.device;
  std::int64_t live = 0;
  for (const ConvStage& s : model.conv) live += std::int64_t{s.channels} * s.in_channels * s.kernel * s.kernel;
  for (const DenseLayer& d : model.dense) live += std::int64_t{d.outputs} * d.live_inputs;
  const Tensor w(device, Shape(live)), m(device, Shape(live)), v(device, Shape(live)), g(device, Shape(live));
  const DeviceBuffer state(device, sizeof(StepState)), report(device, sizeof(StepReport));
  const StepState first;
  const StepReport none;
  device.copy_in(state.data(), &first, sizeof first);
  device.copy_in(report.data(), &none, sizeof none);
  device.fill_zero(v.view().data, static_cast<std::size_t>(live) * sizeof(float));  // a second moment is never negative
  auto* const step = static_cast<StepState*>(state.data());
  auto* const sums = static_cast<StepReport*>(report.data());
  const Ops<float>& ops = backend_.ops;
  const std::size_t workspace = ops.adam_workspace(live);
  const double parameters = static_cast<double>(live);
  memory_op("clip by global norm", 8 * parameters, workspace,
            [&](const Context& c) { ops.clip_by_global_norm(c, 4.0f, 3e-4f, live, w.view(), g.view(), step, sums); });
  memory_op("adam step", 28 * parameters, workspace,
            [&](const Context& c) { ops.adam_step(c, {}, live, step, g.view(), w.view(), m.view(), v.view(), sums); });
}

int Bench::run() {
  ModelOptions model_options;
  model_options.variant = options_.variant;
  const Model model = make_model(model_options);
  std::printf("%s, peaks %.1f TFLOP/s in fp32 and %.0f GB/s, %s variant, batch %d\n", backend_.device->name().c_str(),
              peak_ / 1e12, memory_peak_ / 1e9, to_string(options_.variant).c_str(), options_.batch);
  if (!options_.once) open_peers();
  for (int i = 0; i < kConvStages; ++i)
    convolution("conv" + std::to_string(i + 1), model.conv[static_cast<std::size_t>(i)], i > 0);
  for (int i = 0; i < 3; ++i) dense("fc" + std::to_string(i + 1), model.dense[static_cast<std::size_t>(i)]);
  if (!options_.once) {
    std::printf("%-32s %9.2f us  %8.1f MFLOP  %6.2f TFLOP/s  %5.1f %% of peak\n", "all products of a training step",
                total_us_, total_flops_ / 1e6, total_flops_ / total_us_ / 1e6,
                100 * total_flops_ / (total_us_ * 1e-6) / peak_);
    if (every_product_has_a_peer_) {
      std::printf("  %-30s %9.2f us  ours are %.2f times as fast\n", "each by its fastest peer", best_peers_us_,
                  best_peers_us_ / total_us_);
    }
  }
  batch(model);
  for (int i = 0; i < kConvStages; ++i) pool("pool" + std::to_string(i + 1), model.conv[static_cast<std::size_t>(i)]);
  for (int i = 0; i < 2; ++i) activation("fc" + std::to_string(i + 1), model.dense[static_cast<std::size_t>(i)]);
  loss(model.options.classes);
  optimiser(model);
  if (!options_.once) std::printf("%-32s %9.2f us\n", "all else of a training step", memory_us_);
  return differences_ ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Bench(parse(argc, argv)).run();
  } catch (const shcnn::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.kind() == shcnn::ErrorKind::kDevice ? 5 : 2;
  }
}
