// A labelled set of images: on the host as the readers give it, and resident on a device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/net/memory_plan.h"
#include "kernels/ops.h"

namespace shcnn {

/// Images on the host. `labels` are probabilities; `truth` is the class that scoring counts, -1 where none.
struct Samples {
  int height = 48, width = 48, channels = 1;
  std::vector<std::uint8_t> pixels;      ///< (M, height, width, channels)
  std::vector<float> labels;             ///< (M, classes)
  std::vector<std::int32_t> truth;       ///< (M)
  std::vector<std::string> names;        ///< (M): what a report calls an image
  std::vector<std::string> class_names;  ///< (classes)

  std::int64_t count() const { return static_cast<std::int64_t>(truth.size()); }
  int classes() const { return static_cast<int>(class_names.size()); }
  /// Throws Error(kInternal) unless all sizes agree.
  void check() const;
};

/// Which patches of an image are samples of their own.
enum class Augment {
  kNone,    ///< the middle patch, in training and in evaluation
  kCenter,  ///< the middle patch in training, all ten in evaluation
  kTen,     ///< all ten in both (the paper)
};
Augment augment_from_string(const std::string& name);  ///< "none", "center", "ten"; Error(kUsage) else
std::string to_string(Augment augment);

/// Crop numbers (see CropPlan) of an image that is larger than the network's input; one that has its size is its own
/// only patch.
std::vector<int> training_crops(Augment augment, bool image_is_larger);
std::vector<int> evaluation_crops(Augment augment, bool image_is_larger);

/// Entries for make_batch's order: image * 16 + crop.
inline std::int32_t order_entry(std::int64_t image, int crop) { return static_cast<std::int32_t>(image * 16 + crop); }

/// The samples of one epoch, every image in every crop, shuffled: a pure function of (seed, epoch). Fisher-Yates over
/// Philox words; `images * crops` entries.
std::vector<std::int32_t> shuffled_order(std::int64_t images, const std::vector<int>& crops, std::uint64_t seed,
                                         std::uint32_t epoch);

/// Bytes and labels in device memory, uploaded once.
template <class T>
class DeviceSamples {
 public:
  DeviceSamples(Device& device, const Samples& samples);
  /// Room for `capacity` images of these extents that replace() fills: for sets that are streamed through the device.
  DeviceSamples(Device& device, std::int64_t capacity, int height, int width, int channels, int classes);
  /// Copies images (m, H, W, C) and labels (m, classes) over the first m = capacity or fewer. Queued work that reads
  /// the old ones is waited for.
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
