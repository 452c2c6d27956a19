// What training does after a step that met a NaN or an infinity: TrainConfig::on_nan, for single runs and for folds.
#pragma once

#include <cstdint>

#include "engine/train/train_config.h"
#include "engine/train/training_step.h"

namespace shcnn {

class NonFiniteSteps {
 public:
  explicit NonFiniteSteps(OnNan policy) : policy_(policy) {}

  void met_finite() { in_a_row_ = 0; }
  /// Step `number` of `step` was not finite; it changed no parameter, and is left out of what later steps replay.
  /// Error(kNonFinite), which ends with `what_to_do`, where the policy is to stop or too many steps in a row failed;
  /// else true where the caller must go back to its last snapshot.
  bool met(TrainingStep<float>& step, std::uint64_t number, const StepReport& report, const char* what_to_do);

 private:
  OnNan policy_;
  std::int64_t in_a_row_ = 0;
};

}  // namespace shcnn
