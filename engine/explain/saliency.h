// Saliency maps (the paper's III-F): the gradient of one class's score with respect to every pixel of an image.
//
//   original   grad_I S_j,  S = softmax(o)                                        Eqs. 3, 4
//   improved   grad_I V_j,  V = softmax(o / M), M = max_k |o_k| held constant     Eqs. 8 - 10, 12
//
// Maps are in units of score per gray level (0..255), with dropout off. If an image is classified by several crops, a
// pixel of its map is the mean over the crops that cover it, each un-mirrored and moved to its position in the image.
// S_j saturates: if the network is certain of a class, dS_j/do is of the order of 1 - S_j or of S_j (Table 1), and the
// original map vanishes. V_j lies between exp(-2) / n and exp(2) / n, so dV_j/do is of the order of 1 / M, and the
// improved map does not vanish.
//
// One pass is a forward pass and, for each kind of map, a backward pass down to the input, for as many images as fit in
// one batch of the network.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/net/network.h"
#include "engine/net/samples.h"

namespace shcnn {

enum class SaliencyStatus {
  kOk,
  kNoImprovedMap,  ///< M = 0 in every crop: V = 1/n for every image, so the improved map is zero
  kOneClass,       ///< S = V = 1 for every image, so both maps are zero
};
/// "ok", "no_improved_map", "one_class"
std::string to_string(SaliencyStatus status);

/// Which maps to compute, and for which classes.
struct SaliencyRequest {
  bool original = true;
  bool improved = true;
  std::vector<std::int32_t> classes;  ///< (M): class j for each image; empty = the predicted class
};

/// Maps of M images.
template <class T>
struct SaliencyMaps {
  int channels = 1, height = 0, width = 0, classes = 0;
  std::vector<std::int32_t> predicted;  ///< (M): argmax of the sum of the crops' S, the lowest class on ties
  std::vector<std::int32_t> target;     ///< (M): class j whose score was differentiated
  std::vector<T> scores;                ///< (M, classes): mean of the crops' S
  std::vector<T> improved_scores;       ///< (M, classes): mean of the crops' V
  std::vector<SaliencyStatus> status;   ///< (M)
  std::vector<T> original, improved;    ///< (M, channels, height, width), per gray level; empty if not requested

  std::int64_t count() const { return static_cast<std::int64_t>(predicted.size()); }
  std::int64_t values() const { return std::int64_t{channels} * height * width; }  ///< number of values of one map
  const T* original_of(std::int64_t image) const { return original.data() + image * values(); }
  const T* improved_of(std::int64_t image) const { return improved.data() + image * values(); }
};

/// Statistics that show whether a map has vanished.
struct MapFacts {
  double largest = 0;  ///< largest |gradient|, per gray level
  std::int64_t values = 0, zeros = 0, denormals = 0;
  double zero_share() const { return values ? static_cast<double>(zeros) / static_cast<double>(values) : 0; }
  double denormal_share() const { return values ? static_cast<double>(denormals) / static_cast<double>(values) : 0; }
};
template <class T>
MapFacts facts_of(const T* map, std::int64_t values);

/// The derivative with respect to a pixel's brightness: the sum of the map over its channels. (C,H,W) -> (H,W)
template <class T>
std::vector<T> pixel_map(const T* map, int channels, int height, int width);

/// Saliency pixels (Eqs. 1, 11) of a map (H,W): 1 for values > 0, 2 for values that are exactly 0, else 0. The
/// equations include both; zeros have their own mark because they cover every pixel of a map that has vanished.
template <class T>
std::vector<std::uint8_t> saliency_pixels(const std::vector<T>& map);

template <class T>
class SaliencyMapper {
 public:
  /// `network` must be made for kSaliency, with a batch that holds the crops of one image; it must outlive this object.
  /// Images are (height, width, channels) bytes; `input_scale` is the one used in training. Allocates all memory.
  /// Throws Error(kBadData) if an image is smaller than the network's input, Error(kUsage) if the batch is too small.
  SaliencyMapper(Device& device, Network<T>& network, const std::vector<int>& crops, double input_scale, int height,
                 int width);

  /// Computes maps of `count` images, `pixels` (count, height, width, channels). Calls progress(done, count) after each
  /// pass. Throws Error(kUsage) on a class that the network does not have, NonFiniteScores on non-finite logits.
  SaliencyMaps<T> run(const std::uint8_t* pixels, std::int64_t count, const SaliencyRequest& request = {},
                      const std::function<void(std::int64_t, std::int64_t)>& progress = {});

  std::int64_t images_per_pass() const { return images_per_pass_; }
  std::int64_t image_bytes() const { return images_.count() / images_per_pass_; }

 private:
  void run_pass(const std::uint8_t* pixels, std::int64_t first, std::int64_t images, const SaliencyRequest& request,
                SaliencyMaps<T>& maps);
  void differentiate(Temperature temperature, std::int64_t first, std::int64_t images, std::vector<T>& out);
  std::vector<T> mean_scores(Temperature temperature, std::int64_t images);

  Device& device_;
  Network<T>& network_;
  std::int64_t crops_, images_per_pass_;
  int height_, width_;
  T input_scale_;
  CropPlan crop_plan_;
  MemoryPlan plan_;
  View<std::uint8_t> images_;                    // (I, H, W, C)
  View<std::int32_t> order_, classes_;           // (I * crops): make_batch's order; class j of each crop
  View<std::int32_t> predicted_;                 // (I)
  View<StepState> state_;                        // only the cursor is used; it is 0
  View<T> no_labels_, batch_labels_;             // make_batch requires labels; their values are not used
  View<T> probabilities_, summed_scores_, map_;  // (n, I * crops), (n, I), (I, C, H, W)
};

extern template class SaliencyMapper<float>;
extern template class SaliencyMapper<double>;

}  // namespace shcnn
