#include "engine/net/samples.h"

#include <utility>

#include "kernels/math/philox.h"

namespace shcnn {
namespace {
constexpr int kMiddleCrop = 4;
constexpr int kAllCrops = 10;

std::vector<int> crops_for(bool ten) {
  if (!ten) return {kMiddleCrop};
  std::vector<int> all;
  for (int crop = 0; crop < kAllCrops; ++crop) all.push_back(crop);
  return all;
}
}  // namespace

void Samples::check() const {
  const auto m = static_cast<std::size_t>(count());
  const std::size_t bytes =
      m * static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  if (pixels.size() != bytes || labels.size() != m * class_names.size() || names.size() != m) {
    throw Error(ErrorKind::kInternal, "Samples",
                message(m, " images, but ", pixels.size(), " bytes, ", labels.size(), " label values and ",
                        names.size(), " names"));
  }
  if (m >= (1u << 27)) throw Error(ErrorKind::kBadData, "Samples", message(m, " images are more than 2^27"));
}

Augment augment_from_string(const std::string& name) {
  if (name == "none") return Augment::kNone;
  if (name == "center") return Augment::kCenter;
  if (name == "ten") return Augment::kTen;
  throw Error(ErrorKind::kUsage, "augment", "'" + name + "' is none of 'none', 'center', 'ten'");
}

std::string to_string(Augment augment) {
  return augment == Augment::kNone ? "none" : augment == Augment::kCenter ? "center" : "ten";
}

std::vector<int> training_crops(Augment augment, bool image_is_larger) {
  return crops_for(image_is_larger && augment == Augment::kTen);
}

std::vector<int> evaluation_crops(Augment augment, bool image_is_larger) {
  return crops_for(image_is_larger && augment != Augment::kNone);
}

std::vector<std::int32_t> shuffled_order(std::int64_t images, const std::vector<int>& crops, std::uint64_t seed,
                                         std::uint32_t epoch) {
  std::vector<std::int32_t> order;
  order.reserve(static_cast<std::size_t>(images) * crops.size());
  for (std::int64_t image = 0; image < images; ++image) {
    for (const int crop : crops) order.push_back(order_entry(image, crop));
  }
  for (std::size_t i = order.size(); i > 1; --i) {
    // 64 random bits modulo a number below 2^32: the bias is below 2^-32
    const Philox4 words = philox(seed, Purpose::kShuffle, epoch, i);
    const std::uint64_t word = (std::uint64_t{words.v[0]} << 32) | words.v[1];
    std::swap(order[i - 1], order[static_cast<std::size_t>(word % i)]);
  }
  return order;
}

template <class T>
DeviceSamples<T>::DeviceSamples(Device& device, std::int64_t capacity, int height, int width, int channels, int classes)
    : device_(&device) {
  const auto images = plan_.add<std::uint8_t>("images", Shape(capacity, height, width, channels));
  const auto labels = plan_.add<T>("labels", Shape(capacity, classes));
  const auto truth = plan_.add<std::int32_t>("truth", Shape(capacity));
  plan_.commit(device);
  images_ = plan_.view<std::uint8_t>(images);
  labels_ = plan_.view<T>(labels);
  truth_ = plan_.view<std::int32_t>(truth);
}

template <class T>
DeviceSamples<T>::DeviceSamples(Device& device, const Samples& samples)
    : DeviceSamples(device, samples.count(), samples.height, samples.width, samples.channels, samples.classes()) {
  samples.check();
  const std::vector<T> values(samples.labels.begin(), samples.labels.end());
  device.copy_in(images_.data, samples.pixels.data(), samples.pixels.size());
  device.copy_in(labels_.data, values.data(), values.size() * sizeof(T));
  device.copy_in(truth_.data, samples.truth.data(), samples.truth.size() * sizeof(std::int32_t));
}

template <class T>
void DeviceSamples<T>::replace(const std::vector<std::uint8_t>& images, const std::vector<T>& labels) {
  if (images.size() > static_cast<std::size_t>(images_.count()) ||
      labels.size() > static_cast<std::size_t>(labels_.count())) {
    throw Error(ErrorKind::kInternal, "DeviceSamples::replace",
                message(images.size(), " bytes and ", labels.size(), " label values do not fit"));
  }
  device_->synchronize();
  device_->copy_in(images_.data, images.data(), images.size());
  device_->copy_in(labels_.data, labels.data(), labels.size() * sizeof(T));
}

template class DeviceSamples<float>;
template class DeviceSamples<double>;

}  // namespace shcnn
