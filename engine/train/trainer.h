// Trains a network: epochs of shuffled samples, validation after each, best weights kept, bit-exact resumption.
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

/// One row of the curves: means over the epoch's steps, and the validation after it.
struct EpochRecord {
  int epoch = 0;           ///< from 1
  std::uint64_t step = 0;  ///< steps finished
  double learning_rate = 0;
  double cross_entropy = 0;  ///< training, with dropout
  double divergence = 0;  ///< cross_entropy minus the entropy of the labels: what training can still remove; its floor
                          ///< is below 0 where labels sum to less than 1 (FER+'s NF votes, docs/formats.md)
  double l2_term = 0;     ///< lambda * sum of squares of the weights
  double loss = 0;        ///< cross_entropy + l2_term (Eq. 2)
  double accuracy = 0;    ///< share of training samples whose largest logit was right
  std::optional<double> grad_norm;  ///< global norm; only where clipping is on, since nothing else needs it
  std::int64_t skipped = 0;         ///< non-finite steps that changed nothing
  bool validated = false;
  double validation_accuracy = 0, validation_uf1 = 0, validation_uar = 0, validation_cross_entropy = 0;
};

/// Running sums of the epoch in progress; part of the state, so that resumed curves equal uninterrupted ones.
struct EpochSums {
  std::int64_t steps = 0, correct = 0, skipped = 0;
  double cross_entropy = 0, label_entropy = 0, sum_squares = 0, grad_norm = 0;
  std::int64_t dead_steps = 0;
  double dead_squares = 0;
};

/// All that training needs to go on, bit for bit. Tensors are those of Model::parameters(), in the paper's order.
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
  double mean_cross_entropy;  ///< of this epoch so far
};

/// What the caller may watch and decide; every member may be empty.
struct TrainHooks {
  std::function<void(const TrainProgress&)> on_step;
  std::function<void(std::int64_t done, std::int64_t total)> on_validation;
  /// After each epoch; `evaluation` is null without validation data. `best` says that its accuracy is the highest yet.
  std::function<void(const EpochRecord&, const Evaluation* evaluation, bool best)> on_epoch;
  /// Asked after every step; true ends training with kStopped, after save_state.
  std::function<bool()> should_stop;
  /// Called every `save_every` steps, after each epoch, and before stopping.
  std::function<void(const TrainState&)> save_state;
  std::int64_t save_every = 500;
};

enum class TrainOutcome { kFinished, kStopped };

class Trainer {
 public:
  /// Plans and takes all memory. `validation` may be null; then no weights are "best". References must outlive this.
  Trainer(Backend& backend, const TrainConfig& config, const Samples& training, const Samples* validation);

  /// Continues from a saved state (of the same configuration and data: the caller checks). Error(kUsage) where it is
  /// beyond the configured number of epochs or steps.
  void restore(const TrainState& state);
  /// Up to the configured number of epochs or steps. Error(kNonFinite) as config.on_nan says.
  TrainOutcome run(const TrainHooks& hooks);

  TrainState state();
  std::vector<std::vector<float>> weights() const;  ///< tensors of Model::parameters()
  const std::vector<EpochRecord>& curves() const { return state_.curves; }
  /// The latest validation, if there was one.
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
  std::uint64_t collected_ = 0;  ///< steps whose reports are in the sums
  NonFiniteSteps non_finite_;
  TrainState state_;     ///< without tensors, except where rollback keeps a snapshot
  TrainState snapshot_;  ///< on-nan rollback: the last saved state
  std::optional<Evaluation> evaluation_;
};

}  // namespace shcnn
