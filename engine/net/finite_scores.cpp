#include "engine/net/finite_scores.h"

#include <cmath>
#include <limits>

namespace shcnn {

template <class T>
std::int64_t first_non_finite(const std::vector<T>& logits, std::int64_t batch) {
  std::int64_t first = batch;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const std::int64_t sample = static_cast<std::int64_t>(i) % batch;
    if (sample < first && !std::isfinite(logits[i])) first = sample;
  }
  return first < batch ? first : -1;
}
template std::int64_t first_non_finite<float>(const std::vector<float>&, std::int64_t);
template std::int64_t first_non_finite<double>(const std::vector<double>&, std::int64_t);

float input_scale_for_kernels(double input_scale) {
  if (std::abs(input_scale) <= static_cast<double>(std::numeric_limits<float>::max())) {
    return static_cast<float>(input_scale);
  }
  throw Error(ErrorKind::kNonFinite, "input scale",
              message(input_scale, " is beyond float32; networks are trained with 1/255 or 1: use other weights"));
}

}  // namespace shcnn
