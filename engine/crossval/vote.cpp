#include "engine/crossval/vote.h"

#include <algorithm>

#include "kernels/error.h"

namespace shcnn {
namespace {

std::int32_t largest(const std::vector<double>& values) {
  return static_cast<std::int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

Vote vote_from_string(const std::string& name) {
  for (const Vote vote : kVotes) {
    if (name == to_string(vote)) return vote;
  }
  throw Error(ErrorKind::kUsage, "vote", "'" + name + "' is none of 'majority', 'sum-logits', 'sum-softmax'");
}

std::string to_string(Vote vote) {
  return vote == Vote::kMajority ? "majority" : vote == Vote::kSumLogits ? "sum-logits" : "sum-softmax";
}

std::int32_t ClipVote::by(Vote vote) const {
  return vote == Vote::kMajority ? majority : vote == Vote::kSumLogits ? sum_logits : sum_softmax;
}

ClipVote vote_on(const ImageScores& scores, int apex) {
  const auto n = static_cast<std::size_t>(scores.classes);
  const auto images = static_cast<std::size_t>(scores.images());
  if (n == 0 || images == 0) throw Error(ErrorKind::kInternal, "vote_on", "there is nothing to vote on");
  ClipVote out;
  out.counts.assign(n, 0);
  std::vector<double> logits(n, 0.0), softmax(n, 0.0);
  const auto class_of = [&](std::size_t image) {
    return static_cast<std::size_t>(scores.class_of(static_cast<std::int64_t>(image)));
  };
  for (std::size_t i = 0; i < images; ++i) {
    ++out.counts[class_of(i)];
    for (std::size_t c = 0; c < n; ++c) {
      logits[c] += scores.logits[i * n + c];
      softmax[c] += scores.softmax[i * n + c];
    }
  }
  out.sum_logits = largest(logits);
  out.sum_softmax = largest(softmax);

  const std::int64_t most = *std::max_element(out.counts.begin(), out.counts.end());
  out.tie = std::count(out.counts.begin(), out.counts.end(), most) > 1;
  out.majority = static_cast<std::int32_t>(std::find(out.counts.begin(), out.counts.end(), most) - out.counts.begin());
  if (!out.tie) return out;
  if (apex >= 0 && static_cast<std::size_t>(apex) < images) {
    const std::size_t at_apex = class_of(static_cast<std::size_t>(apex));
    if (out.counts[at_apex] == most) {
      out.majority = static_cast<std::int32_t>(at_apex);
      return out;
    }
  }
  for (std::size_t c = 0; c < n; ++c) {
    if (out.counts[c] == most && softmax[c] > softmax[static_cast<std::size_t>(out.majority)]) {
      out.majority = static_cast<std::int32_t>(c);
    }
  }
  return out;
}

}  // namespace shcnn
