#include "engine/net/image_scorer.h"

#include <algorithm>
#include <cmath>

#include "engine/net/finite_scores.h"

namespace shcnn {

std::int32_t ImageScores::class_of(std::int64_t image) const {
  const auto first = softmax.begin() + image * classes;
  return static_cast<std::int32_t>(std::max_element(first, first + classes) - first);
}

ImageScorer::ImageScorer(Device& device, Network<float>& network, int height, int width, int channels,
                         const std::vector<int>& crops, double input_scale)
    : device_(device),
      network_(network),
      crops_(crops),
      image_bytes_(std::int64_t{height} * width * channels),
      images_per_batch_(std::max<std::int64_t>(network.max_batch() / static_cast<std::int64_t>(crops.size()), 1)),
      window_(device, images_per_batch_, height, width, channels, network.model().options.classes) {
  const auto per_image = static_cast<std::int64_t>(crops.size());
  if (network.max_batch() < per_image) {
    throw Error(ErrorKind::kUsage, "score",
                message("a batch of ", network.max_batch(), " does not hold the ", per_image, " crops of one image"));
  }
  const int patch = network.model().input_size;
  crop_plan_ = {patch, patch, input_scale_for_kernels(input_scale)};
  const std::int64_t batch = images_per_batch_ * per_image;
  const auto order = plan_.add<std::int32_t>("order", Shape(batch));
  const auto state = plan_.add<StepState>("state", Shape(1));
  const auto labels = plan_.add<float>("batch labels", Shape(network.model().options.classes, batch));
  plan_.commit(device);
  order_ = plan_.view<std::int32_t>(order);
  state_ = plan_.view<StepState>(state);
  labels_ = plan_.view<float>(labels);
  std::vector<std::int32_t> entries;
  for (std::int64_t image = 0; image < images_per_batch_; ++image) {
    for (const int crop : crops) entries.push_back(order_entry(image, crop));
  }
  const StepState first;  // starts at cursor 0, the first entry of order_
  device.copy_in(order_.data, entries.data(), entries.size() * sizeof(std::int32_t));
  device.copy_in(state_.data, &first, sizeof first);
}

ImageScores ImageScorer::run(const std::vector<std::uint8_t>& images) {
  const auto total = static_cast<std::int64_t>(images.size()) / image_bytes_;
  const auto per_image = static_cast<std::int64_t>(crops_.size());
  const std::int64_t n = network_.model().options.classes;
  ImageScores out;
  out.classes = static_cast<int>(n);
  out.logits.assign(static_cast<std::size_t>(total * n), 0.0);
  out.softmax.assign(static_cast<std::size_t>(total * n), 0.0);
  std::vector<float> logits;
  std::vector<double> shares(static_cast<std::size_t>(n));
  for (std::int64_t first = 0; first < total; first += images_per_batch_) {
    const std::int64_t count = std::min(images_per_batch_, total - first), batch = count * per_image;
    const auto begin = images.begin() + first * image_bytes_;
    window_.replace({begin, begin + count * image_bytes_}, {});
    network_.ops().make_batch(network_.context(), crop_plan_, window_.images(), window_.labels(), order_, state_.data,
                              network_.input(batch), View<float>(labels_.data, Shape(n, batch)));
    network_.forward(batch);
    logits.resize(static_cast<std::size_t>(n * batch));
    device_.copy_out(logits.data(), network_.logits(batch).data, logits.size() * sizeof(float));
    if (const std::int64_t sample = first_non_finite(logits, batch); sample >= 0) {
      throw NonFiniteScores(first + sample / per_image);
    }
    for (std::int64_t s = 0; s < batch; ++s) {
      const auto at = [&](std::int64_t c) {
        return static_cast<double>(logits[static_cast<std::size_t>(c * batch + s)]);
      };
      double largest = at(0), sum = 0;
      for (std::int64_t c = 1; c < n; ++c) largest = std::max(largest, at(c));
      for (std::int64_t c = 0; c < n; ++c) sum += shares[static_cast<std::size_t>(c)] = std::exp(at(c) - largest);
      for (std::int64_t c = 0; c < n; ++c) {
        const auto cell = static_cast<std::size_t>((first + s / per_image) * n + c);
        out.logits[cell] += at(c) / static_cast<double>(per_image);
        out.softmax[cell] += shares[static_cast<std::size_t>(c)] / sum / static_cast<double>(per_image);
      }
    }
  }
  return out;
}

}  // namespace shcnn
