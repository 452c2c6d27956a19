// SHCNN forward and backward as a fixed sequence of ops over planned memory. The sequence is the same on every executor
// and in both precisions; only the table of ops differs.
#pragma once

#include <cstdint>
#include <string>

#include "engine/net/memory_plan.h"
#include "engine/net/parameters.h"
#include "kernels/ops.h"
#include "models/shcnn.h"

namespace shcnn {

/// What a network's memory is planned for.
enum class NetworkUse {
  kInference,  ///< forward only
  kSaliency,   ///< forward, and gradients of activations down to the input
  kTraining,   ///< all of it: gradients of parameters and Adam's moments too
};

template <class T>
class Network {
 public:
  /// Takes all memory at once: for batches of up to `max_batch` samples. `context` needs no workspace yet.
  Network(Device& device, const Context& context, const Ops<T>& ops, const Model& model, NetworkUse use,
          std::int64_t max_batch);

  const Model& model() const { return model_; }
  Parameters<T>& parameters() { return parameters_; }
  const Parameters<T>& parameters() const { return parameters_; }
  std::int64_t max_batch() const { return max_batch_; }
  /// Name, shape and bytes of everything that was taken.
  const MemoryPlan& memory() const { return plan_; }
  /// The context with its workspace, and the ops: what calls beside forward and backward should use.
  const Context& context() const { return context_; }
  const Ops<T>& ops() const { return ops_; }

  /// Where n samples go, (C, H, W, n), before forward(n).
  View<T> input(std::int64_t n) const;
  /// Where forward(n) leaves its result, (classes, n).
  View<T> logits(std::int64_t n) const;

  /// Logits of the n samples in input(n). `state` is that of the training step (dropout on), or null for evaluation.
  void forward(std::int64_t n, const StepState* state = nullptr, double drop_rate = 0);
  /// Gradients from grad_logits(n): of all parameters (kTraining), or of the input alone (kSaliency:
  /// input_gradient(n)). `state` and `drop_rate` as in the forward call that came before.
  void backward(std::int64_t n, const StepState* state = nullptr, double drop_rate = 0);
  View<T> grad_logits(std::int64_t n) const;
  View<T> input_gradient(std::int64_t n) const;  ///< kSaliency: (C, H, W, n)

  /// Name of the first parameter tensor, or else activation of the last forward(n), that holds a NaN or an infinity;
  /// empty if none does. Copies everything to the host: for diagnosis only.
  std::string first_non_finite(std::int64_t n) const;

 private:
  Shape conv_shape(int stage, std::int64_t n) const;
  Shape pooled_shape(int stage, std::int64_t n) const;
  View<T> stage_input(int stage, std::int64_t n) const;
  View<T> pooled(int stage, std::int64_t n) const;
  View<T> at(MemoryPlan::Slot slot, Shape shape) const;
  LeakyDropout hidden(int layer, double drop_rate) const;
  std::size_t workspace_bytes() const;
  void backward_stage(int stage, std::int64_t n, View<const T> grad_pooled);

  Ops<T> ops_;
  Model model_;
  NetworkUse use_;
  std::int64_t max_batch_;
  MemoryPlan plan_;
  Parameters<T> parameters_;
  Context context_;

  MemoryPlan::Slot input_, conv_map_, pooled_[kConvStages], winner_[kConvStages], hidden_[2], logits_, workspace_;
  MemoryPlan::Slot grad_input_, grad_pooled_[kConvStages], grad_hidden_[2], grad_logits_, unused_bias_;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace shcnn
