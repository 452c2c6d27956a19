// Softmax with temperature, soft-label cross-entropy and dropout by their definitions; sums in long double.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/ops.h"
#include "support/tensor.h"

namespace shcnn::test::reference {

/// Scores V_j = exp(o_j / M) / sum_i exp(o_i / M) of one sample's logits o_0 .. o_{n-1}, computed from differences of
/// logits to avoid overflow.
inline std::vector<long double> softmax(Temperature temperature, const std::vector<long double>& o) {
  long double m = 1;
  if (temperature == Temperature::kLargest) {
    m = 0;
    for (const long double value : o) m = std::max(m, std::abs(value));
  }
  std::vector<long double> v(o.size());
  for (std::size_t j = 0; j < o.size(); ++j) {
    long double denominator = 0;  // 1 / V_j = sum_i exp((o_i - o_j) / M): another form of the same formula
    for (const long double other : o) denominator += m == 0 ? 1 : std::exp((other - o[j]) / m);
    v[j] = 1 / denominator;
  }
  return v;
}

/// dV_j/do_k by Eq. 12 (Eq. 6 for M = 1); 1 - V_j is computed as the sum of the other scores.
inline std::vector<long double> softmax_gradient(Temperature temperature, const std::vector<long double>& o,
                                                 std::size_t j) {
  const std::vector<long double> v = softmax(temperature, o);
  long double m = 1;
  if (temperature == Temperature::kLargest) {
    m = 0;
    for (const long double value : o) m = std::max(m, std::abs(value));
  }
  std::vector<long double> gradient(o.size());
  if (m == 0) return gradient;
  long double others = 0;
  for (std::size_t k = 0; k < o.size(); ++k) others += k == j ? 0 : v[k];
  for (std::size_t k = 0; k < o.size(); ++k) gradient[k] = (k == j ? v[j] * others : -v[j] * v[k]) / m;
  return gradient;
}

/// One sample (column) of an (n,N) tensor.
template <class T>
std::vector<long double> column(const Tensor<T>& t, std::int64_t sample) {
  std::vector<long double> values;
  for (std::int64_t j = 0; j < t.shape[0]; ++j) values.push_back(static_cast<long double>(t[j * t.shape[1] + sample]));
  return values;
}

struct Loss {
  double cross_entropy = 0, label_entropy = 0;
  std::int64_t correct = 0;
  Tensor<double> grad;
};

template <class T>
Loss soft_cross_entropy(CrossEntropyGradient form, const Tensor<T>& logits, const Tensor<T>& labels) {
  Loss loss;
  loss.grad = Tensor<double>(logits.shape);
  const std::int64_t samples = logits.shape[1];
  long double cross = 0, entropy = 0;
  for (std::int64_t n = 0; n < samples; ++n) {
    const std::vector<long double> o = column(logits, n), p = column(labels, n), s = softmax(Temperature::kOne, o);
    long double label_sum = 0;
    for (const long double label : p) label_sum += label;
    for (std::size_t j = 0; j < o.size(); ++j) {
      long double log_inverse = 0;  // log(1/S_j) = log sum_i exp(o_i - o_j), not from S_j, which may underflow
      long double shift = -std::numeric_limits<long double>::infinity();
      for (const long double other : o) shift = std::max(shift, other - o[j]);
      for (const long double other : o) log_inverse += std::exp(other - o[j] - shift);
      log_inverse = shift + std::log(log_inverse);
      cross += p[j] == 0 ? 0 : p[j] * log_inverse;
      entropy -= p[j] == 0 ? 0 : p[j] * std::log(p[j]);
      const long double gradient = form == CrossEntropyGradient::kTrue ? s[j] * label_sum - p[j] : s[j] - p[j];
      loss.grad[static_cast<std::int64_t>(j) * samples + n] =
          static_cast<double>(gradient / static_cast<long double>(samples));
    }
    // max_element returns the first of equal values: the lowest class.
    loss.correct +=
        std::max_element(o.begin(), o.end()) - o.begin() == std::max_element(p.begin(), p.end()) - p.begin();
  }
  if (samples > 0) {
    loss.cross_entropy = static_cast<double>(cross / static_cast<long double>(samples));
    loss.label_entropy = static_cast<double>(entropy / static_cast<long double>(samples));
  }
  return loss;
}

/// Whether dropout keeps this unit. The Philox counter is (block low, block high, step, layer) with block = index / 4
/// and index = unit * 2^32 + sample; the key is the seed. Follows the description in math/dropout.h without using its
/// functions.
inline bool dropout_keeps(std::uint64_t seed, Purpose layer, std::uint64_t step, std::int64_t unit, std::int64_t sample,
                          double rate) {
  const std::uint64_t block = (static_cast<std::uint64_t>(unit) << 30) + static_cast<std::uint64_t>(sample) / 4;
  const Philox4 words =
      philox4x32_10(static_cast<std::uint32_t>(block & 0xffffffffu), static_cast<std::uint32_t>(block >> 32),
                    static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(layer),
                    static_cast<std::uint32_t>(seed & 0xffffffffu), static_cast<std::uint32_t>(seed >> 32));
  return static_cast<double>(words.v[sample % 4]) / 4294967296.0 >= std::floor(rate * 4294967296.0) / 4294967296.0;
}

}  // namespace shcnn::test::reference
