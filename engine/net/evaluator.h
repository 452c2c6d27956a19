// Classifies a set of images with all their crops (the paper's "boosting"): the class is the argmax of the sum of the
// crops' softmax outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/net/metrics.h"
#include "engine/net/network.h"
#include "engine/net/samples.h"

namespace shcnn {

struct Evaluation {
  Confusion confusion;                  ///< over the images that have a true class
  std::vector<std::int32_t> predicted;  ///< (M)
  std::vector<float> scores;            ///< (M, classes): mean of the crops' softmax outputs
  double cross_entropy = 0;             ///< mean over images of -sum p log(scores)
  /// The first image whose logits are not all finite, which makes its scores meaningless; -1 if there is none.
  std::int64_t non_finite_image = -1;

  /// Throws NonFiniteScores if there is such an image.
  void require_finite() const;
};

template <class T>
class Evaluator {
 public:
  /// `network` must accept batches of at least `crops.size()` samples. All references must outlive this object.
  /// `input_scale` is the one used in training.
  Evaluator(Device& device, Network<T>& network, const DeviceSamples<T>& samples, const std::vector<int>& crops,
            double input_scale);
  /// Classifies all images; calls progress(done, total) after each batch.
  Evaluation run(const std::function<void(std::int64_t, std::int64_t)>& progress = {});

 private:
  Device& device_;
  Network<T>& network_;
  const DeviceSamples<T>& samples_;
  std::int64_t crops_;
  std::int64_t images_per_batch_;
  CropPlan plan_of_crops_;
  MemoryPlan plan_;
  View<std::int32_t> order_, predicted_;
  View<StepState> state_;
  View<T> labels_, probabilities_, scores_;
  View<std::int64_t> confusion_;
};

extern template class Evaluator<float>;
extern template class Evaluator<double>;

}  // namespace shcnn
