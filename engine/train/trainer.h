// Trains a network: epochs of shuffled samples with validation after each epoch. A resumed run is bit-exact.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/net/evaluator.h"
#include "engine/train/non_finite.h"
#include "engine/train/training_step.h"
#include "kernels/backend.h"

namespace shcnn {

/// One row of the training curves: means over the steps of an epoch, and the results of the validation after it.
struct EpochRecord {
  int epoch = 0;           ///< from 1
  std::uint64_t step = 0;  ///< steps finished
  double learning_rate = 0;
  double cross_entropy = 0;  ///< on training data, with dropout
  double divergence = 0;     ///< cross_entropy minus the entropy of the labels: the part that training can reduce. Its
                             ///< minimum is below 0 if labels sum to less than 1 (FER+'s NF votes, docs/formats.md)
  double l2_term = 0;        ///< lambda * sum of squares of the weights
  double loss = 0;           ///< cross_entropy + l2_term (Eq. 2)
  double accuracy = 0;       ///< fraction of training samples whose largest logit is at the largest label
  std::optional<double> grad_norm;  ///< global norm; set only if clipping is on, since nothing else needs it
  std::int64_t skipped = 0;         ///< non-finite steps, which changed no parameter
  bool validated = false;
  double validation_accuracy = 0, validation_uf1 = 0, validation_uar = 0, validation_cross_entropy = 0;
};

/// Running sums of the current epoch. They are part of the state, so that a resumed run gives the same curves.
struct EpochSums {
  std::int64_t steps = 0, correct = 0, skipped = 0;
  double cross_entropy = 0, label_entropy = 0, sum_squares = 0, grad_norm = 0;
  std::int64_t dead_steps = 0;
  double dead_squares = 0;
};

/// Everything needed to continue training bit-exactly. Tensors are those of Model::parameters(), in the paper's order.
struct TrainState {
  std::uint64_t step = 0;
  std::vector<std::vector<float>> value, first_moment, second_moment;
  EpochSums sums;
  std::vector<EpochRecord> curves;
  int best_epoch = 0;  ///< 0 = none yet
  double best_accuracy = -1;
};

struct TrainProgress {
  int epoch, epochs;
  std::uint64_t step, total_steps;
  double mean_cross_entropy;  ///< over this epoch so far
};

/// Callbacks for progress, stopping and saving. Every function may be empty.
struct TrainHooks {
  std::function<void(const TrainProgress&)> on_step;
  std::function<void(std::int64_t done, std::int64_t total)> on_validation;
  /// Called after each epoch. `evaluation` is null without validation data. `best` is true if its accuracy is the
  /// highest so far.
  std::function<void(const EpochRecord&, const Evaluation* evaluation, bool best)> on_epoch;
  /// Called after every step. If it returns true, training ends with kStopped after a call of save_state.
  std::function<bool()> should_stop;
  /// Called every `save_every` steps, after each epoch, before stopping, and before an Error(kNonFinite) is thrown.
  std::function<void(const TrainState&)> save_state;
  std::int64_t save_every = 500;
};

enum class TrainOutcome { kFinished, kStopped };

class Trainer {
 public:
  /// Allocates all memory. `validation` may be null; then no epoch is "best". References must outlive this object.
  Trainer(Backend& backend, const TrainConfig& config, const Samples& training, const Samples* validation);

  /// Continues from a saved state. The caller must check that it has the same configuration and data. Throws
  /// Error(kUsage) if it is beyond the configured number of epochs or steps.
  void restore(const TrainState& state);
  /// Trains up to the configured number of epochs or steps. Throws Error(kNonFinite) according to config.on_nan.
  TrainOutcome run(const TrainHooks& hooks);

  TrainState state();
  std::vector<std::vector<float>> weights() const;  ///< tensors of Model::parameters()
  const std::vector<EpochRecord>& curves() const { return state_.curves; }
  /// The result of the latest validation, if there was one.
  const std::optional<Evaluation>& evaluation() const { return evaluation_; }
  const Model& model() const { return network_.model(); }
  const MemoryPlan& memory() const { return network_.memory(); }
  std::uint64_t total_steps() const { return total_steps_; }

 private:
  void start_epoch(std::uint32_t epoch);
  void collect(std::uint64_t until);
  void meet_non_finite(const StepReport& report);
  TrainState last_good_state();
  void settle();
  void finish_epoch(const TrainHooks& hooks);
  void write_parameters(const TrainState& state);
  void read_parameters(TrainState& state) const;

  TrainConfig config_;
  Device& device_;
  Network<float> network_;
  DeviceSamples<float> training_;
  std::vector<int> crops_;
  TrainingStep<float> step_;
  std::unique_ptr<DeviceSamples<float>> validation_;
  std::unique_ptr<Evaluator<float>> evaluator_;
  std::uint64_t total_steps_ = 0;
  std::uint64_t collected_ = 0;  ///< steps whose reports have been collected
  NonFiniteSteps non_finite_;
  TrainState state_;     ///< without tensors
  TrainState snapshot_;  ///< for OnNan::kRollback: the last saved state
  std::optional<Evaluation> evaluation_;
};

}  // namespace shcnn
