// A View is a non-owning pointer with a shape. Ops take their arrays as Views.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>

#include "kernels/error.h"

namespace shcnn {

/// Up to four extents, outermost first; unused trailing extents are 1.
struct Shape {
  std::array<std::int64_t, 4> extent{1, 1, 1, 1};
  int rank = 0;

  Shape() = default;
  explicit Shape(std::int64_t a) : extent{a, 1, 1, 1}, rank(1) {}
  Shape(std::int64_t a, std::int64_t b) : extent{a, b, 1, 1}, rank(2) {}
  Shape(std::int64_t a, std::int64_t b, std::int64_t c) : extent{a, b, c, 1}, rank(3) {}
  Shape(std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) : extent{a, b, c, d}, rank(4) {}

  std::int64_t operator[](int i) const { return extent[static_cast<std::size_t>(i)]; }
  std::int64_t count() const { return extent[0] * extent[1] * extent[2] * extent[3]; }
  bool operator==(const Shape& other) const { return rank == other.rank && extent == other.extent; }
  bool operator!=(const Shape& other) const { return !(*this == other); }
  /// "(44, 19, 19, 100)"
  std::string str() const {
    std::string text = "(";
    for (int i = 0; i < rank; ++i) text += (i ? ", " : "") + std::to_string((*this)[i]);
    return text + ")";
  }
};

/// Pointer and shape of a dense row-major array. In device memory unless a comment says host.
template <class T>
struct View {
  T* data = nullptr;
  Shape shape;

  View() = default;
  View(T* pointer, Shape extents) : data(pointer), shape(extents) {}
  /// A mutable view converts to a const one.
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  View(const View<U>& other) : data(other.data), shape(other.shape) {}  // NOLINT(google-explicit-constructor)

  std::int64_t count() const { return shape.count(); }
  std::int64_t operator[](int i) const { return shape[i]; }
  /// The same memory with another shape; throws Error(kInternal) if the counts differ.
  View reshaped(Shape other) const {
    if (other.count() != count()) {
      throw Error(ErrorKind::kInternal, "View::reshaped", shape.str() + " does not hold " + other.str());
    }
    return View(data, other);
  }
};

/// Throws Error(kInternal) unless argument `name` of `op` has the expected shape.
template <class T>
void require_shape(const char* op, const char* name, const View<T>& view, const Shape& expected) {
  if (view.shape != expected) {
    throw Error(ErrorKind::kInternal, op,
                std::string(name) + " has shape " + view.shape.str() + ", expected " + expected.str());
  }
}

}  // namespace shcnn
