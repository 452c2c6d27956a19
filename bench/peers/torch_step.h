// The same training step in libtorch, with the settings that are fastest there: the peer of bench_train.
#pragma once

#include <memory>

#include "engine/train/train_config.h"
#include "models/shcnn.h"

namespace shcnn::bench {

class TorchStep {
 public:
  /// Creates random weights and one batch of random samples, which stay in memory.
  TorchStep(const Model& model, const TrainConfig& config, int threads);
  ~TorchStep();
  TorchStep(const TorchStep&) = delete;
  TorchStep& operator=(const TorchStep&) = delete;

  /// Forward, loss, backward, Adam. Returns the cross-entropy.
  double run();
  /// Name and version, one line.
  static const char* description();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shcnn::bench
