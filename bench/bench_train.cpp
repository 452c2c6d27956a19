// Times one training step of this project ("ours") and of libtorch, in turn in one process, so that both run under the
// same conditions.
//
//   bench_train [--variant static|micro] [--batch N] [--threads N] [--rounds N] [--steps N] [--device D]
//
// A round is `steps` steps of ours and then the same number of libtorch's; the medians of the rounds are compared. Ours
// starts from bytes (crop, mirror, scale) and includes its share of updating the dead columns, which a training run
// does once per save. libtorch starts from a float batch that is already in memory.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "engine/train/training_step.h"
#include "kernels/backend.h"
#ifdef SHCNN_HAVE_TORCH
#include "bench/peers/torch_step.h"
#endif

namespace {

using namespace shcnn;

struct Arguments {
  std::string variant = "static", device = "cpu";
  int threads = 2, rounds = 7, steps = 10;
  std::int64_t batch = 0;
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    if (key == "--variant" && !value.empty()) {
      a.variant = value;
    } else if (key == "--device" && !value.empty()) {
      a.device = value;
    } else if (key == "--threads" && std::atoi(value.c_str()) > 0) {
      a.threads = std::atoi(value.c_str());
    } else if (key == "--rounds" && std::atoi(value.c_str()) > 0) {
      a.rounds = std::atoi(value.c_str());
    } else if (key == "--steps" && std::atoi(value.c_str()) > 0) {
      a.steps = std::atoi(value.c_str());
    } else if (key == "--batch" && std::atoll(value.c_str()) > 0) {
      a.batch = std::atoll(value.c_str());
    } else {
      throw Error(ErrorKind::kUsage, key,
                  "[--variant static|micro] [--batch N] [--threads N] [--rounds N] [--steps N] [--device D]");
    }
  }
  return a;
}

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Spread {
  double median, least, most;
};
Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

Samples noise_samples(const Model& model, std::int64_t count) {
  Samples s;
  const bool faces = model.options.variant == Variant::kStatic;
  s.height = s.width = faces ? 48 : model.input_size;
  s.channels = model.input_channels;
  for (int c = 0; c < model.options.classes; ++c) s.class_names.push_back(std::to_string(c));
  s.pixels.resize(static_cast<std::size_t>(count * s.height * s.width * s.channels));
  for (std::size_t i = 0; i < s.pixels.size(); ++i)
    s.pixels[i] = static_cast<std::uint8_t>(philox_word(1, Purpose::kTest, 0, i));
  for (std::int64_t i = 0; i < count; ++i) {
    for (int c = 0; c < model.options.classes; ++c) s.labels.push_back(c == i % model.options.classes ? 1.0f : 0.0f);
    s.truth.push_back(static_cast<std::int32_t>(i % model.options.classes));
    s.names.push_back("");
  }
  return s;
}

int run(const Arguments& a) {
  const Variant variant = variant_from_string(a.variant);
  TrainConfig config = recipe("paper", variant, variant == Variant::kStatic ? 7 : 5, "");
  if (a.batch > 0) config.batch = a.batch;
  const Model model = make_model(config.model);

  BackendOptions options;
  options.threads = a.threads;
  Backend backend = make_backend(a.device, options);
  Network<float> network(*backend.device, backend.context, backend.ops, model, NetworkUse::kTraining, config.batch);
  const Samples samples = noise_samples(model, 4 * config.batch);
  const DeviceSamples<float> on_device(*backend.device, samples);
  TrainingStep<float> step(*backend.device, network, on_device, config);
  initialise(network.parameters(), model, config.initial, 1);
  step.set_order(
      shuffled_order(samples.count(), training_crops(config.augment, samples.height > model.input_size), 1, 0));

  const double flops = model.training_flops() * static_cast<double>(config.batch);
  const double live = model.live_training_flops() * static_cast<double>(config.batch);
  std::printf("%s, batch %lld, %d threads; %s\n", a.variant.c_str(), static_cast<long long>(config.batch), a.threads,
              backend.device->name().c_str());
  std::printf("%.2f GFLOP a step as written, %.2f without taps on zeros and dead inputs\n", flops / 1e9, live / 1e9);

  std::vector<double> ours, theirs;
#ifdef SHCNN_HAVE_TORCH
  bench::TorchStep peer(model, config, a.threads);
  for (int i = 0; i < 3; ++i) peer.run();
#endif
  for (int i = 0; i < 3; ++i) step.run();
  step.settle();
  for (int round = 0; round < a.rounds; ++round) {
    double begin = milliseconds();
    for (int i = 0; i < a.steps; ++i) step.run();
    step.settle();
    backend.device->synchronize();
    ours.push_back((milliseconds() - begin) / a.steps);
#ifdef SHCNN_HAVE_TORCH
    begin = milliseconds();
    for (int i = 0; i < a.steps; ++i) peer.run();
    theirs.push_back((milliseconds() - begin) / a.steps);
#endif
  }
  const Spread mine = spread(ours);
  std::printf("shcnn          median %8.2f ms  (%.2f .. %.2f)  %.1f GFLOP/s of live work\n", mine.median, mine.least,
              mine.most, live / mine.median / 1e6);
#ifdef SHCNN_HAVE_TORCH
  const Spread other = spread(theirs);
  std::printf("%-14s median %8.2f ms  (%.2f .. %.2f)\n", bench::TorchStep::description(), other.median, other.least,
              other.most);
  std::printf("ratio of medians %.2f, of best rounds %.2f\n", other.median / mine.median, other.least / mine.least);
#else
  std::printf("libtorch was not there at build time: no peer\n");
#endif
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_train: %s\n", error.what());
    return 1;
  }
}
