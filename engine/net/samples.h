// A labelled set of images: on the host, as the readers return it, and in device memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/net/memory_plan.h"
#include "kernels/ops.h"

namespace shcnn {

/// Images on the host. `labels` are class probabilities; `truth` is the class used for scoring, -1 if there is none.
struct Samples {
  int height = 48, width = 48, channels = 1;
  std::vector<std::uint8_t> pixels;      ///< (M, height, width, channels)
  std::vector<float> labels;             ///< (M, classes)
  std::vector<std::int32_t> truth;       ///< (M)
  std::vector<std::string> names;        ///< (M): the image's name in reports
  std::vector<std::string> class_names;  ///< (classes)

  std::int64_t count() const { return static_cast<std::int64_t>(truth.size()); }
  int classes() const { return static_cast<int>(class_names.size()); }
  /// Throws Error(kInternal) if the sizes do not agree, Error(kBadData) for 2^27 images or more.
  void check() const;
};

/// Which crops of an image are used as samples.
enum class Augment {
  kNone,    ///< the center crop, in training and in evaluation
  kCenter,  ///< the center crop in training, all ten in evaluation
  kTen,     ///< all ten in both (the paper)
};
Augment augment_from_string(const std::string& name);  ///< "none", "center", "ten"; otherwise throws Error(kUsage)
std::string to_string(Augment augment);

/// Crop numbers (see CropPlan). An image that is not larger than the network's input has one crop: the whole image.
std::vector<int> training_crops(Augment augment, bool image_is_larger);
std::vector<int> evaluation_crops(Augment augment, bool image_is_larger);

/// An entry of the sample order that make_batch takes: image * 16 + crop.
inline std::int32_t order_entry(std::int64_t image, int crop) { return static_cast<std::int32_t>(image * 16 + crop); }

/// The samples of one epoch, every crop of every image, shuffled: `images * crops.size()` entries. The order depends
/// only on the arguments: a Fisher-Yates shuffle with Philox random numbers.
std::vector<std::int32_t> shuffled_order(std::int64_t images, const std::vector<int>& crops, std::uint64_t seed,
                                         std::uint32_t epoch);

/// Images and labels in device memory.
template <class T>
class DeviceSamples {
 public:
  DeviceSamples(Device& device, const Samples& samples);
  /// Allocates `capacity` images of this size, to be filled by replace(): for sets that are streamed through the
  /// device.
  DeviceSamples(Device& device, std::int64_t capacity, int height, int width, int channels, int classes);
  /// Overwrites the first m images (m, H, W, C) and labels (m, classes); m must not exceed the capacity. Waits for
  /// queued work that reads the old ones.
  void replace(const std::vector<std::uint8_t>& images, const std::vector<T>& labels);
  View<const std::uint8_t> images() const { return images_; }  ///< (M, H, W, C)
  View<const T> labels() const { return labels_; }             ///< (M, classes)
  View<const std::int32_t> truth() const { return truth_; }    ///< (M)
  std::int64_t count() const { return truth_.count(); }
  int classes() const { return static_cast<int>(labels_[1]); }

 private:
  MemoryPlan plan_;
  View<std::uint8_t> images_;
  View<T> labels_;
  View<std::int32_t> truth_;
  Device* device_ = nullptr;
};

extern template class DeviceSamples<float>;
extern template class DeviceSamples<double>;

}  // namespace shcnn
