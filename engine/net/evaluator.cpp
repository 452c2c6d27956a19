#include "engine/net/evaluator.h"

#include <algorithm>
#include <cmath>

#include "engine/net/finite_scores.h"

namespace shcnn {

void Evaluation::require_finite() const {
  if (non_finite_image >= 0) throw NonFiniteScores(non_finite_image);
}

template <class T>
Evaluator<T>::Evaluator(Device& device, Network<T>& network, const DeviceSamples<T>& samples,
                        const std::vector<int>& crops, double input_scale)
    : device_(device), network_(network), samples_(samples), crops_(static_cast<std::int64_t>(crops.size())) {
  images_per_batch_ = network.max_batch() / std::max<std::int64_t>(crops_, 1);
  if (images_per_batch_ < 1) {
    throw Error(ErrorKind::kUsage, "evaluate",
                message("a batch of ", network.max_batch(), " does not hold the ", crops_, " crops of one image"));
  }
  if (samples.classes() != network.model().options.classes) {
    throw Error(ErrorKind::kBadData, "evaluate",
                message("the data has ", samples.classes(), " classes, the network ", network.model().options.classes));
  }
  const int patch = network.model().input_size;
  plan_of_crops_ = {patch, patch, input_scale_for_kernels(input_scale)};

  const std::int64_t m = samples.count(), n = samples.classes(), batch = images_per_batch_ * crops_;
  const auto order = plan_.add<std::int32_t>("order", Shape(m * crops_));
  const auto predicted = plan_.add<std::int32_t>("predicted", Shape(m));
  const auto state = plan_.add<StepState>("state", Shape(1));
  const auto labels = plan_.add<T>("batch labels", Shape(n, batch));
  const auto probabilities = plan_.add<T>("probabilities", Shape(n, batch));
  const auto scores = plan_.add<T>("scores", Shape(n, images_per_batch_));
  const auto confusion = plan_.add<std::int64_t>("confusion", Shape(n, n));
  plan_.commit(device);
  order_ = plan_.view<std::int32_t>(order);
  predicted_ = plan_.view<std::int32_t>(predicted);
  state_ = plan_.view<StepState>(state);
  labels_ = plan_.view<T>(labels);
  probabilities_ = plan_.view<T>(probabilities);
  scores_ = plan_.view<T>(scores);
  confusion_ = plan_.view<std::int64_t>(confusion);

  std::vector<std::int32_t> entries;
  entries.reserve(static_cast<std::size_t>(m * crops_));
  for (std::int64_t image = 0; image < m; ++image) {
    for (const int crop : crops) entries.push_back(order_entry(image, crop));
  }
  device.copy_in(order_.data, entries.data(), entries.size() * sizeof(std::int32_t));
}

template <class T>
Evaluation Evaluator<T>::run(const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const Ops<T>& ops = network_.ops();
  const Context& context = network_.context();
  const std::int64_t m = samples_.count(), n = samples_.classes();
  Evaluation result;
  result.confusion = Confusion(static_cast<int>(n));
  result.scores.resize(static_cast<std::size_t>(m * n));
  device_.fill_zero(confusion_.data, static_cast<std::size_t>(n * n) * sizeof(std::int64_t));

  std::vector<T> host_scores, host_logits;
  for (std::int64_t first = 0; first < m; first += images_per_batch_) {
    const std::int64_t images = std::min(images_per_batch_, m - first), batch = images * crops_;
    StepState state;
    state.cursor = first * crops_;
    device_.copy_in(state_.data, &state, sizeof state);
    const View<T> labels(labels_.data, Shape(n, batch)), probabilities(probabilities_.data, Shape(n, batch));
    const View<T> scores(scores_.data, Shape(n, images));
    const View<std::int32_t> predicted(predicted_.data + first, Shape(images));
    ops.make_batch(context, plan_of_crops_, samples_.images(), samples_.labels(), order_, state_.data,
                   network_.input(batch), labels);
    network_.forward(batch);
    ops.softmax_forward(context, Temperature::kOne, network_.logits(batch), probabilities);
    ops.vote(context, static_cast<int>(crops_), probabilities, scores, predicted);
    ops.count_confusion(context, View<const std::int32_t>(samples_.truth().data + first, Shape(images)), predicted,
                        confusion_);

    if (result.non_finite_image < 0) {
      host_logits.resize(static_cast<std::size_t>(n * batch));
      device_.copy_out(host_logits.data(), network_.logits(batch).data, host_logits.size() * sizeof(T));
      const std::int64_t sample = first_non_finite(host_logits, batch);
      if (sample >= 0) result.non_finite_image = first + sample / crops_;
    }
    host_scores.resize(static_cast<std::size_t>(n * images));
    device_.copy_out(host_scores.data(), scores.data, host_scores.size() * sizeof(T));
    for (std::int64_t i = 0; i < images; ++i) {
      for (std::int64_t c = 0; c < n; ++c) {
        result.scores[static_cast<std::size_t>((first + i) * n + c)] =
            static_cast<float>(host_scores[static_cast<std::size_t>(c * images + i)] / static_cast<T>(crops_));
      }
    }
    if (progress) progress(first + images, m);
  }

  result.predicted.resize(static_cast<std::size_t>(m));
  device_.copy_out(result.predicted.data(), predicted_.data, result.predicted.size() * sizeof(std::int32_t));
  device_.copy_out(result.confusion.counts.data(), confusion_.data,
                   result.confusion.counts.size() * sizeof(std::int64_t));

  std::vector<T> labels(static_cast<std::size_t>(m * n));
  device_.copy_out(labels.data(), samples_.labels().data, labels.size() * sizeof(T));
  double total = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] > 0)
      total -= static_cast<double>(labels[i]) * std::log(std::max(static_cast<double>(result.scores[i]), 1e-30));
  }
  result.cross_entropy = m > 0 ? total / static_cast<double>(m) : 0;
  return result;
}

template class Evaluator<float>;
template class Evaluator<double>;

}  // namespace shcnn
