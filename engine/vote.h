// From the scores of a clip's images to the clip's class: the paper's majority vote, and two sums.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

/// Scores of a clip's images: (images, classes), image by image; for an image with several crops, the crops' means. An
/// image's class is the one with the largest softmax output (for several crops: the largest sum), the lowest class of
/// equal ones, as in `predict`. The largest mean logit may belong to another class.
struct ImageScores {
  int classes = 0;
  std::vector<double> logits, softmax;
  std::int32_t class_of(std::int64_t image) const;
  std::int64_t images() const { return classes > 0 ? static_cast<std::int64_t>(logits.size()) / classes : 0; }
};

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
