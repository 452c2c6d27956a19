// Softmax with a temperature, its gradient and soft-label cross-entropy for one sample. All executors call these
// functions for each sample.
//
//   p_j = exp((o_j - max o) / M) / sum_k exp((o_k - max o) / M)      M = 1, or max |o_j| (Eq. 8); M = 0 gives 1/n
//   dp_j/do_j = p_j (1 - p_j) / M,  dp_j/do_k = -p_j p_k / M           M held constant (Eq. 12); M = 0 gives 0
//
// Sums run from class 0 up. Losses are computed and summed in double.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/host_device.h"

namespace shcnn {

/// The `count` values of one sample, `stride` elements apart. In an (n, N) array, sample s starts at element s with
/// stride N.
template <class T>
struct Scores {
  T* first;
  std::int64_t count, stride;
  SHCNN_HD T& operator[](std::int64_t j) const { return first[j * stride]; }
};

/// M = max_j |o_j| of Eq. 8.
template <class T>
SHCNN_HD T largest_magnitude(const Scores<const T>& o) {
  T largest = 0;
  for (std::int64_t j = 0; j < o.count; ++j) {
    const T magnitude = std::abs(o[j]);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/// Index of the largest score; the lowest index on ties.
template <class T>
SHCNN_HD std::int64_t argmax(const Scores<T>& o) {
  std::int64_t best = 0;
  for (std::int64_t j = 1; j < o.count; ++j) {
    if (o[j] > o[best]) best = j;
  }
  return best;
}

/// p = softmax(o / m); m = 0 gives 1/n. p and o may be the same memory.
template <class T>
SHCNN_HD void softmax(const Scores<const T>& o, T m, const Scores<T>& p) {
  const T largest = o[argmax(o)];
  T sum = 0;
  for (std::int64_t j = 0; j < o.count; ++j) {
    const T exponent = m == 0 ? T(0) : (o[j] - largest) / m;
    sum += p[j] = std::exp(exponent);
  }
  for (std::int64_t j = 0; j < o.count; ++j) p[j] /= sum;
}

/// grad = d softmax(o / m)_target / do, m held constant.
template <class T>
SHCNN_HD void softmax_score_gradient(const Scores<const T>& o, T m, std::int64_t target, const Scores<T>& grad) {
  softmax(o, m, grad);  // p first, replaced by its gradient below
  const T score = grad[target];
  T others = 0;  // 1 - score, but without cancellation when score is close to 1
  for (std::int64_t k = 0; k < o.count; ++k) {
    if (k != target) others += grad[k];
  }
  for (std::int64_t k = 0; k < o.count; ++k) {
    const T slope = k == target ? score * others : -score * grad[k];
    grad[k] = m == 0 ? T(0) : slope / m;
  }
}

/// Contribution of one sample to the step's report.
struct SampleLoss {
  double cross_entropy = 0, label_entropy = 0;
  std::int64_t correct = 0, non_finite = 0;
};

/// Cross-entropy -sum q log softmax(o), label entropy -sum q log q, whether the largest logit and the largest label are
/// the same class, and the number of non-finite logits.
template <class T>
SHCNN_HD SampleLoss soft_cross_entropy(const Scores<const T>& o, const Scores<const T>& q) {
  SampleLoss loss;
  const std::int64_t answer = argmax(o);
  const double largest = static_cast<double>(o[answer]);
  double exp_sum = 0;
  for (std::int64_t j = 0; j < o.count; ++j) {
    const double logit = static_cast<double>(o[j]);
    exp_sum += std::exp(logit - largest);
    loss.non_finite += !std::isfinite(logit);
  }
  const double log_sum = largest + std::log(exp_sum);
  for (std::int64_t j = 0; j < o.count; ++j) {
    const double label = static_cast<double>(q[j]);
    if (label > 0) {
      loss.cross_entropy += label * (log_sum - static_cast<double>(o[j]));
      loss.label_entropy -= label * std::log(label);
    }
  }
  loss.correct = answer == argmax(q);
  return loss;
}

/// grad = (softmax(o) * share - q) / samples. If is_true, share = sum q (the exact derivative), else 1 (TensorFlow's
/// formula).
template <class T>
SHCNN_HD void soft_cross_entropy_gradient(bool is_true, const Scores<const T>& o, const Scores<const T>& q, T samples,
                                          const Scores<T>& grad) {
  double label_sum = 0;
  for (std::int64_t j = 0; j < q.count; ++j) label_sum += static_cast<double>(q[j]);
  const T share = is_true ? static_cast<T>(label_sum) : T(1);
  softmax(o, T(1), grad);
  for (std::int64_t j = 0; j < o.count; ++j) grad[j] = (grad[j] * share - q[j]) / samples;
}

}  // namespace shcnn
