#include "engine/net/initialise.h"

#include <cmath>
#include <numbers>

#include "kernels/math/philox.h"

namespace shcnn {
namespace {

/// Standard normal, drawn again until within two standard deviations. Each attempt uses one Philox block, with the
/// counter (element, attempt).
double truncated_normal(std::uint64_t seed, std::uint32_t tensor, std::uint64_t element) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const Philox4 words = philox(seed, Purpose::kInitialWeights, tensor, (attempt << 40) | element);
    const double u = 1.0 - to_unit(words.v[0]);  // (0, 1]: its logarithm is finite
    const double x = std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * to_unit(words.v[1]));
    if (std::abs(x) <= 2.0) return x;
  }
}

/// Uniform in [-1, 1).
double symmetric(std::uint64_t seed, std::uint32_t tensor, std::uint64_t element) {
  return 2.0 * to_unit(philox(seed, Purpose::kInitialWeights, tensor, element).v[0]) - 1.0;
}

}  // namespace

template <class T>
void initialise(Parameters<T>& parameters, const Model& model, const InitialValues& values, std::uint64_t seed) {
  const std::vector<ParameterSpec> specs = model.parameters();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const ParameterSpec& spec = specs[i];
    const bool convolution = i < 2 * kConvStages;
    const auto tensor = static_cast<std::uint32_t>(i);
    std::vector<T> data(static_cast<std::size_t>(spec.count()));
    if (!spec.decayed) {
      data.assign(data.size(), static_cast<T>(static_cast<float>(convolution ? values.conv_bias : values.dense_bias)));
    } else if (convolution) {
      const double fan = static_cast<double>(spec.shape[2] * spec.shape[3] * (spec.shape[0] + spec.shape[1]));
      const double limit = std::sqrt(6.0 / fan);
      for (std::size_t e = 0; e < data.size(); ++e)
        data[e] = static_cast<T>(static_cast<float>(limit * symmetric(seed, tensor, e)));
    } else {
      const int live_inputs = model.dense[i / 2 - kConvStages].live_inputs;
      const double stddev = values.dense_stddev > 0 ? values.dense_stddev : std::sqrt(2.0 / live_inputs);
      for (std::size_t e = 0; e < data.size(); ++e) {
        data[e] = static_cast<T>(static_cast<float>(stddev * truncated_normal(seed, tensor, e)));
      }
    }
    parameters.write(i, ParameterKind::kValue, data);
  }
}

template void initialise<float>(Parameters<float>&, const Model&, const InitialValues&, std::uint64_t);
template void initialise<double>(Parameters<double>&, const Model&, const InitialValues&, std::uint64_t);

}  // namespace shcnn
