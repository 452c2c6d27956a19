// From the scores of a clip's images to the clip's class: the paper's majority vote, and two sums.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/net/image_scores.h"

namespace shcnn {

enum class Vote {
  kMajority,    ///< the class that most images have; a tie goes to the apex frame's image where its class is among the
                ///< tied, else to the largest summed softmax among them (the paper)
  kSumLogits,   ///< the largest sum of logits (the authors' program, without its start from 0)
  kSumSoftmax,  ///< the largest sum of softmax outputs
};
inline constexpr Vote kVotes[] = {Vote::kMajority, Vote::kSumLogits, Vote::kSumSoftmax};
Vote vote_from_string(const std::string& name);  ///< "majority", "sum-logits", "sum-softmax"; Error(kUsage) else
std::string to_string(Vote vote);

/// What one clip was taken for.
struct ClipVote {
  std::vector<std::int64_t> counts;  ///< (classes): images by their class
  std::int32_t majority = 0, sum_logits = 0, sum_softmax = 0;
  bool tie = false;  ///< the majority was one

  std::int32_t by(Vote vote) const;
};

/// `apex`: the apex frame's image, -1 where there is none. Of equal sums the lowest class wins.
ClipVote vote_on(const ImageScores& scores, int apex);

}  // namespace shcnn
