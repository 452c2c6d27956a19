// Implements TrainConfig::on_nan, the reaction to a step that produced a NaN or an infinity, for single runs and folds.
#pragma once

#include <cstdint>

#include "engine/train/train_config.h"
#include "engine/train/training_step.h"

namespace shcnn {

class NonFiniteSteps {
 public:
  explicit NonFiniteSteps(OnNan policy) : policy_(policy) {}

  void met_finite() { in_a_row_ = 0; }
  /// Call if step `number` of `step` was not finite. Excludes the step, which changed no parameter, from later replays.
  /// Throws Error(kNonFinite), whose message ends with `what_to_do`, if the policy is kStop or more than 100 steps in a
  /// row failed. Otherwise returns true if the caller must restore its last snapshot.
  bool met(TrainingStep<float>& step, std::uint64_t number, const StepReport& report, const char* what_to_do);

 private:
  OnNan policy_;
  std::int64_t in_a_row_ = 0;
};

}  // namespace shcnn
