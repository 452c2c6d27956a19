// Softmax with temperature, its score gradient, soft-label cross-entropy, the vote over crops and confusion counts, in
// plain loops over samples. Scores are (n,N): class, sample.
//
//   p_j = exp((o_j - max o) / M) / sum_k exp((o_k - max o) / M)      M = 1, or max |o_j| (Eq. 8); M = 0 gives 1/n
//   dp_j/do_j = p_j (1 - p_j) / M,  dp_j/do_k = -p_j p_k / M           M held constant (Eq. 12); M = 0 gives 0
//
// Sums over a sample's classes run from class 0 up; sums over samples run in double.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/naive/index.h"
#include "kernels/ops.h"

namespace shcnn::naive {

/// M of one sample.
template <class T>
T temperature_of(Temperature temperature, const View<const T>& logits, std::int64_t sample) {
  if (temperature == Temperature::kOne) return T(1);
  T largest = 0;
  for (std::int64_t j = 0; j < logits[0]; ++j) largest = std::max(largest, std::abs(at(logits, j, sample)));
  return largest;
}

/// Class of the largest score of one sample; the lowest index wins a tie.
template <class T>
std::int32_t argmax(const View<T>& scores, std::int64_t sample) {
  std::int64_t best = 0;
  for (std::int64_t j = 1; j < scores[0]; ++j) {
    if (at(scores, j, sample) > at(scores, best, sample)) best = j;
  }
  return static_cast<std::int32_t>(best);
}

/// p of one sample. p may be the logits' own memory.
template <class T>
void softmax_sample(Temperature temperature, const View<const T>& logits, std::int64_t sample, const View<T>& p) {
  const std::int64_t classes = logits[0];
  const T m = temperature_of(temperature, logits, sample);
  const T largest = at(logits, argmax(logits, sample), sample);
  T sum = 0;
  for (std::int64_t j = 0; j < classes; ++j) {
    const T exponent = m == 0 ? T(0) : (at(logits, j, sample) - largest) / m;
    sum += at(p, j, sample) = std::exp(exponent);
  }
  for (std::int64_t j = 0; j < classes; ++j) at(p, j, sample) /= sum;
}

template <class T>
void softmax_forward(const Context&, Temperature temperature, View<const T> logits, View<T> p) {
  require_shape("softmax_forward", "p", p, logits.shape);
  for (std::int64_t n = 0; n < logits[1]; ++n) softmax_sample(temperature, logits, n, p);
}

template <class T>
void softmax_score_gradient(const Context&, Temperature temperature, View<const T> logits,
                            View<const std::int32_t> classes, View<T> grad) {
  require_shape("softmax_score_gradient", "grad", grad, logits.shape);
  require_shape("softmax_score_gradient", "classes", classes, Shape(logits[1]));
  for (std::int64_t n = 0; n < logits[1]; ++n) {
    const T m = temperature_of(temperature, logits, n);
    softmax_sample(temperature, logits, n, grad);  // p first, replaced by its gradient below
    const std::int64_t target = classes.data[n];
    const T score = at(grad, target, n);
    T others = 0;  // 1 - score without the cancellation that would round it to 0 near a certain class
    for (std::int64_t k = 0; k < logits[0]; ++k) {
      if (k != target) others += at(grad, k, n);
    }
    for (std::int64_t k = 0; k < logits[0]; ++k) {
      const T slope = k == target ? score * others : -score * at(grad, k, n);
      at(grad, k, n) = m == 0 ? T(0) : slope / m;
    }
  }
}

template <class T>
void soft_cross_entropy(const Context&, CrossEntropyGradient form, View<const T> logits, View<const T> labels,
                        View<T> grad, StepReport* report) {
  require_shape("soft_cross_entropy", "labels", labels, logits.shape);
  require_shape("soft_cross_entropy", "grad", grad, logits.shape);
  *report = StepReport{};
  const std::int64_t classes = logits[0], samples = logits[1];
  double cross_entropy = 0, label_entropy = 0;
  for (std::int64_t n = 0; n < samples; ++n) {
    const double largest = static_cast<double>(at(logits, argmax(logits, n), n));
    double exp_sum = 0;
    for (std::int64_t j = 0; j < classes; ++j) {
      const double logit = static_cast<double>(at(logits, j, n));
      exp_sum += std::exp(logit - largest);
      report->non_finite += !std::isfinite(logit);
    }
    const double log_sum = largest + std::log(exp_sum);
    double label_sum = 0;
    for (std::int64_t j = 0; j < classes; ++j) {
      const double label = static_cast<double>(at(labels, j, n));
      label_sum += label;
      if (label > 0) {
        cross_entropy += label * (log_sum - static_cast<double>(at(logits, j, n)));
        label_entropy -= label * std::log(label);
      }
    }
    report->correct += argmax(logits, n) == argmax(labels, n);

    softmax_sample(Temperature::kOne, logits, n, grad);
    const T share = form == CrossEntropyGradient::kTrue ? static_cast<T>(label_sum) : T(1);
    for (std::int64_t j = 0; j < classes; ++j) {
      at(grad, j, n) = (at(grad, j, n) * share - at(labels, j, n)) / static_cast<T>(samples);
    }
  }
  if (samples > 0) {
    report->cross_entropy = cross_entropy / static_cast<double>(samples);
    report->label_entropy = label_entropy / static_cast<double>(samples);
  }
}

template <class T>
void vote(const Context&, int crops, View<const T> p, View<T> scores, View<std::int32_t> predicted) {
  const std::int64_t images = scores[1];
  require_shape("vote", "p", p, Shape(scores[0], images * crops));
  require_shape("vote", "predicted", predicted, Shape(images));
  for (std::int64_t image = 0; image < images; ++image) {
    for (std::int64_t j = 0; j < scores[0]; ++j) {
      T sum = 0;
      for (int crop = 0; crop < crops; ++crop) sum += at(p, j, image * crops + crop);
      at(scores, j, image) = sum;
    }
    predicted.data[image] = argmax(scores, image);
  }
}

inline void count_confusion(const Context&, View<const std::int32_t> truth, View<const std::int32_t> predicted,
                            View<std::int64_t> confusion) {
  require_shape("count_confusion", "predicted", predicted, truth.shape);
  require_shape("count_confusion", "confusion", confusion, Shape(confusion[0], confusion[0]));
  for (std::int64_t image = 0; image < truth.count(); ++image) {
    if (truth.data[image] >= 0) ++at(confusion, truth.data[image], predicted.data[image]);
  }
}

}  // namespace shcnn::naive
