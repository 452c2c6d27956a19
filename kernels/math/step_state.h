// The scalars that change from one training step to the next. They live in device memory, so that a step can be
// captured once (a CUDA graph) and replayed: the kernel arguments stay the same, and only the memory they point to
// changes.
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
  double decay_rate = 1.0;  ///< factor per `decay_steps`; 1 = constant learning rate
  std::int64_t decay_steps = 1;
  bool staircase = false;  ///< integer powers of decay_rate only
  std::int64_t batch = 100;
  std::int64_t steps_per_epoch = 1;  ///< the epoch's order holds batch * steps_per_epoch samples
};

/// State of the step in progress. The first step has number 1.
struct StepState {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;   ///< number of the step in progress; Adam's t
  std::int64_t cursor = 0;  ///< first sample of this step in the epoch's order
  double lr = 0;            ///< scheduled learning rate
  float lr_t = 0;           ///< lr * sqrt(1 - beta2^t) / (1 - beta1^t)
  float clip_scale = 1;     ///< gradient scale factor of global-norm clipping
};

/// Advances the state by one step. The learning rate decays with the number of *finished* steps, as in TensorFlow 1.
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
