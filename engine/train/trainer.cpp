#include "engine/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace shcnn {
namespace {

std::vector<int> crops_of(const TrainConfig& config, const Samples& samples, bool training) {
  const bool larger = samples.height > make_model(config.model).input_size;
  return training ? training_crops(config.augment, larger) : evaluation_crops(config.augment, larger);
}

/// Evaluation uses the training network, so its batch must hold the ten crops of an image.
std::int64_t network_batch(const TrainConfig& config) { return std::max<std::int64_t>(config.batch, 10); }

}  // namespace

Trainer::Trainer(Backend& backend, const TrainConfig& config, const Samples& training, const Samples* validation)
    : config_(config),
      device_(*backend.device),
      network_(*backend.device, backend.context, backend.ops, make_model(config.model), NetworkUse::kTraining,
               network_batch(config)),
      training_(*backend.device, training),
      crops_(crops_of(config, training, true)),
      step_(*backend.device, network_, training_, config),
      non_finite_(config.on_nan) {
  if (validation && validation->count() > 0) {
    validation_ = std::make_unique<DeviceSamples<float>>(device_, *validation);
    evaluator_ = std::make_unique<Evaluator<float>>(device_, network_, *validation_,
                                                    crops_of(config, *validation, false), config.input_scale);
  }
  const auto per_epoch = static_cast<std::uint64_t>(step_.steps_per_epoch());
  total_steps_ = config.steps > 0 ? static_cast<std::uint64_t>(config.steps)
                                  : per_epoch * static_cast<std::uint64_t>(config.epochs);
  initialise(network_.parameters(), network_.model(), config.initial, config.seed);
}

void Trainer::start_epoch(std::uint32_t epoch) {
  step_.set_order(shuffled_order(training_.count(), crops_, config_.seed, epoch));
}

void Trainer::restore(const TrainState& state) {
  if (state.step > total_steps_) {
    const auto per_epoch = static_cast<std::uint64_t>(step_.steps_per_epoch());
    throw Error(ErrorKind::kUsage, config_.steps > 0 ? "steps" : "epochs",
                message("the run has finished ", state.step, " steps (", state.step / per_epoch,
                        " epochs), more than the ", total_steps_, " asked for; ask for more"));
  }
  write_parameters(state);
  state_ = state;
  state_.value.clear();
  state_.first_moment.clear();
  state_.second_moment.clear();
  step_.resume_after(state.step);
  collected_ = state.step;
  if (config_.on_nan == OnNan::kRollback) snapshot_ = state;
}

TrainOutcome Trainer::run(const TrainHooks& hooks) {
  const auto per_epoch = static_cast<std::uint64_t>(step_.steps_per_epoch());
  const auto save = [&] {
    TrainState now = state();
    if (hooks.save_state) hooks.save_state(now);
    if (config_.on_nan == OnNan::kRollback) snapshot_ = std::move(now);
  };
  if (config_.on_nan == OnNan::kRollback && snapshot_.value.empty()) snapshot_ = state();

  if (step_.step() % per_epoch != 0) start_epoch(static_cast<std::uint32_t>(step_.step() / per_epoch));
  while (step_.step() < total_steps_) {
    if (step_.step() % per_epoch == 0) start_epoch(static_cast<std::uint32_t>(step_.step() / per_epoch));
    step_.run();
    const std::uint64_t t = step_.step();
    try {
      collect(t - 1);
      const bool epoch_ends = t % per_epoch == 0 || t == total_steps_;
      if (epoch_ends) collect(t);
      if (hooks.on_step) {
        const double mean = state_.sums.steps ? state_.sums.cross_entropy / static_cast<double>(state_.sums.steps) : 0;
        const int epochs = static_cast<int>((total_steps_ + per_epoch - 1) / per_epoch);
        hooks.on_step({static_cast<int>((t - 1) / per_epoch) + 1, epochs, t, total_steps_, mean});
      }
      if (epoch_ends) finish_epoch(hooks);
      const bool stop = hooks.should_stop && hooks.should_stop();
      if (stop || epoch_ends || (hooks.save_every > 0 && t % static_cast<std::uint64_t>(hooks.save_every) == 0)) save();
      if (stop && t < total_steps_) return TrainOutcome::kStopped;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kNonFinite && hooks.save_state) hooks.save_state(last_good_state());
      throw;
    }
  }
  return TrainOutcome::kFinished;
}

void Trainer::collect(std::uint64_t until) {
  while (collected_ < until) {
    const StepReport report = step_.wait(collected_ + 1);
    ++collected_;
    if (report.non_finite > 0) {
      meet_non_finite(report);
      continue;
    }
    non_finite_.met_finite();
    EpochSums& sums = state_.sums;
    ++sums.steps;
    sums.correct += report.correct;
    sums.cross_entropy += report.cross_entropy;
    sums.label_entropy += report.label_entropy;
    sums.sum_squares += report.sum_squares;
    sums.grad_norm += report.grad_norm;
  }
}

void Trainer::meet_non_finite(const StepReport& report) {
  ++state_.sums.skipped;
  if (non_finite_.met(step_, collected_, report,
                      "the last good state is kept: try a lower --lr, --clip-norm, or --on-nan skip")) {
    device_.synchronize();
    write_parameters(snapshot_);
    step_.resume_after(step_.step());
    collected_ = step_.step();
  }
}

void Trainer::settle() {
  for (const double squares : step_.settle()) {
    state_.sums.dead_squares += squares;
    ++state_.sums.dead_steps;
  }
}

void Trainer::finish_epoch(const TrainHooks& hooks) {
  settle();
  const EpochSums& sums = state_.sums;
  const double steps = std::max(1.0, static_cast<double>(sums.steps));
  EpochRecord record;
  record.epoch = static_cast<int>((step_.step() + static_cast<std::uint64_t>(step_.steps_per_epoch()) - 1) /
                                  static_cast<std::uint64_t>(step_.steps_per_epoch()));
  record.step = step_.step();
  record.learning_rate = step_.learning_rate();
  record.cross_entropy = sums.cross_entropy / steps;
  record.divergence = (sums.cross_entropy - sums.label_entropy) / steps;
  record.l2_term =
      config_.l2 * (sums.sum_squares / steps + sums.dead_squares / std::max(1.0, static_cast<double>(sums.dead_steps)));
  record.loss = record.cross_entropy + record.l2_term;
  record.accuracy = static_cast<double>(sums.correct) / (steps * static_cast<double>(config_.batch));
  if (config_.clip_norm > 0) record.grad_norm = sums.grad_norm / steps;
  record.skipped = sums.skipped;

  bool best = false;
  if (evaluator_) {
    evaluation_ = evaluator_->run(hooks.on_validation);
    record.validated = true;
    record.validation_accuracy = evaluation_->confusion.accuracy();
    record.validation_uf1 = evaluation_->confusion.uf1();
    record.validation_uar = evaluation_->confusion.uar();
    record.validation_cross_entropy = evaluation_->cross_entropy;
    best = evaluation_->non_finite_image < 0 && record.validation_accuracy > state_.best_accuracy;  // the first on ties
  }
  if (best) {
    state_.best_accuracy = record.validation_accuracy;
    state_.best_epoch = record.epoch;
  }
  state_.curves.push_back(record);
  state_.sums = EpochSums{};
  if (hooks.on_epoch) hooks.on_epoch(record, evaluation_ ? &*evaluation_ : nullptr, best);
}

TrainState Trainer::last_good_state() {
  // A non-finite step changes no parameter, so the current state is good. The step queued after it may have failed too.
  while (collected_ < step_.step()) {
    if (step_.wait(++collected_).non_finite > 0) step_.exclude_from_replay(collected_);
  }
  return state();
}

TrainState Trainer::state() {
  collect(step_.step());
  settle();
  TrainState state = state_;
  state.step = step_.step();
  read_parameters(state);
  return state;
}

std::vector<std::vector<float>> Trainer::weights() const {
  return network_.parameters().read_all(ParameterKind::kValue);
}

void Trainer::read_parameters(TrainState& state) const {
  const Parameters<float>& p = network_.parameters();
  state.value = p.read_all(ParameterKind::kValue);
  state.first_moment = p.read_all(ParameterKind::kFirstMoment);
  state.second_moment = p.read_all(ParameterKind::kSecondMoment);
}

void Trainer::write_parameters(const TrainState& state) {
  Parameters<float>& p = network_.parameters();
  for (std::size_t i = 0; i < state.value.size(); ++i) {
    p.write(i, ParameterKind::kValue, state.value[i]);
    p.write(i, ParameterKind::kFirstMoment, state.first_moment[i]);
    p.write(i, ParameterKind::kSecondMoment, state.second_moment[i]);
  }
}

}  // namespace shcnn
