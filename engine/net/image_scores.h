// Scores of images: what ImageScorer computes and a vote takes.
#pragma once

#include <cstdint>
#include <vector>

namespace shcnn {

/// Scores of images: (images, classes), image by image; for an image with several crops, the crops' means. An
/// image's class is the one with the largest softmax output (for several crops: the largest sum), the lowest class of
/// equal ones, as in `predict`. The largest mean logit may belong to another class.
struct ImageScores {
  int classes = 0;
  std::vector<double> logits, softmax;
  std::int32_t class_of(std::int64_t image) const;
  std::int64_t images() const { return classes > 0 ? static_cast<std::int64_t>(logits.size()) / classes : 0; }
};

}  // namespace shcnn
