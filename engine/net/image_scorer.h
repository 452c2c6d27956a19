// Scores of images that are streamed through the device: the network's logits and softmax outputs of each, whatever
// number of images there are in all.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/net/image_scores.h"
#include "engine/net/network.h"
#include "engine/net/samples.h"

namespace shcnn {

class ImageScorer {
 public:
  /// Images are (height, width, channels) bytes. `network` must take at least `crops.size()` samples at once, and like
  /// `device` outlive this.
  ImageScorer(Device& device, Network<float>& network, int height, int width, int channels,
              const std::vector<int>& crops, double input_scale);

  /// images (N, height, width, channels) -> means over the crops of logits and of softmax outputs, (N, classes).
  /// @throws NonFiniteScores where logits are not finite
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
