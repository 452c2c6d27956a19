#include "engine/train/training_step.h"

#include <algorithm>

#include "engine/net/finite_scores.h"

namespace shcnn {
namespace {
constexpr std::int64_t kReplayBlock = 4096;  // maximum number of steps per adam_replay call, the size of dead_squares_
}

template <class T>
TrainingStep<T>::TrainingStep(Device& device, Network<T>& network, const DeviceSamples<T>& samples,
                              const TrainConfig& config)
    : device_(device), network_(network), samples_(samples), config_(config) {
  config.check();
  const View<const std::uint8_t> images = samples.images();
  const bool larger = images[1] > network.model().input_size;
  const auto per_epoch = samples.count() * static_cast<std::int64_t>(training_crops(config.augment, larger).size());
  if (per_epoch < config.batch) {
    throw Error(ErrorKind::kBadData, "train",
                message(per_epoch, " training samples do not fill one batch of ", config.batch, "; use --batch ",
                        std::max<std::int64_t>(per_epoch, 1), " or less"));
  }
  schedule_.seed = config.seed;
  schedule_.learning_rate = config.learning_rate;
  schedule_.decay_rate = config.decay_rate;
  schedule_.decay_steps = config.decay_steps;
  schedule_.staircase = config.staircase;
  schedule_.batch = config.batch;
  schedule_.steps_per_epoch = per_epoch / config.batch;
  adam_.lambda = static_cast<T>(config.l2);
  replay_dead_ = config.clip_norm == 0 || config.l2 == 0;

  const auto order = plan_.add<std::int32_t>("order", Shape(per_epoch));
  const auto state = plan_.add<StepState>("step state", Shape(1));
  const auto report = plan_.add<StepReport>("step report", Shape(1));
  const auto labels = plan_.add<T>("batch labels", Shape(samples.classes(), config.batch));
  const auto squares = plan_.add<double>("dead squares", Shape(kReplayBlock));
  plan_.commit(device);
  order_ = plan_.view<std::int32_t>(order);
  state_ = plan_.view<StepState>(state);
  report_ = plan_.view<StepReport>(report);
  batch_labels_ = plan_.view<T>(labels);
  dead_squares_ = plan_.view<double>(squares);
  ring_ = static_cast<StepReport*>(device.allocate_host(kRing * sizeof(StepReport)));
  resume_after(0);
}

template <class T>
TrainingStep<T>::~TrainingStep() {
  device_.release_host(ring_);
}

template <class T>
void TrainingStep<T>::set_order(const std::vector<std::int32_t>& order) {
  if (static_cast<std::int64_t>(order.size()) != order_.count()) {
    throw Error(ErrorKind::kInternal, "TrainingStep::set_order",
                message("got ", order.size(), " samples, expected ", order_.count()));
  }
  device_.synchronize();
  device_.copy_in(order_.data, order.data(), order.size() * sizeof(std::int32_t));
}

template <class T>
void TrainingStep<T>::resume_after(std::uint64_t step) {
  StepState state;
  state.seed = schedule_.seed;
  state.step = step;
  device_.copy_in(state_.data, &state, sizeof state);
  step_ = settled_ = step;
}

template <class T>
void TrainingStep<T>::queue() {
  const Ops<T>& ops = network_.ops();
  const Context& context = network_.context();
  Parameters<T>& p = network_.parameters();
  const std::int64_t n = config_.batch;
  const auto patch = network_.model().input_size;
  const CropPlan crop{patch, patch, input_scale_for_kernels(config_.input_scale)};

  ops.advance_step(context, schedule_, state_.data);
  ops.make_batch(context, crop, samples_.images(), samples_.labels(), order_, state_.data, network_.input(n),
                 batch_labels_);
  network_.forward(n, state_.data, config_.dropout);
  ops.soft_cross_entropy(context, config_.gradient, network_.logits(n), batch_labels_, network_.grad_logits(n),
                         report_.data);
  network_.backward(n, state_.data, config_.dropout);

  using Kind = ParameterKind;
  const auto part = [&](Kind kind) { return replay_dead_ ? p.live(kind) : p.all(kind); };
  const std::int64_t decayed = p.decayed_count() + (replay_dead_ ? 0 : p.dead_count());
  if (config_.clip_norm > 0) {
    ops.clip_by_global_norm(context, static_cast<T>(config_.clip_norm), adam_.lambda, decayed, part(Kind::kValue),
                            part(Kind::kGradient), state_.data, report_.data);
  }
  ops.adam_step(context, adam_, decayed, state_.data, part(Kind::kGradient), part(Kind::kValue),
                part(Kind::kFirstMoment), part(Kind::kSecondMoment), report_.data);
  ops.publish_report(context, state_.data, report_.data, View<StepReport>(ring_, Shape(kRing)));
}

template <class T>
void TrainingStep<T>::run() {
  // The first step runs directly, because an executor may still load kernels or allocate scratch memory. The second is
  // recorded.
  if (!warm_) {
    queue();
    warm_ = true;
  } else {
    if (!recording_) recording_ = device_.record([this] { queue(); });
    recording_->run();
  }
  ++step_;
  marks_[step_ % kRing] = device_.mark();
}

template <class T>
StepReport TrainingStep<T>::wait(std::uint64_t step) {
  if (step == 0 || step > step_ || step + kRing <= step_) {
    throw Error(ErrorKind::kInternal, "TrainingStep::wait",
                message("step ", step, " is not among the last ", kRing, " of ", step_));
  }
  device_.wait(marks_[step % kRing]);
  return ring_[step % kRing];
}

template <class T>
std::vector<double> TrainingStep<T>::settle() {
  std::vector<double> squares;
  Parameters<T>& p = network_.parameters();
  // Without L2 the dead columns never change: their gradients and moments are zero.
  if (p.dead_count() == 0 || !replay_dead_ || config_.l2 == 0) {
    settled_ = step_;
    return squares;
  }
  using Kind = ParameterKind;
  while (settled_ < step_) {
    const bool skip = std::find(excluded_.begin(), excluded_.end(), settled_ + 1) != excluded_.end();
    std::uint64_t last = skip ? settled_ + 1 : std::min<std::uint64_t>(step_, settled_ + kReplayBlock);
    if (!skip) {
      for (const std::uint64_t bad : excluded_) {
        if (bad > settled_ && bad <= last) last = bad - 1;
      }
    }
    std::vector<double> block(static_cast<std::size_t>(last - settled_));
    if (skip) {
      block.clear();  // excluded steps are not part of any mean
    } else {
      const View<double> sums(dead_squares_.data, Shape(static_cast<std::int64_t>(block.size())));
      network_.ops().adam_replay(network_.context(), adam_, schedule_, settled_ + 1, p.dead(Kind::kValue),
                                 p.dead(Kind::kFirstMoment), p.dead(Kind::kSecondMoment), sums);
      device_.copy_out(block.data(), sums.data, block.size() * sizeof(double));
    }
    squares.insert(squares.end(), block.begin(), block.end());
    settled_ = last;
  }
  return squares;
}

template <class T>
std::string TrainingStep<T>::diagnose(std::uint64_t step) {
  StepState now;
  device_.copy_out(&now, state_.data, sizeof now);
  StepState before = now;
  before.step = step - 1;
  device_.copy_in(state_.data, &before, sizeof before);
  const Context& context = network_.context();
  const auto patch = network_.model().input_size;
  network_.ops().advance_step(context, schedule_, state_.data);
  network_.ops().make_batch(context, {patch, patch, input_scale_for_kernels(config_.input_scale)}, samples_.images(),
                            samples_.labels(), order_, state_.data, network_.input(config_.batch), batch_labels_);
  network_.forward(config_.batch, state_.data, config_.dropout);
  const std::string name = network_.first_non_finite(config_.batch);
  device_.copy_in(state_.data, &now, sizeof now);
  return name.empty() ? "a gradient or the update of a parameter" : name;
}

template <class T>
double TrainingStep<T>::learning_rate() const {
  StepState state;
  state.step = step_ > 0 ? step_ - 1 : 0;
  advance(state, schedule_);
  return state.lr;
}

template class TrainingStep<float>;
template class TrainingStep<double>;

}  // namespace shcnn
