// Scores images that are streamed through the device: the network's logits and softmax outputs of each. Device memory
// does not depend on the number of images.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/net/image_scores.h"
#include "engine/net/network.h"
#include "engine/net/samples.h"

namespace shcnn {

class ImageScorer {
 public:
  /// Images are (height, width, channels) bytes. `network` must accept batches of at least `crops.size()` samples, or
  /// Error(kUsage) is thrown. `network` and `device` must outlive this object.
  ImageScorer(Device& device, Network<float>& network, int height, int width, int channels,
              const std::vector<int>& crops, double input_scale);

  /// images (N, height, width, channels) -> means over the crops of logits and of softmax outputs, (N, classes).
  /// @throws NonFiniteScores if logits are not finite
  ImageScores run(const std::vector<std::uint8_t>& images);

 private:
  Device& device_;
  Network<float>& network_;
  std::vector<int> crops_;
  std::int64_t image_bytes_, images_per_batch_;
  CropPlan crop_plan_;
  DeviceSamples<float> window_;
  MemoryPlan plan_;
  View<std::int32_t> order_;
  View<StepState> state_;
  View<float> labels_;
};

}  // namespace shcnn
