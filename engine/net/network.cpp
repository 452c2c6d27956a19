#include "engine/net/network.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace shcnn {
namespace {

constexpr Purpose kDropoutOf[] = {Purpose::kDropout1, Purpose::kDropout2};

ConvPads pads_of(const ConvStage& stage) { return {stage.pad_begin, stage.pad_end}; }
MaxPool max_pool_of(const ConvStage& stage) { return {stage.ring, stage.first}; }

}  // namespace

template <class T>
Network<T>::Network(Device& device, const Context& context, const Ops<T>& ops, const Model& model, NetworkUse use,
                    std::int64_t max_batch)
    : ops_(ops),
      model_(model),
      use_(use),
      max_batch_(max_batch),
      parameters_(model, use == NetworkUse::kTraining, plan_),
      context_(context) {
  if (max_batch < 1) throw Error(ErrorKind::kUsage, "network", message("needs a batch of at least 1, got ", max_batch));
  const std::int64_t n = max_batch;
  const bool gradients = use != NetworkUse::kInference;

  input_ = plan_.add<T>("input", Shape(model.input_channels, model.input_size, model.input_size, n));
  // All stages share one map: each convolution's output is pooled before the next convolution runs, and in the backward
  // pass its gradient is used up before the preceding stage writes its own.
  std::int64_t largest_map = 0;
  for (int i = 0; i < kConvStages; ++i) largest_map = std::max(largest_map, conv_shape(i, n).count());
  conv_map_ = plan_.add<T>("conv map", Shape(largest_map));
  for (int i = 0; i < kConvStages; ++i) {
    const std::string number = std::to_string(i + 1);
    pooled_[i] = plan_.add<T>("pooled " + number, pooled_shape(i, n));
    winner_[i] = plan_.add<std::uint8_t>("winner " + number, pooled_shape(i, n));
    if (gradients) grad_pooled_[i] = plan_.add<T>("grad pooled " + number, pooled_shape(i, n));
  }
  for (int i = 0; i < 2; ++i) {
    const std::string number = std::to_string(i + 1);
    const Shape shape(model.dense[static_cast<std::size_t>(i)].outputs, n);
    hidden_[i] = plan_.add<T>("hidden " + number, shape);
    if (gradients) grad_hidden_[i] = plan_.add<T>("grad hidden " + number, shape);
  }
  logits_ = plan_.add<T>("logits", Shape(model.options.classes, n));
  if (gradients) grad_logits_ = plan_.add<T>("grad logits", Shape(model.options.classes, n));
  if (use == NetworkUse::kSaliency) {
    grad_input_ = plan_.add<T>("grad input", Shape(model.input_channels, model.input_size, model.input_size, n));
    unused_bias_ = plan_.add<T>("grad bias, unused", Shape(model.conv.back().channels));
  }
  const std::size_t workspace = workspace_bytes();
  workspace_ = plan_.add<std::uint8_t>("workspace", Shape(static_cast<std::int64_t>(workspace)));

  plan_.commit(device);
  parameters_.bind(device, plan_);
  context_.workspace = plan_.view<std::uint8_t>(workspace_).data;
  context_.workspace_bytes = workspace;
}

template <class T>
std::size_t Network<T>::workspace_bytes() const {
  // An executor may use another algorithm for small batches that needs more workspace, so all batch sizes are queried.
  std::size_t bytes = ops_.adam_workspace(model_.parameter_count());
  for (std::int64_t n = 1; n <= max_batch_; ++n) {
    for (const ConvStage& s : model_.conv) {
      const Shape x(s.in_channels, s.input, s.input, n), w(s.channels, s.in_channels, s.kernel, s.kernel);
      bytes = std::max(bytes, ops_.conv2d_workspace({x, w, pads_of(s)}));
    }
    for (const DenseLayer& d : model_.dense) {
      bytes = std::max(bytes, ops_.dense_workspace(d.live_inputs, d.outputs, n));
    }
  }
  return bytes;
}

template <class T>
Shape Network<T>::conv_shape(int stage, std::int64_t n) const {
  const ConvStage& s = model_.conv[static_cast<std::size_t>(stage)];
  return Shape(s.channels, s.conv, s.conv, n);
}

template <class T>
Shape Network<T>::pooled_shape(int stage, std::int64_t n) const {
  const ConvStage& s = model_.conv[static_cast<std::size_t>(stage)];
  return Shape(s.channels, s.live, s.live, n);
}

template <class T>
View<T> Network<T>::at(MemoryPlan::Slot slot, Shape shape) const {
  const View<T> whole = plan_.view<T>(slot);
  if (shape.count() > whole.count()) {
    throw Error(ErrorKind::kInternal, "network",
                message("a batch needs ", shape.str(), " where ", whole.shape.str(), " was planned"));
  }
  return View<T>(whole.data, shape);
}

template <class T>
View<T> Network<T>::input(std::int64_t n) const {
  return at(input_, Shape(model_.input_channels, model_.input_size, model_.input_size, n));
}
template <class T>
View<T> Network<T>::input_gradient(std::int64_t n) const {
  return at(grad_input_, Shape(model_.input_channels, model_.input_size, model_.input_size, n));
}
template <class T>
View<T> Network<T>::logits(std::int64_t n) const {
  return at(logits_, Shape(model_.options.classes, n));
}
template <class T>
View<T> Network<T>::grad_logits(std::int64_t n) const {
  return at(grad_logits_, Shape(model_.options.classes, n));
}
template <class T>
View<T> Network<T>::pooled(int stage, std::int64_t n) const {
  return at(pooled_[stage], pooled_shape(stage, n));
}
template <class T>
View<T> Network<T>::stage_input(int stage, std::int64_t n) const {
  return stage == 0 ? input(n) : pooled(stage - 1, n);
}
template <class T>
LeakyDropout Network<T>::hidden(int layer, double drop_rate) const {
  return {model_.options.slope, drop_rate, kDropoutOf[layer]};
}

template <class T>
void Network<T>::forward(std::int64_t n, const StepState* state, double drop_rate) {
  const T slope = static_cast<T>(model_.options.slope);
  for (int i = 0; i < kConvStages; ++i) {
    const ConvStage& s = model_.conv[static_cast<std::size_t>(i)];
    const View<T> z = at(conv_map_, conv_shape(i, n));
    ops_.conv2d_forward(context_, pads_of(s), stage_input(i, n), parameters_.weight(i), z);
    if (s.pool == PoolKind::kMax) {
      const View<std::uint8_t> winner(plan_.view<std::uint8_t>(winner_[i]).data, pooled_shape(i, n));
      ops_.max_pool_forward(context_, max_pool_of(s), slope, z, parameters_.bias(i), pooled(i, n), winner);
    } else {
      ops_.avg_pool_forward(context_, slope, z, parameters_.bias(i), pooled(i, n));
    }
  }
  const View<T> features = pooled(kConvStages - 1, n).reshaped(Shape(model_.dense[0].live_inputs, n));
  const View<T> h1 = at(hidden_[0], Shape(kHidden1, n));
  const View<T> h2 = at(hidden_[1], Shape(kHidden2, n));
  ops_.dense_forward(context_, features, parameters_.weight(3), parameters_.bias(3), h1);
  ops_.leaky_dropout_forward(context_, hidden(0, drop_rate), state, h1);
  ops_.dense_forward(context_, h1, parameters_.weight(4), parameters_.bias(4), h2);
  ops_.leaky_dropout_forward(context_, hidden(1, drop_rate), state, h2);
  ops_.dense_forward(context_, h2, parameters_.weight(5), parameters_.bias(5), logits(n));
}

template <class T>
void Network<T>::backward(std::int64_t n, const StepState* state, double drop_rate) {
  if (use_ == NetworkUse::kInference)
    throw Error(ErrorKind::kInternal, "network", "backward() on a network for inference");
  const bool train = use_ == NetworkUse::kTraining;
  const auto gradient = ParameterKind::kGradient;
  const View<T> features = pooled(kConvStages - 1, n).reshaped(Shape(model_.dense[0].live_inputs, n));
  const View<T> h1 = at(hidden_[0], Shape(kHidden1, n)), grad_h1 = at(grad_hidden_[0], h1.shape);
  const View<T> h2 = at(hidden_[1], Shape(kHidden2, n)), grad_h2 = at(grad_hidden_[1], h2.shape);
  const View<T> grad_features = at(grad_pooled_[kConvStages - 1], features.shape);

  if (train)
    ops_.dense_backward_filter(context_, h2, grad_logits(n), parameters_.weight(5, gradient),
                               parameters_.bias(5, gradient));
  ops_.dense_backward_data(context_, parameters_.weight(5), grad_logits(n), grad_h2);
  ops_.leaky_dropout_backward(context_, hidden(1, drop_rate), state, h2, grad_h2);
  if (train)
    ops_.dense_backward_filter(context_, h1, grad_h2, parameters_.weight(4, gradient), parameters_.bias(4, gradient));
  ops_.dense_backward_data(context_, parameters_.weight(4), grad_h2, grad_h1);
  ops_.leaky_dropout_backward(context_, hidden(0, drop_rate), state, h1, grad_h1);
  if (train)
    ops_.dense_backward_filter(context_, features, grad_h1, parameters_.weight(3, gradient),
                               parameters_.bias(3, gradient));
  ops_.dense_backward_data(context_, parameters_.weight(3), grad_h1, grad_features);

  for (int i = kConvStages - 1; i >= 0; --i) backward_stage(i, n, at(grad_pooled_[i], pooled_shape(i, n)));
}

template <class T>
void Network<T>::backward_stage(int stage, std::int64_t n, View<const T> grad_pooled) {
  const ConvStage& s = model_.conv[static_cast<std::size_t>(stage)];
  const T slope = static_cast<T>(model_.options.slope);
  const bool train = use_ == NetworkUse::kTraining;
  const View<T> grad_z = at(conv_map_, conv_shape(stage, n));
  // The pool's backward op always computes the bias gradient, also if it is not needed.
  const View<T> grad_bias =
      train ? parameters_.bias(stage, ParameterKind::kGradient) : at(unused_bias_, Shape(s.channels));
  if (s.pool == PoolKind::kMax) {
    const View<const std::uint8_t> winner(plan_.view<std::uint8_t>(winner_[stage]).data, pooled_shape(stage, n));
    ops_.max_pool_backward(context_, max_pool_of(s), slope, pooled(stage, n), winner, grad_pooled, grad_z, grad_bias);
  } else {
    ops_.avg_pool_backward(context_, slope, pooled(stage, n), grad_pooled, grad_z, grad_bias);
  }
  if (train) {
    ops_.conv2d_backward_filter(context_, pads_of(s), stage_input(stage, n), grad_z,
                                parameters_.weight(stage, ParameterKind::kGradient));
  }
  if (stage > 0) {
    ops_.conv2d_backward_data(context_, pads_of(s), parameters_.weight(stage), grad_z,
                              at(grad_pooled_[stage - 1], pooled_shape(stage - 1, n)));
  } else if (!train) {
    ops_.conv2d_backward_data(context_, pads_of(s), parameters_.weight(0), grad_z, input_gradient(n));
  }
}

template <class T>
std::string Network<T>::first_non_finite(std::int64_t n) const {
  const auto is_bad = [](T value) { return !std::isfinite(value); };
  const std::vector<ParameterSpec> specs = model_.parameters();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const std::vector<T> values = parameters_.read(i, ParameterKind::kValue);
    if (std::any_of(values.begin(), values.end(), is_bad)) return specs[i].name;
  }
  std::vector<std::pair<std::string, View<T>>> activations = {{"input", input(n)}};
  for (int i = 0; i < kConvStages; ++i)
    activations.emplace_back("the output of conv" + std::to_string(i + 1), pooled(i, n));
  activations.emplace_back("the output of fc1", at(hidden_[0], Shape(kHidden1, n)));
  activations.emplace_back("the output of fc2", at(hidden_[1], Shape(kHidden2, n)));
  activations.emplace_back("the output of fc3", logits(n));
  for (const auto& [name, view] : activations) {
    std::vector<T> values(static_cast<std::size_t>(view.count()));
    context_.device->copy_out(values.data(), view.data, values.size() * sizeof(T));
    if (std::any_of(values.begin(), values.end(), is_bad)) return name;
  }
  return "";
}

template class Network<float>;
template class Network<double>;

}  // namespace shcnn
