// Determines a clip's class from the scores of its images: by the paper's majority vote or by one of two sums.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/net/image_scores.h"

namespace shcnn {

enum class Vote {
  kMajority,    ///< the most frequent class of the images (the paper); on a tie, the class of the apex frame's image
                ///< if it is one of the tied classes, else the tied class with the largest sum of softmax outputs
  kSumLogits,   ///< the class with the largest sum of logits (the authors' program starts its maximum search from 0)
  kSumSoftmax,  ///< the class with the largest sum of softmax outputs
};
inline constexpr Vote kVotes[] = {Vote::kMajority, Vote::kSumLogits, Vote::kSumSoftmax};
Vote vote_from_string(const std::string& name);  ///< "majority", "sum-logits", "sum-softmax"; else Error(kUsage)
std::string to_string(Vote vote);

/// The result of the votes for one clip.
struct ClipVote {
  std::vector<std::int64_t> counts;  ///< (classes): number of images of each class
  std::int32_t majority = 0, sum_logits = 0, sum_softmax = 0;
  bool tie = false;  ///< whether the majority vote was tied

  std::int32_t by(Vote vote) const;
};

/// `apex` is the index of the apex frame's image, -1 if there is none. The lowest class wins if sums are equal.
ClipVote vote_on(const ImageScores& scores, int apex);

}  // namespace shcnn
