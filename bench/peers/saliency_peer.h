// Interface of the peers of bench_saliency: libraries that compute the same saliency maps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/shcnn.h"

namespace shcnn::bench {

/// grad_x S_j of the predicted class j, for a batch that is already in memory as floats. Static variant.
class SaliencyPeer {
 public:
  virtual ~SaliencyPeer() = default;
  virtual std::string description() const = 0;
  /// One forward and one backward pass; returns the gradient (N,1,42,42).
  virtual const std::vector<float>& run() = 0;
};

/// `tensors` are those of Model::parameters(), `x` (N,1,42,42).
std::unique_ptr<SaliencyPeer> torch_saliency(const Model& model, const std::vector<std::vector<float>>& tensors,
                                             const std::vector<float>& x, int threads);
std::unique_ptr<SaliencyPeer> onednn_saliency(const Model& model, const std::vector<std::vector<float>>& tensors,
                                              const std::vector<float>& x, int threads);

}  // namespace shcnn::bench
