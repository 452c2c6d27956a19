// Samples and networks shared by the engine's tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/net/initialise.h"
#include "engine/net/samples.h"
#include "engine/train/training_step.h"
#include "kernels/backend.h"
#include "kernels/math/philox.h"
#include "reference/network_reference.h"

namespace shcnn::test {

/// `count` noise images with a bright band whose position depends on the class, so that they can be learned.
inline Samples banded_samples(int count, int classes, int size, int channels, std::uint64_t seed, bool soft = false) {
  Samples samples;
  samples.height = samples.width = size;
  samples.channels = channels;
  for (int c = 0; c < classes; ++c) samples.class_names.push_back("class " + std::to_string(c));
  for (int i = 0; i < count; ++i) {
    const int truth = i % classes;
    for (int p = 0; p < size * size * channels; ++p) {
      const int row = p / (size * channels);
      const std::uint32_t noise =
          philox_word(seed, Purpose::kTest, static_cast<std::uint32_t>(i), static_cast<std::uint64_t>(p)) % 120;
      samples.pixels.push_back(static_cast<std::uint8_t>(noise + (row * classes / size == truth ? 100 : 0)));
    }
    const double sure = soft ? 0.7 : 1.0;
    for (int c = 0; c < classes; ++c) {
      samples.labels.push_back(static_cast<float>(c == truth ? sure : (1 - sure) / std::max(1, classes - 1)));
    }
    samples.truth.push_back(truth);
    samples.names.push_back("image " + std::to_string(i));
  }
  return samples;
}

/// The plain loops in precision T on a CPU device, with a context.
template <class T>
struct PlainMachine {
  Backend backend = make_backend("cpu", {});
  Ops<T> ops = naive_ops<T>();
  Device& device() { return *backend.device; }
  const Context& context() { return backend.context; }
};

/// The reference network with the parameters and options of `model`.
inline ReferenceNet reference_of(const Parameters<double>& parameters, const Model& model) {
  ReferenceNet net;
  net.is_static = model.options.variant == Variant::kStatic;
  net.max_pool = model.options.pool == PoolKind::kMax;
  net.classes = model.options.classes;
  net.slope = model.options.slope;
  net.tensors = parameters.read_all(ParameterKind::kValue);
  return net;
}

/// An initialised training network in precision T on one device, with the sample order of the first epoch.
template <class T>
struct Learner {
  Learner(Device& device, const Context& context, const Ops<T>& ops, const Model& model, const TrainConfig& config,
          const Samples& samples)
      : network(device, context, ops, model, NetworkUse::kTraining, config.batch),
        on_device(device, samples),
        step(device, network, on_device, config) {
    initialise(network.parameters(), model, config.initial, config.seed);
    const bool larger = samples.height > model.input_size;
    step.set_order(shuffled_order(samples.count(), training_crops(config.augment, larger), config.seed, 0));
  }
  Network<T> network;
  DeviceSamples<T> on_device;
  TrainingStep<T> step;
};

/// The largest |logit| of the last forward pass of n samples.
template <class T>
double largest_logit(const Network<T>& network, std::int64_t n) {
  const View<T> logits = network.logits(n);
  std::vector<T> values(static_cast<std::size_t>(logits.count()));
  network.context().device->copy_out(values.data(), logits.data, values.size() * sizeof(T));
  double largest = 0;
  for (const T value : values) largest = std::max(largest, std::abs(double{value}));
  return largest;
}

template <class To, class From>
void copy_parameters(const Parameters<From>& from, Parameters<To>& to, const Model& model, ParameterKind kind) {
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    const std::vector<From> values = from.read(i, kind);
    to.write(i, kind, std::vector<To>(values.begin(), values.end()));
  }
}

}  // namespace shcnn::test
