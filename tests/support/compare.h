// Comparisons of tensors. Each returns an empty string on success, otherwise a text that names the worst element, so
// that a test writes CHECK(unequal(got, want) == "").
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "support/tensor.h"

namespace shcnn::test {

inline constexpr double kUnitRoundoff = 1.0 / (1 << 24);  ///< unit roundoff u of float32

/// Index of element `flat` of `shape` as text, for example "(3, 0, 7, 1)".
inline std::string index_text(const Shape& shape, std::int64_t flat) {
  std::array<std::int64_t, 4> index{};
  for (int axis = shape.rank - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = flat % shape[axis];
    flat /= shape[axis];
  }
  std::string text = "(";
  for (int axis = 0; axis < shape.rank; ++axis)
    text += (axis ? ", " : "") + std::to_string(index[static_cast<std::size_t>(axis)]);
  return text + ")";
}

/// Requires |got - want| <= bound(i) for every element; NaN always fails. Names the element with the largest ratio of
/// error to bound.
template <class Got, class Want, class Bound>
std::string outside(const Tensor<Got>& got, const Tensor<Want>& want, const Bound& bound) {
  if (got.shape != want.shape) return "shape " + got.shape.str() + ", expected " + want.shape.str();
  double worst = 1;
  std::int64_t at = -1, bad = 0;
  for (std::int64_t i = 0; i < want.count(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    if (error <= bound(i)) continue;
    ++bad;
    const double excess =
        std::isnan(error) ? std::numeric_limits<double>::infinity() : error / std::max(bound(i), 1e-300);
    if (at < 0 || excess > worst) {
      worst = excess;
      at = i;
    }
  }
  if (at < 0) return "";
  return message(bad, " of ", want.count(), " elements of ", want.shape.str(), " differ; the worst is ",
                 index_text(want.shape, at), ": got ", static_cast<double>(got[at]), ", expected ",
                 static_cast<double>(want[at]), ", allowed ", bound(at));
}

/// Requires equal numbers in every element (0 equals -0).
template <class Got, class Want>
std::string unequal(const Tensor<Got>& got, const Tensor<Want>& want) {
  return outside(got, want, [](std::int64_t) { return 0.0; });
}

/// Requires |got - want| <= relative * max(|want|, floor) for every element.
template <class Got, class Want>
std::string relative_outside(const Tensor<Got>& got, const Tensor<Want>& want, double relative, double floor = 0) {
  return outside(got, want,
                 [&](std::int64_t i) { return relative * std::max(std::abs(static_cast<double>(want[i])), floor); });
}

/// Normalised mean squared error |got - want|^2 / |want|^2.
template <class Got, class Want>
double nmse(const Tensor<Got>& got, const Tensor<Want>& want) {
  double error = 0, norm = 0;
  for (std::int64_t i = 0; i < want.count(); ++i) {
    const double difference = static_cast<double>(got[i]) - static_cast<double>(want[i]);
    error += difference * difference;
    norm += static_cast<double>(want[i]) * static_cast<double>(want[i]);
  }
  return norm > 0 ? error / norm : (error > 0 ? std::numeric_limits<double>::infinity() : 0);
}

/// With fewer outputs than this, some of them can nearly cancel by chance: fractions of elements and normalised errors
/// are then meaningless.
inline constexpr std::int64_t kFewestForStatistics = 64;

/// A comparison with zeros proves little: at least 0.9 of the elements that can be non-zero must be. If fewer than 64
/// can be, one is enough; if fewer than 8, none is needed. `can(i)` says whether element i can be non-zero.
template <class Want, class Can>
std::string too_sparse(const Tensor<Want>& want, const Can& can) {
  std::int64_t possible = 0, present = 0;
  for (std::int64_t i = 0; i < want.count(); ++i) {
    possible += can(i);
    present += want[i] != Want(0);
  }
  if (want.count() == 0) return "";
  if (possible == 0) return "no element of the reference can be non-zero";
  const bool enough = possible < kFewestForStatistics
                          ? present > 0 || possible < 8
                          : static_cast<double>(present) >= 0.9 * static_cast<double>(possible);
  return enough ? "" : message("only ", present, " of ", possible, " elements of the reference are non-zero");
}

/// Tolerance of sums of K = `terms` products in float32: |error| <= 8 sqrt(K) u sum|products|, and NMSE <= max(1e-12, K
/// u^2).
template <class Got, class Want>
std::string outside_sum_rule(const Tensor<Got>& got, const Tensor<Want>& want, const Tensor<Want>& absolute_products,
                             double terms) {
  const double factor = 8 * std::sqrt(terms) * kUnitRoundoff;
  std::string text =
      outside(got, want, [&](std::int64_t i) { return factor * static_cast<double>(absolute_products[i]); });
  if (!text.empty() || want.count() < kFewestForStatistics) return text;
  const double limit = std::max(1e-12, terms * kUnitRoundoff * kUnitRoundoff), found = nmse(got, want);
  return found <= limit ? "" : message("NMSE ", found, " > ", limit);
}

}  // namespace shcnn::test
