// One training step: batch, forward, loss, backward, clip, Adam. The first step runs directly; later steps replay a
// recording. The queued operations are the same in every step: all that changes is in device memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/net/network.h"
#include "engine/net/samples.h"
#include "engine/train/train_config.h"

namespace shcnn {

template <class T>
class TrainingStep {
 public:
  /// `network` must be made for training with batches of at least config.batch samples. References must outlive this
  /// object. Throws Error(kBadData) if the samples do not fill one batch.
  TrainingStep(Device& device, Network<T>& network, const DeviceSamples<T>& samples, const TrainConfig& config);
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  std::int64_t steps_per_epoch() const { return schedule_.steps_per_epoch; }  ///< counts full batches only
  std::uint64_t step() const { return step_; }                                ///< steps queued so far

  /// Uploads the sample order of an epoch, with one entry for every crop of every sample.
  void set_order(const std::vector<std::int32_t>& order);
  /// Continues after `step` finished steps; the dead columns are taken to be up to date for that step.
  void resume_after(std::uint64_t step);

  /// Queues the next step. Use wait(step()) to get its report.
  void run();
  /// Waits for step `step`, which must be one of the last kRing queued, and returns its report.
  StepReport wait(std::uint64_t step);
  static constexpr std::int64_t kRing = 4;

  /// Updates the dead columns of fc1.weight to the last queued step, with exactly the result of an update in every
  /// step. Returns their sum of squares before each of those steps, leaving out excluded steps. Returns nothing if no
  /// update is deferred: no dead columns, no L2, or clipping that needs them in every step. Must be called before
  /// saving.
  std::vector<double> settle();
  /// Repeats the forward pass of step `step` and returns the name of the first tensor that contains a NaN or an
  /// infinity. Overwrites the network's activations but not its parameters.
  std::string diagnose(std::uint64_t step);
  double learning_rate() const;  ///< of the last queued step

  /// Excludes a non-finite step from settle(): it changed no parameter, so it must not change the dead columns either.
  void exclude_from_replay(std::uint64_t step) { excluded_.push_back(step); }

 private:
  void queue();

  Device& device_;
  Network<T>& network_;
  const DeviceSamples<T>& samples_;
  TrainConfig config_;
  StepSchedule schedule_;
  AdamParams<T> adam_;
  bool replay_dead_;   ///< updates of dead columns are deferred to settle(); false if clipping needs them in every step
  bool warm_ = false;  ///< this object has run a step
  std::uint64_t step_ = 0, settled_ = 0;
  std::vector<std::uint64_t> excluded_;

  MemoryPlan plan_;
  View<std::int32_t> order_;
  View<StepState> state_;
  View<StepReport> report_;
  View<T> batch_labels_;
  View<double> dead_squares_;
  StepReport* ring_ = nullptr;
  std::uint64_t marks_[kRing] = {};
  std::unique_ptr<Device::Recording> recording_;
};

extern template class TrainingStep<float>;
extern template class TrainingStep<double>;

}  // namespace shcnn
