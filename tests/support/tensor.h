// Host arrays with a shape: test inputs and expected values.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/view.h"

namespace shcnn::test {

template <class T>
struct Tensor {
  Shape shape;
  std::vector<T> data;

  Tensor() = default;
  explicit Tensor(const Shape& extents, T value = T())
      : shape(extents), data(static_cast<std::size_t>(extents.count()), value) {}
  Tensor(const Shape& extents, std::vector<T> values) : shape(extents), data(std::move(values)) {}

  View<T> view() { return View<T>(data.data(), shape); }
  View<const T> view() const { return View<const T>(data.data(), shape); }
  T& operator[](std::int64_t i) { return data[static_cast<std::size_t>(i)]; }
  const T& operator[](std::int64_t i) const { return data[static_cast<std::size_t>(i)]; }
  std::int64_t count() const { return shape.count(); }
};

/// Element-wise conversion, for example of float32 inputs for a float64 reference.
template <class To, class From>
Tensor<To> cast(const Tensor<From>& from) {
  Tensor<To> to(from.shape);
  for (std::size_t i = 0; i < from.data.size(); ++i) to.data[i] = static_cast<To>(from.data[i]);
  return to;
}

template <class T>
Tensor<T> magnitudes(const Tensor<T>& from) {
  Tensor<T> to(from.shape);
  for (std::size_t i = 0; i < from.data.size(); ++i) to.data[i] = std::abs(from.data[i]);
  return to;
}

}  // namespace shcnn::test
