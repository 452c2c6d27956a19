// One training step: batch, forward, loss, backward, clip, Adam. After the first it is replayed from a recording, and
// nothing in it but device memory changes from step to step.
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
  /// `network` must be for training with at least config.batch samples; both references must outlive this.
  TrainingStep(Device& device, Network<T>& network, const DeviceSamples<T>& samples, const TrainConfig& config);
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  std::int64_t steps_per_epoch() const { return schedule_.steps_per_epoch; }  ///< whole batches only
  std::uint64_t step() const { return step_; }                                ///< steps queued so far

  /// Uploads the sample order of an epoch: at least batch * steps_per_epoch() entries.
  void set_order(const std::vector<std::int32_t>& order);
  /// Continues after `step` finished steps, with the dead columns as far.
  void resume_after(std::uint64_t step);

  /// Queues the next step. Its report is ready after wait(number of that step).
  void run();
  /// The report of step `step`, which must be one of the last kRing queued; waits for that step.
  StepReport wait(std::uint64_t step);
  static constexpr std::int64_t kRing = 4;

  /// Brings the dead columns of fc1.weight up to the last queued step, exactly as if they had taken part in every step;
  /// returns their sum of squares before each of those steps (none for steps that were excluded, and none where nothing
  /// waits: no dead columns, no L2, or a clip that needs them in every step). Must precede a save.
  std::vector<double> settle();
  /// Runs the forward pass of step `step` again and names the first tensor in it that holds a NaN or an infinity.
  /// The network's activations are overwritten, its parameters are not.
  std::string diagnose(std::uint64_t step);
  double learning_rate() const;  ///< of the last queued step

  /// Steps that changed nothing (non-finite) must not move the dead columns either.
  void exclude_from_replay(std::uint64_t step) { excluded_.push_back(step); }

 private:
  void queue();

  Device& device_;
  Network<T>& network_;
  const DeviceSamples<T>& samples_;
  TrainConfig config_;
  StepSchedule schedule_;
  AdamParams<T> adam_;
  bool replay_dead_;   ///< dead columns wait for settle(); false where the clip needs them in every step
  bool warm_ = false;  ///< a step has run in this object
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
