#include "engine/net/parameters.h"

namespace shcnn {
namespace {
constexpr std::size_t kFc1Weight = 6;  // index in Model::parameters(), after a weight and a bias each of conv1..conv3
}

template <class T>
Parameters<T>::Parameters(const Model& model, bool trainable, MemoryPlan& plan)
    : model_(model),
      specs_(model.parameters()),
      tensors_(specs_.size()),
      dead_(model.dead_parameter_count()),
      trainable_(trainable) {
  std::int64_t offset = dead_;
  for (const bool decayed : {true, false}) {
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      if (specs_[i].decayed != decayed) continue;
      const std::int64_t count = specs_[i].count() - (i == kFc1Weight ? dead_ : 0);
      tensors_[i] = {offset, count};
      offset += count;
    }
    if (decayed) decayed_ = offset - dead_;
  }
  biases_ = offset - dead_ - decayed_;

  const char* const names[] = {"parameters", "first moments", "second moments", "gradients"};
  for (int kind = 0; kind < (trainable ? 4 : 1); ++kind) slots_[kind] = plan.add<T>(names[kind], Shape(offset));
}

template <class T>
void Parameters<T>::bind(Device& device, const MemoryPlan& plan) {
  device_ = &device;
  for (int kind = 0; kind < (trainable_ ? 4 : 1); ++kind) flat_[kind] = plan.view<T>(slots_[kind]);
}

template <class T>
View<T> Parameters<T>::slice(ParameterKind kind, std::int64_t offset, std::int64_t count) const {
  const View<T>& flat = flat_[static_cast<int>(kind)];
  if (!flat.data) throw Error(ErrorKind::kInternal, "Parameters", "this network was not made for training");
  return View<T>(flat.data + offset, Shape(count));
}

template <class T>
View<T> Parameters<T>::weight(int layer, ParameterKind kind) const {
  const Tensor& tensor = tensors_[static_cast<std::size_t>(2 * layer)];
  const View<T> flat = slice(kind, tensor.offset, tensor.count);
  if (layer < kConvStages) {
    const ConvStage& s = model_.conv[static_cast<std::size_t>(layer)];
    return flat.reshaped(Shape(s.channels, s.in_channels, s.kernel, s.kernel));
  }
  const DenseLayer& d = model_.dense[static_cast<std::size_t>(layer - kConvStages)];
  return flat.reshaped(Shape(d.outputs, d.live_inputs));
}

template <class T>
View<T> Parameters<T>::bias(int layer, ParameterKind kind) const {
  const Tensor& tensor = tensors_[static_cast<std::size_t>(2 * layer + 1)];
  return slice(kind, tensor.offset, tensor.count);
}

namespace {

/// Calls visit(paper position, is_live, position in the live or dead part) for every element of fc1.weight, row by row.
template <class Visit>
void for_each_fc1(const Model& model, Visit visit) {
  const DenseLayer& fc1 = model.dense[0];
  std::vector<bool> is_live(static_cast<std::size_t>(fc1.inputs), false);
  for (const std::int32_t column : model.live_columns()) is_live[static_cast<std::size_t>(column)] = true;
  std::size_t position = 0, live = 0, dead = 0;
  for (int row = 0; row < fc1.outputs; ++row) {
    for (int column = 0; column < fc1.inputs; ++column, ++position) {
      if (is_live[static_cast<std::size_t>(column)]) {
        visit(position, true, live++);
      } else {
        visit(position, false, dead++);
      }
    }
  }
}

template <class T>
std::vector<T> to_host(Device& device, const View<T>& view) {
  std::vector<T> host(static_cast<std::size_t>(view.count()));
  device.copy_out(host.data(), view.data, host.size() * sizeof(T));
  return host;
}

}  // namespace

template <class T>
std::vector<T> Parameters<T>::read(std::size_t tensor, ParameterKind kind) const {
  const Tensor& place = tensors_.at(tensor);
  std::vector<T> live = to_host(*device_, slice(kind, place.offset, place.count));
  if (tensor != kFc1Weight || dead_ == 0) return live;
  const std::vector<T> idle = to_host(*device_, dead(kind));
  std::vector<T> whole(live.size() + idle.size());
  for_each_fc1(model_, [&](std::size_t position, bool is_live, std::size_t i) {
    whole[position] = is_live ? live[i] : idle[i];
  });
  return whole;
}

template <class T>
std::vector<std::vector<T>> Parameters<T>::read_all(ParameterKind kind) const {
  std::vector<std::vector<T>> all;
  for (std::size_t i = 0; i < tensors_.size(); ++i) all.push_back(read(i, kind));
  return all;
}

template <class T>
void Parameters<T>::write(std::size_t tensor, ParameterKind kind, const std::vector<T>& values) {
  const Tensor& place = tensors_.at(tensor);
  if (static_cast<std::int64_t>(values.size()) != specs_[tensor].count()) {
    throw Error(ErrorKind::kInternal, specs_[tensor].name,
                message("got ", values.size(), " values, has ", specs_[tensor].count()));
  }
  if (tensor != kFc1Weight || dead_ == 0) {
    device_->copy_in(slice(kind, place.offset, place.count).data, values.data(), values.size() * sizeof(T));
    return;
  }
  std::vector<T> live(static_cast<std::size_t>(place.count)), idle(static_cast<std::size_t>(dead_));
  for_each_fc1(model_, [&](std::size_t position, bool is_live, std::size_t i) {
    (is_live ? live[i] : idle[i]) = values[position];
  });
  device_->copy_in(slice(kind, place.offset, place.count).data, live.data(), live.size() * sizeof(T));
  device_->copy_in(dead(kind).data, idle.data(), idle.size() * sizeof(T));
}

template class Parameters<float>;
template class Parameters<double>;

}  // namespace shcnn
