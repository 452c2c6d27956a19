// SHCNN's forward and backward pass as a fixed sequence of ops on preallocated memory. The sequence is the same on
// every executor and in both precisions; only the table of ops differs.
#pragma once

#include <cstdint>
#include <string>

#include "engine/net/memory_plan.h"
#include "engine/net/parameters.h"
#include "kernels/ops.h"
#include "models/shcnn.h"

namespace shcnn {

/// What a network is used for. This decides which arrays are allocated.
enum class NetworkUse {
  kInference,  ///< forward pass only
  kSaliency,   ///< forward pass, and gradients of activations down to the input
  kTraining,   ///< forward and backward pass, with gradients of parameters and Adam's moments
};

template <class T>
class Network {
 public:
  /// Allocates all memory, for batches of up to `max_batch` samples. `context` needs no workspace: this adds its own.
  Network(Device& device, const Context& context, const Ops<T>& ops, const Model& model, NetworkUse use,
          std::int64_t max_batch);

  const Model& model() const { return model_; }
  Parameters<T>& parameters() { return parameters_; }
  const Parameters<T>& parameters() const { return parameters_; }
  std::int64_t max_batch() const { return max_batch_; }
  /// Name, shape and bytes of every allocated array.
  const MemoryPlan& memory() const { return plan_; }
  /// The context with its workspace, and the ops, for calls other than forward and backward.
  const Context& context() const { return context_; }
  const Ops<T>& ops() const { return ops_; }

  /// Input of forward(n), (C, H, W, n): write the n samples here.
  View<T> input(std::int64_t n) const;
  /// Result of forward(n), (classes, n).
  View<T> logits(std::int64_t n) const;

  /// Computes the logits of the n samples in input(n). `state` is the training step's (dropout on), or null for
  /// evaluation.
  void forward(std::int64_t n, const StepState* state = nullptr, double drop_rate = 0);
  /// Computes gradients from grad_logits(n): those of all parameters (kTraining), or only that of the input (kSaliency:
  /// input_gradient(n)). `state` and `drop_rate` must be those of the preceding forward call.
  void backward(std::int64_t n, const StepState* state = nullptr, double drop_rate = 0);
  View<T> grad_logits(std::int64_t n) const;
  View<T> input_gradient(std::int64_t n) const;  ///< kSaliency: (C, H, W, n)

  /// Name of the first parameter tensor or, if all are finite, the first activation of the last forward(n) that
  /// contains a NaN or an infinity; empty if none does. Copies everything to the host: for diagnosis only.
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
