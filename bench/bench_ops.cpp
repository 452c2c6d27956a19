// Times every op of a training step at the network's shapes with the CPU's op table: best time, GFLOP/s by the
// multiply-adds that the network needs (live cells only), and their share of the fused multiply-add peak, which this
// run measures first.
//
//   bench_ops [--variant static|micro] [--batch N] [--threads N] [--isa NAME] [Google Benchmark's own options]
//
// "best" is the fastest iteration, by the wall clock, or with one thread by that thread's CPU time: on a shared machine
// the mean depends on the load of other processes.
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/fma_peak.h"
#include "kernels/backend.h"
#include "kernels/math/philox.h"
#include "models/shcnn.h"

namespace shcnn::bench {
namespace {

struct Options {
  std::string variant = "static", isa;
  std::int64_t batch = 100;
  int threads = 0;
};

/// One op with its arguments bound, and the number of its floating-point operations and bytes.
struct Step {
  std::string name;
  double flop, bytes;
  bool training;  ///< part of a training step (the first input gradient is only for saliency)
  std::function<void()> run;
};

/// A network's buffers for one batch, filled with values of the magnitude that training has, and its ops in step order.
class Network {
 public:
  Network(Backend& backend, const Model& model, std::int64_t batch) : backend_(backend), context_(backend.context) {
    const Ops<float>& ops = backend.ops;
    const std::int64_t n = batch;
    std::size_t workspace = 0;
    std::vector<Step> back;
    View<float> x = tensor(Shape(model.conv[0].in_channels, model.conv[0].input, model.conv[0].input, n));
    View<float> dx = tensor(x.shape);
    std::int64_t parameters = 0;
    const float slope = static_cast<float>(model.options.slope);

    for (int stage = 0; stage < kConvStages; ++stage) {
      const ConvStage& s = model.conv[static_cast<std::size_t>(stage)];
      const std::string name = "conv" + std::to_string(stage + 1), pool = "pool" + std::to_string(stage + 1);
      const ConvPads pads{s.pad_begin, s.pad_end};
      const auto w = tensor(Shape(s.channels, s.in_channels, s.kernel, s.kernel)), dw = tensor(w.shape);
      const auto b = tensor(Shape(s.channels)), db = tensor(b.shape);
      const auto z = tensor(Shape(s.channels, s.conv, s.conv, n)), dz = tensor(z.shape);
      const auto y = tensor(Shape(s.channels, s.live, s.live, n)), dy = tensor(y.shape);
      const View<std::uint8_t> winner(static_cast<std::uint8_t*>(bytes(static_cast<std::size_t>(y.count()))), y.shape);
      parameters += w.count() + b.count();
      workspace = std::max(workspace, ops.conv2d_workspace({x.shape, w.shape, pads}));
      const double flop = 2.0 * static_cast<double>(s.live_multiply_adds()) * static_cast<double>(n);
      const double pool_bytes = 4.0 * static_cast<double>(z.count()) + 5.0 * static_cast<double>(y.count());
      const MaxPool max_pool{s.ring, s.first};
      const bool is_max = s.pool == PoolKind::kMax;
      add(name + "_forward", flop, 0, [=, this, &ops] { ops.conv2d_forward(context_, pads, x, w, z); });
      add(pool + "_forward", 0, pool_bytes, [=, this, &ops] {
        is_max ? ops.max_pool_forward(context_, max_pool, slope, z, b, y, winner)
               : ops.avg_pool_forward(context_, slope, z, b, y);
      });
      if (stage == 0 || !is_max) steps_.back().run();  // the backward pass needs valid winners
      back.push_back({name + "_backward_data", flop, 0, stage > 0,
                      [=, this, &ops] { ops.conv2d_backward_data(context_, pads, w, dz, dx); }});
      back.push_back({name + "_backward_filter", flop, 0, true,
                      [=, this, &ops] { ops.conv2d_backward_filter(context_, pads, x, dz, dw); }});
      back.push_back({pool + "_backward", 0, pool_bytes + 4.0 * static_cast<double>(y.count()), true, [=, this, &ops] {
                        is_max ? ops.max_pool_backward(context_, max_pool, slope, y, winner, dy, dz, db)
                               : ops.avg_pool_backward(context_, slope, y, dy, dz, db);
                      }});
      x = y;
      dx = dy;
    }
    x = x.reshaped(Shape(x.count() / n, n));
    dx = dx.reshaped(x.shape);
    for (std::size_t layer = 0; layer < model.dense.size(); ++layer) {
      const std::string name = "fc" + std::to_string(layer + 1);
      const std::int64_t outputs = model.dense[layer].outputs;
      const auto w = tensor(Shape(outputs, x[0])), dw = tensor(w.shape), b = tensor(Shape(outputs)),
                 db = tensor(b.shape);
      const auto y = tensor(Shape(outputs, n)), dy = tensor(y.shape);
      parameters += w.count() + b.count();
      workspace = std::max(workspace, ops.dense_workspace(x[0], outputs, n));
      const double flop = 2.0 * static_cast<double>(w.count()) * static_cast<double>(n);
      add(name + "_forward", flop, 0, [=, this, &ops] { ops.dense_forward(context_, x, w, b, y); });
      back.push_back(
          {name + "_backward_data", flop, 0, true, [=, this, &ops] { ops.dense_backward_data(context_, w, dy, dx); }});
      back.push_back({name + "_backward_filter", flop, 0, true,
                      [=, this, &ops] { ops.dense_backward_filter(context_, x, dy, dw, db); }});
      if (layer + 1 < model.dense.size()) {
        const LeakyDropout dropout{model.options.slope, 0.4, layer == 0 ? Purpose::kDropout1 : Purpose::kDropout2};
        StepState* state = &state_;
        const double moved = 8.0 * static_cast<double>(y.count());
        add("dropout" + std::to_string(layer + 1) + "_forward", 0, moved,
            [=, this, &ops] { ops.leaky_dropout_forward(context_, dropout, state, y); });
        back.push_back({"dropout" + std::to_string(layer + 1) + "_backward", 0, 1.5 * moved, true,
                        [=, this, &ops] { ops.leaky_dropout_backward(context_, dropout, state, y, dy); }});
      } else {
        const auto labels = tensor(y.shape);
        StepReport* report = &report_;
        add("loss", 0, 0,
            [=, this, &ops] { ops.soft_cross_entropy(context_, CrossEntropyGradient::kTrue, y, labels, dy, report); });
      }
      x = y;
      dx = dy;
    }
    for (auto step = back.rbegin(); step != back.rend(); ++step) steps_.push_back(*step);
    const auto w = tensor(Shape(parameters)), g = tensor(w.shape), m = tensor(w.shape), v = tensor(w.shape);
    for (std::int64_t i = 0; i < v.count(); ++i) v.data[i] *= v.data[i];
    workspace = std::max(workspace, ops.adam_workspace(parameters));
    add("adam", 0, 28.0 * static_cast<double>(parameters), [=, this, &ops] {
      report_.non_finite = 0;
      ops.adam_step(context_, AdamParams<float>{}, parameters, &state_, g, w, m, v, &report_);
    });
    context_.workspace = bytes(workspace);
    context_.workspace_bytes = workspace;
    state_.step = 1;
    state_.lr_t = 1e-6f;
    for (const Step& step : steps_) step.run();
  }
  ~Network() {
    for (void* p : memory_) backend_.device->release(p);
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const std::vector<Step>& steps() const { return steps_; }

 private:
  void add(const std::string& name, double flop, double moved, std::function<void()> run) {
    steps_.push_back({name, flop, moved, true, std::move(run)});
  }
  void* bytes(std::size_t count) {
    memory_.push_back(backend_.device->allocate(count));
    std::memset(memory_.back(), 0, count);
    return memory_.back();
  }
  View<float> tensor(const Shape& shape) {
    View<float> view(static_cast<float*>(bytes(static_cast<std::size_t>(shape.count()) * sizeof(float))), shape);
    for (std::int64_t i = 0; i < view.count(); ++i) {
      const Philox4 words =
          philox(1, Purpose::kTest, static_cast<std::uint32_t>(memory_.size()), static_cast<std::uint64_t>(i));
      view.data[i] = static_cast<float>(0.1 * (to_unit(words.v[0]) - 0.5));
    }
    return view;
  }

  Backend& backend_;
  Context context_;
  StepState state_{};
  StepReport report_{};
  std::vector<void*> memory_;
  std::vector<Step> steps_;
};

/// Wall clock, or with one thread its CPU time, which excludes other processes.
double seconds_now(bool one_thread) {
  timespec now{};
  clock_gettime(one_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void measure(benchmark::State& state, const std::function<void()>& run, double flop, double moved, double peak,
             bool one_thread) {
  double best = 1e30;
  for (auto _ : state) {
    const double start = seconds_now(one_thread);
    run();
    best = std::min(best, seconds_now(one_thread) - start);
  }
  state.counters["best_ms"] = best * 1e3;
  if (flop > 0) {
    state.counters["GFLOP/s"] = flop / best * 1e-9;
    state.counters["of_peak"] = flop / best * 1e-9 / peak;
  }
  if (moved > 0) state.counters["GB/s"] = moved / best * 1e-9;
}

/// Removes our options from argv; Google Benchmark reads the rest.
Options take_options(int& argc, char** argv) {
  Options options;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    const bool ours = key == "--variant" || key == "--batch" || key == "--threads" || key == "--isa";
    if (!ours) {
      argv[kept++] = argv[i];
      continue;
    }
    if (i + 1 == argc) throw Error(ErrorKind::kUsage, "bench_ops", key + " needs a value");
    const std::string value = argv[++i];
    if (key == "--variant") options.variant = value;
    if (key == "--isa") options.isa = value;
    if (key == "--batch") options.batch = std::stoll(value);
    if (key == "--threads") options.threads = std::stoi(value);
  }
  argc = kept;
  return options;
}

int run(int argc, char** argv) {
  const Options options = take_options(argc, argv);
  BackendOptions backend_options;
  backend_options.threads = options.threads;
  backend_options.isa = options.isa;
  Backend backend = make_backend("cpu", backend_options);
  const std::string name = backend.device->name();  // "cpu (avx2, 2 threads)"
  const std::string isa = name.substr(5, name.find(',') - 5);
  const int threads = std::atoi(name.c_str() + name.find(',') + 2);
  ModelOptions model_options;
  model_options.variant = variant_from_string(options.variant);
  model_options.pool = model_options.variant == Variant::kStatic ? PoolKind::kMax : PoolKind::kAverage;
  const Model model = make_model(model_options);

  const double peak = fma_peak_gflops(isa, threads);
  std::printf("%s, variant %s, batch %lld, fma peak %.1f GFLOP/s\n", name.c_str(), options.variant.c_str(),
              static_cast<long long>(options.batch), peak);
  Network network(backend, model, options.batch);
  double flop = 0;
  for (const Step& step : network.steps()) {
    flop += step.training ? step.flop : 0;
    benchmark::RegisterBenchmark(step.name.c_str(), measure, step.run, step.flop, step.bytes, peak, threads == 1)
        ->UseRealTime();
  }
  const std::function<void()> whole = [&] {
    for (const Step& step : network.steps()) {
      if (step.training) step.run();
    }
  };
  benchmark::RegisterBenchmark("training_step", measure, whole, flop, 0.0, peak, threads == 1)->UseRealTime();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace shcnn::bench

int main(int argc, char** argv) {
  try {
    return shcnn::bench::run(argc, argv);
  } catch (const shcnn::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
