#include "engine/train/non_finite.h"

#include "kernels/error.h"

namespace shcnn {
namespace {

constexpr std::int64_t kMostInARow = 100;

}  // namespace

bool NonFiniteSteps::met(TrainingStep<float>& step, std::uint64_t number, const StepReport& report,
                         const char* what_to_do) {
  step.exclude_from_replay(number);
  if (policy_ == OnNan::kStop || ++in_a_row_ > kMostInARow) {
    throw Error(
        ErrorKind::kNonFinite, message("step ", number),
        message(report.non_finite, " values are NaN or infinite, first in ", step.diagnose(number), "; ", what_to_do));
  }
  return policy_ == OnNan::kRollback;
}

}  // namespace shcnn
