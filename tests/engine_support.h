// Samples and networks that the engine's tests share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/samples.h"
#include "engine/training_step.h"
#include "kernels/backend.h"
#include "kernels/math/philox.h"

namespace shcnn::test {

/// `count` noise images with a bright band whose place is the class, so that there is something to learn.
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

/// A table and a context in precision T on a CPU device: the plain loops.
template <class T>
struct PlainMachine {
  Backend backend = make_backend("cpu", {});
  Ops<T> ops = naive_ops<T>();
  Device& device() { return *backend.device; }
  const Context& context() { return backend.context; }
};

template <class To, class From>
void copy_parameters(const Parameters<From>& from, Parameters<To>& to, const Model& model, ParameterKind kind) {
  for (std::size_t i = 0; i < model.parameters().size(); ++i) {
    const std::vector<From> values = from.read(i, kind);
    to.write(i, kind, std::vector<To>(values.begin(), values.end()));
  }
}

}  // namespace shcnn::test
