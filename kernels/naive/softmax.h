// Softmax with temperature, its score gradient, soft-label cross-entropy, the vote over crops and confusion counts, in
// plain loops over samples. Scores are (n,N): class, sample. Formulas: math/softmax.h. Sums over samples are in double.
#pragma once

#include "kernels/math/softmax.h"
#include "kernels/naive/index.h"
#include "kernels/ops.h"

namespace shcnn::naive {

template <class T>
Scores<T> sample_of(const View<T>& scores, std::int64_t sample) {
  return {scores.data + sample, scores[0], scores[1]};
}

template <class T>
T temperature_of(Temperature temperature, const Scores<const T>& logits) {
  return temperature == Temperature::kOne ? T(1) : largest_magnitude(logits);
}

template <class T>
void softmax_forward(const Context&, Temperature temperature, View<const T> logits, View<T> p) {
  require_shape("softmax_forward", "p", p, logits.shape);
  for (std::int64_t n = 0; n < logits[1]; ++n) {
    const Scores<const T> o = sample_of(logits, n);
    softmax(o, temperature_of(temperature, o), sample_of(p, n));
  }
}

template <class T>
void softmax_score_gradient(const Context&, Temperature temperature, View<const T> logits,
                            View<const std::int32_t> classes, View<T> grad) {
  require_shape("softmax_score_gradient", "grad", grad, logits.shape);
  require_shape("softmax_score_gradient", "classes", classes, Shape(logits[1]));
  for (std::int64_t n = 0; n < logits[1]; ++n) {
    const Scores<const T> o = sample_of(logits, n);
    shcnn::softmax_score_gradient(o, temperature_of(temperature, o), classes.data[n], sample_of(grad, n));
  }
}

template <class T>
void soft_cross_entropy(const Context&, CrossEntropyGradient form, View<const T> logits, View<const T> labels,
                        View<T> grad, StepReport* report) {
  require_shape("soft_cross_entropy", "labels", labels, logits.shape);
  require_shape("soft_cross_entropy", "grad", grad, logits.shape);
  *report = StepReport{};
  const std::int64_t samples = logits[1];
  for (std::int64_t n = 0; n < samples; ++n) {
    const Scores<const T> o = sample_of(logits, n), q = sample_of(labels, n);
    const SampleLoss loss = shcnn::soft_cross_entropy(o, q);
    report->cross_entropy += loss.cross_entropy;
    report->label_entropy += loss.label_entropy;
    report->correct += loss.correct;
    report->non_finite += loss.non_finite;
    soft_cross_entropy_gradient(form == CrossEntropyGradient::kTrue, o, q, static_cast<T>(samples), sample_of(grad, n));
  }
  if (samples > 0) {
    report->cross_entropy /= static_cast<double>(samples);
    report->label_entropy /= static_cast<double>(samples);
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
    predicted.data[image] = static_cast<std::int32_t>(argmax(sample_of(scores, image)));
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
