// The scalars that change from one training step to the next. They live in device memory, so that a step can be
// captured once (a CUDA graph) and replayed: nothing in a step's arguments changes, only what they point to.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/host_device.h"

namespace shcnn {

/// Adam's decay rates of the two moments.
inline constexpr double kAdamBeta1 = 0.9;
inline constexpr double kAdamBeta2 = 0.999;

/// Learning-rate schedule; fixed for a run.
struct StepSchedule {
  std::uint64_t seed = 0;
  double learning_rate = 1e-3;
  double decay_rate = 1.0;  ///< factor per `decay_steps`; 1 is a constant rate
  std::int64_t decay_steps = 1;
  bool staircase = false;  ///< whole powers of decay_rate only
  std::int64_t batch = 100;
  std::int64_t steps_per_epoch = 1;  ///< the epoch's order holds batch * steps_per_epoch samples
};

/// State of the step in progress. `step` counts from 1 once a step has begun.
struct StepState {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;   ///< t of Adam; number of the step in progress
  std::int64_t cursor = 0;  ///< first sample of this step in the epoch's order
  double lr = 0;            ///< scheduled learning rate
  float lr_t = 0;           ///< lr * sqrt(1 - beta2^t) / (1 - beta1^t)
  float clip_scale = 1;     ///< factor on every gradient from the global-norm clip
};

/// One step on: what the host would otherwise have to send. TensorFlow 1 decays by the number of *finished* steps.
SHCNN_HD void advance(StepState& state, const StepSchedule& schedule) {
  const std::uint64_t finished = state.step;
  const double t = static_cast<double>(finished + 1);
  const double periods = static_cast<double>(finished) / static_cast<double>(schedule.decay_steps);
  state.seed = schedule.seed;
  state.step = finished + 1;
  state.cursor =
      static_cast<std::int64_t>(finished % static_cast<std::uint64_t>(schedule.steps_per_epoch)) * schedule.batch;
  state.lr = schedule.decay_rate == 1.0
                 ? schedule.learning_rate
                 : schedule.learning_rate * pow(schedule.decay_rate, schedule.staircase ? floor(periods) : periods);
  state.lr_t = static_cast<float>(state.lr * sqrt(1 - pow(kAdamBeta2, t)) / (1 - pow(kAdamBeta1, t)));
  state.clip_scale = 1;
}

}  // namespace shcnn
