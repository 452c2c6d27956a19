// The network's parameters, their gradients and Adam's two moments. Each is one flat array in device memory:
//
//   [ dead columns of fc1.weight | weights of conv1, conv2, conv3, fc1 (live columns), fc2, fc3 | biases   ]
//     `dead` elements              `decayed` elements: the L2 term applies to them                the rest
//
// With this layout the optimiser is one call over [decayed | biases], or over all three parts if the update of the dead
// part cannot be deferred. The dead columns (docs/architecture.md, "Dead cells") are multiplied by inputs that are zero
// for every image, so only the L2 term changes them. Outside this class fc1.weight is always the whole (2048, inputs)
// matrix in the paper's order.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/net/memory_plan.h"
#include "models/shcnn.h"

namespace shcnn {

inline constexpr int kLayers = 6;  ///< conv1..conv3, fc1..fc3

enum class ParameterKind { kValue, kFirstMoment, kSecondMoment, kGradient };

template <class T>
class Parameters {
 public:
  /// Adds the arrays to `plan`; `trainable` adds moments and gradients. Call bind() after plan.commit().
  Parameters(const Model& model, bool trainable, MemoryPlan& plan);
  void bind(Device& device, const MemoryPlan& plan);

  /// Weight, (Co,Ci,K,K) of a convolution or (O, live I) of a dense layer, and bias, (Co) or (O), of layer 0..5.
  View<T> weight(int layer, ParameterKind kind = ParameterKind::kValue) const;
  View<T> bias(int layer, ParameterKind kind = ParameterKind::kValue) const;

  View<T> dead(ParameterKind kind) const { return slice(kind, 0, dead_); }
  View<T> live(ParameterKind kind) const { return slice(kind, dead_, decayed_ + biases_); }
  View<T> all(ParameterKind kind) const { return slice(kind, 0, dead_ + decayed_ + biases_); }
  std::int64_t dead_count() const { return dead_; }
  std::int64_t decayed_count() const { return decayed_; }  ///< live parameters under the L2 term

  /// Copies one tensor of Model::parameters(), in the paper's order, to the host or back.
  std::vector<T> read(std::size_t tensor, ParameterKind kind) const;
  std::vector<std::vector<T>> read_all(ParameterKind kind) const;
  void write(std::size_t tensor, ParameterKind kind, const std::vector<T>& values);

 private:
  struct Tensor {
    std::int64_t offset;  ///< of the live part, in the flat array
    std::int64_t count;   ///< elements of the live part
  };
  View<T> slice(ParameterKind kind, std::int64_t offset, std::int64_t count) const;

  Model model_;
  std::vector<ParameterSpec> specs_;
  std::vector<Tensor> tensors_;  ///< in the order of specs_
  std::int64_t dead_ = 0, decayed_ = 0, biases_ = 0;
  MemoryPlan::Slot slots_[4];
  bool trainable_;
  View<T> flat_[4];
  Device* device_ = nullptr;
};

extern template class Parameters<float>;
extern template class Parameters<double>;

}  // namespace shcnn
