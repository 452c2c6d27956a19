#include "engine/explain/saliency.h"

#include <algorithm>
#include <cmath>

#include "engine/net/finite_scores.h"

namespace shcnn {

std::string to_string(SaliencyStatus status) {
  switch (status) {
    case SaliencyStatus::kNoImprovedMap:
      return "no_improved_map";
    case SaliencyStatus::kOneClass:
      return "one_class";
    default:
      return "ok";
  }
}

template <class T>
MapFacts facts_of(const T* map, std::int64_t values) {
  MapFacts facts;
  facts.values = values;
  for (std::int64_t i = 0; i < values; ++i) {
    facts.largest = std::max(facts.largest, std::abs(static_cast<double>(map[i])));
    facts.zeros += map[i] == T(0);
    facts.denormals += std::fpclassify(map[i]) == FP_SUBNORMAL;
  }
  return facts;
}
template MapFacts facts_of<float>(const float*, std::int64_t);
template MapFacts facts_of<double>(const double*, std::int64_t);

template <class T>
std::vector<T> pixel_map(const T* map, int channels, int height, int width) {
  const auto pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  std::vector<T> sum(map, map + pixels);
  for (int c = 1; c < channels; ++c) {
    for (std::size_t p = 0; p < pixels; ++p) sum[p] += map[static_cast<std::size_t>(c) * pixels + p];
  }
  return sum;
}
template std::vector<float> pixel_map<float>(const float*, int, int, int);
template std::vector<double> pixel_map<double>(const double*, int, int, int);

template <class T>
std::vector<std::uint8_t> saliency_pixels(const std::vector<T>& map) {
  std::vector<std::uint8_t> marks(map.size());
  for (std::size_t p = 0; p < map.size(); ++p) marks[p] = map[p] > 0 ? 1 : map[p] == 0 ? 2 : 0;
  return marks;
}
template std::vector<std::uint8_t> saliency_pixels<float>(const std::vector<float>&);
template std::vector<std::uint8_t> saliency_pixels<double>(const std::vector<double>&);

template <class T>
SaliencyMapper<T>::SaliencyMapper(Device& device, Network<T>& network, const std::vector<int>& crops,
                                  double input_scale, int height, int width)
    : device_(device),
      network_(network),
      crops_(static_cast<std::int64_t>(crops.size())),
      height_(height),
      width_(width),
      input_scale_(static_cast<T>(input_scale_for_kernels(input_scale))) {  // rounded as in make_batch
  const int patch = network.model().input_size, channels = network.model().input_channels;
  if (height < patch || width < patch) {
    throw Error(ErrorKind::kBadData, "saliency",
                message("an image of ", height, " x ", width, " holds no patch of ", patch, " x ", patch));
  }
  images_per_pass_ = crops_ > 0 ? network.max_batch() / crops_ : 0;
  if (images_per_pass_ < 1) {
    throw Error(ErrorKind::kUsage, "saliency",
                message("a batch of ", network.max_batch(), " does not hold the ", crops_, " crops of one image"));
  }
  crop_plan_ = {patch, patch, input_scale_for_kernels(input_scale)};

  const std::int64_t images = images_per_pass_, batch = images * crops_, n = network.model().options.classes;
  const auto bytes = plan_.add<std::uint8_t>("images", Shape(images, height, width, channels));
  const auto order = plan_.add<std::int32_t>("order", Shape(batch));
  const auto classes = plan_.add<std::int32_t>("classes", Shape(batch));
  const auto predicted = plan_.add<std::int32_t>("predicted", Shape(images));
  const auto state = plan_.add<StepState>("state", Shape(1));
  const auto no_labels = plan_.add<T>("no labels", Shape(images, n));
  const auto batch_labels = plan_.add<T>("batch labels", Shape(n, batch));
  const auto probabilities = plan_.add<T>("probabilities", Shape(n, batch));
  const auto scores = plan_.add<T>("scores", Shape(n, images));
  const auto map = plan_.add<T>("map", Shape(images, channels, height, width));
  plan_.commit(device);
  images_ = plan_.view<std::uint8_t>(bytes);
  order_ = plan_.view<std::int32_t>(order);
  classes_ = plan_.view<std::int32_t>(classes);
  predicted_ = plan_.view<std::int32_t>(predicted);
  state_ = plan_.view<StepState>(state);
  no_labels_ = plan_.view<T>(no_labels);
  batch_labels_ = plan_.view<T>(batch_labels);
  probabilities_ = plan_.view<T>(probabilities);
  summed_scores_ = plan_.view<T>(scores);
  map_ = plan_.view<T>(map);

  std::vector<std::int32_t> entries;
  for (std::int64_t image = 0; image < images; ++image) {
    for (const int crop : crops) entries.push_back(order_entry(image, crop));
  }
  const StepState start;
  device.copy_in(order_.data, entries.data(), entries.size() * sizeof(std::int32_t));
  device.copy_in(state_.data, &start, sizeof start);
}

template <class T>
SaliencyMaps<T> SaliencyMapper<T>::run(const std::uint8_t* pixels, std::int64_t count, const SaliencyRequest& request,
                                       const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const int n = network_.model().options.classes;
  if (!request.classes.empty() && static_cast<std::int64_t>(request.classes.size()) != count) {
    throw Error(ErrorKind::kInternal, "saliency", message(request.classes.size(), " classes for ", count, " images"));
  }
  for (const std::int32_t j : request.classes) {
    if (j < 0 || j >= n)
      throw Error(ErrorKind::kUsage, "saliency", message("class ", j, " of a network with ", n, " classes"));
  }
  SaliencyMaps<T> maps;
  maps.channels = network_.model().input_channels;
  maps.height = height_;
  maps.width = width_;
  maps.classes = n;
  const auto m = static_cast<std::size_t>(count);
  maps.predicted.resize(m);
  maps.target.resize(m);
  maps.status.resize(m);
  maps.scores.resize(m * static_cast<std::size_t>(n));
  maps.improved_scores.resize(m * static_cast<std::size_t>(n));
  if (request.original) maps.original.resize(m * static_cast<std::size_t>(maps.values()));
  if (request.improved) maps.improved.resize(m * static_cast<std::size_t>(maps.values()));
  for (std::int64_t first = 0; first < count; first += images_per_pass_) {
    const std::int64_t images = std::min(images_per_pass_, count - first);
    run_pass(pixels, first, images, request, maps);
    if (progress) progress(first + images, count);
  }
  return maps;
}

template <class T>
void SaliencyMapper<T>::run_pass(const std::uint8_t* pixels, std::int64_t first, std::int64_t images,
                                 const SaliencyRequest& request, SaliencyMaps<T>& maps) {
  const Ops<T>& ops = network_.ops();
  const Context& context = network_.context();
  const std::int64_t n = maps.classes, batch = images * crops_;
  const std::int64_t image_bytes = maps.values();
  device_.copy_in(images_.data, pixels + first * image_bytes, static_cast<std::size_t>(images * image_bytes));
  ops.make_batch(context, crop_plan_, images_, no_labels_, order_, state_.data, network_.input(batch),
                 View<T>(batch_labels_.data, Shape(n, batch)));
  network_.forward(batch);

  const std::vector<T> improved = mean_scores(Temperature::kLargest, images);
  const std::vector<T> scores = mean_scores(Temperature::kOne, images);  // last, so that predicted_ is the argmax of S
  std::copy(improved.begin(), improved.end(), maps.improved_scores.begin() + first * n);
  std::copy(scores.begin(), scores.end(), maps.scores.begin() + first * n);
  device_.copy_out(maps.predicted.data() + first, predicted_.data,
                   static_cast<std::size_t>(images) * sizeof(std::int32_t));

  std::vector<T> logits(static_cast<std::size_t>(n * batch));
  device_.copy_out(logits.data(), network_.logits(batch).data, logits.size() * sizeof(T));
  if (const std::int64_t sample = first_non_finite(logits, batch); sample >= 0) {
    throw NonFiniteScores(first + sample / crops_);
  }
  std::vector<std::int32_t> classes;
  for (std::int64_t i = 0; i < images; ++i) {
    const auto at = static_cast<std::size_t>(first + i);
    maps.target[at] = request.classes.empty() ? maps.predicted[at] : request.classes[at];
    classes.insert(classes.end(), static_cast<std::size_t>(crops_), maps.target[at]);
    bool all_zero = true;
    for (std::int64_t k = 0; k < n; ++k) {
      for (std::int64_t crop = i * crops_; crop < (i + 1) * crops_; ++crop)
        all_zero = all_zero && logits[static_cast<std::size_t>(k * batch + crop)] == T(0);
    }
    maps.status[at] = n == 1     ? SaliencyStatus::kOneClass
                      : all_zero ? SaliencyStatus::kNoImprovedMap
                                 : SaliencyStatus::kOk;
  }
  device_.copy_in(classes_.data, classes.data(), classes.size() * sizeof(std::int32_t));

  if (request.original) differentiate(Temperature::kOne, first, images, maps.original);
  if (request.improved) differentiate(Temperature::kLargest, first, images, maps.improved);
}

/// Returns the means over the crops, (images, classes), and writes their argmax to predicted_.
template <class T>
std::vector<T> SaliencyMapper<T>::mean_scores(Temperature temperature, std::int64_t images) {
  const Ops<T>& ops = network_.ops();
  const std::int64_t n = network_.model().options.classes, batch = images * crops_;
  const View<T> p(probabilities_.data, Shape(n, batch)), summed(summed_scores_.data, Shape(n, images));
  ops.softmax_forward(network_.context(), temperature, network_.logits(batch), p);
  ops.vote(network_.context(), static_cast<int>(crops_), p, summed, View<std::int32_t>(predicted_.data, Shape(images)));
  std::vector<T> by_class(static_cast<std::size_t>(n * images)), means(by_class.size());
  device_.copy_out(by_class.data(), summed.data, by_class.size() * sizeof(T));
  for (std::int64_t i = 0; i < images; ++i) {
    for (std::int64_t k = 0; k < n; ++k) {
      means[static_cast<std::size_t>(i * n + k)] =
          by_class[static_cast<std::size_t>(k * images + i)] / static_cast<T>(crops_);
    }
  }
  return means;
}

/// Computes one map for each image of the pass. Does not change the activations of the forward pass.
template <class T>
void SaliencyMapper<T>::differentiate(Temperature temperature, std::int64_t first, std::int64_t images,
                                      std::vector<T>& out) {
  const Ops<T>& ops = network_.ops();
  const Context& context = network_.context();
  const std::int64_t batch = images * crops_;
  ops.softmax_score_gradient(context, temperature, network_.logits(batch),
                             View<const std::int32_t>(classes_.data, Shape(batch)), network_.grad_logits(batch));
  network_.backward(batch);
  const View<T> map(map_.data, Shape(images, map_[1], map_[2], map_[3]));
  ops.uncrop_mean(context, crop_plan_, static_cast<int>(crops_), network_.input_gradient(batch),
                  View<const std::int32_t>(order_.data, Shape(batch)), map);
  T* values = out.data() + first * map.count() / images;
  device_.copy_out(values, map.data, static_cast<std::size_t>(map.count()) * sizeof(T));
  // The network's input is scale * byte, so a change of one gray level changes the input by `scale`.
  for (std::int64_t v = 0; v < map.count(); ++v) values[v] *= input_scale_;
}

template class SaliencyMapper<float>;
template class SaliencyMapper<double>;

}  // namespace shcnn
