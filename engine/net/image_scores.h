// Scores of images: computed by ImageScorer, input of the vote on a clip's class.
#pragma once

#include <cstdint>
#include <vector>

namespace shcnn {

/// Scores, (images, classes) row-major; for an image with several crops, the means over the crops. An image's class is
/// the one with the largest softmax output (for several crops: the largest sum), the lowest class on ties, as in
/// `predict`. The largest mean logit may belong to another class.
struct ImageScores {
  int classes = 0;
  std::vector<double> logits, softmax;
  std::int32_t class_of(std::int64_t image) const;
  std::int64_t images() const { return classes > 0 ? static_cast<std::int64_t>(logits.size()) / classes : 0; }
};

}  // namespace shcnn
