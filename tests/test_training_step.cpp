// Device calls of a training step, and independence of its results from the order in which threads run.
#include <catch2/catch.hpp>
#include <cstring>

#include "engine/net/initialise.h"
#include "engine/train/trainer.h"
#include "engine_support.h"
#include "support/executor.h"
#include "support/same_bits.h"

using namespace shcnn;
using namespace shcnn::test;

namespace {

/// Counts device calls. Each wait in an epoch must be for a step that is followed by another queued one.
class WatchedDevice final : public Device {
 public:
  struct Counts {
    int memory = 0;       ///< allocations and releases, on device and host
    int copies = 0;       ///< copies and fills
    int synchronize = 0;  ///< waits for all queued work
    int recordings = 0;
    int waits = 0;
    int early_waits = 0;  ///< waits for the newest work: nothing is queued behind it
    int marks = 0;
  };

  explicit WatchedDevice(std::unique_ptr<Device> device) : device_(std::move(device)) {}
  const Counts& counts() const { return counts_; }

  std::string name() const override { return device_->name(); }
  bool host_addressable() const override { return device_->host_addressable(); }
  void* allocate(std::size_t bytes) override { return ++counts_.memory, device_->allocate(bytes); }
  void release(void* pointer) noexcept override { ++counts_.memory, device_->release(pointer); }
  void copy_in(void* to, const void* from, std::size_t bytes) override {
    ++counts_.copies;
    device_->copy_in(to, from, bytes);
  }
  void copy_out(void* to, const void* from, std::size_t bytes) override {
    ++counts_.copies;
    device_->copy_out(to, from, bytes);
  }
  void fill_zero(void* to, std::size_t bytes) override {
    ++counts_.copies;
    device_->fill_zero(to, bytes);
  }
  void synchronize() override {
    ++counts_.synchronize;
    device_->synchronize();
  }
  void* allocate_host(std::size_t bytes) override { return ++counts_.memory, device_->allocate_host(bytes); }
  void release_host(void* pointer) noexcept override { ++counts_.memory, device_->release_host(pointer); }
  std::uint64_t mark() override {
    marks_[static_cast<std::size_t>(counts_.marks) % kMarks] = device_->mark();
    return static_cast<std::uint64_t>(counts_.marks++);
  }
  void wait(std::uint64_t mark) override {
    ++counts_.waits;
    counts_.early_waits += mark + 1 == static_cast<std::uint64_t>(counts_.marks);
    device_->wait(marks_[mark % kMarks]);
  }
  std::unique_ptr<Recording> record(std::function<void()> work) override {
    ++counts_.recordings;
    return device_->record(std::move(work));
  }

 private:
  std::unique_ptr<Device> device_;
  Counts counts_;
  std::uint64_t marks_[kMarks] = {};
};

TrainConfig step_config(const char* name, Variant variant) {
  TrainConfig config = recipe(name, variant, 3, "faces");
  config.batch = 4;
  config.seed = options().seed;
  return config;
}

}  // namespace

TEST_CASE("Between steps of an epoch nothing is allocated, copied or waited for but the step before",
          "[training_step][executor]") {
  TrainConfig config = step_config("paper", Variant::kStatic);
  config.augment = Augment::kCenter;
  config.epochs = 1;
  const Samples samples = banded_samples(28, 3, 48, 1, options().seed);  // 7 steps
  Backend backend = open_executor();
  auto watched = std::make_unique<WatchedDevice>(std::move(backend.device));
  const WatchedDevice& device = *watched;
  backend.device = std::move(watched);
  backend.context.device = backend.device.get();
  Trainer trainer(backend, config, samples, nullptr);
  TrainHooks hooks;
  WatchedDevice::Counts before;
  std::uint64_t watched_steps = 0;
  hooks.on_step = [&](const TrainProgress& progress) {
    const WatchedDevice::Counts now = device.counts();
    if (progress.step > 2 && progress.step < progress.total_steps) {
      CAPTURE(progress.step);
      CHECK(now.memory == before.memory);
      CHECK(now.copies == before.copies);
      CHECK(now.synchronize == before.synchronize);
      CHECK(now.recordings == before.recordings);
      CHECK(now.marks == before.marks + 1);
      CHECK(now.waits == before.waits + 1);
      CHECK(now.early_waits == before.early_waits);
      ++watched_steps;
    }
    before = now;
  };
  trainer.run(hooks);
  CHECK(watched_steps == 4);
  CHECK(device.counts().recordings == 1);
  CHECK(device.counts().early_waits == 1);  // the last step of the training
}

TEST_CASE("Threads, and the order in which they run, change no bit of training", "[training_step][executor][order]") {
  // paper: dropout, L2, replay of the dead columns; code with L2: the clip, with which the dead columns are updated in
  // every step
  const char* name = GENERATE("paper", "code");
  TrainConfig config = step_config(name, Variant::kStatic);
  if (config.l2 == 0) config.l2 = 1e-4;
  config.clip_norm = std::string(name) == "code" ? 4 : 0;
  CAPTURE(name);
  const Samples samples = banded_samples(6, 3, 48, 1, options().seed, true);
  const Model model = make_model(config.model);
  check_same_bits([&](Backend& backend) {
    Learner<float> learner(*backend.device, backend.context, backend.ops, model, config, samples);
    TrainingStep<float>& step = learner.step;
    std::vector<unsigned char> all;
    for (std::uint64_t t = 1; t <= 2; ++t) {
      step.run();
      const StepReport report = step.wait(t);
      append_bytes(all, Tensor<double>(Shape(3), {report.cross_entropy, report.sum_squares, report.grad_norm}));
    }
    step.settle();
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {
      for (const ParameterKind kind :
           {ParameterKind::kValue, ParameterKind::kFirstMoment, ParameterKind::kSecondMoment}) {
        const std::vector<float> values = learner.network.parameters().read(i, kind);
        append_bytes(all, Tensor<float>(Shape(static_cast<std::int64_t>(values.size())), values));
      }
    }
    return all;
  });
}
