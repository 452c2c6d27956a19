// Comparisons that say where the worst element is. Each returns an empty string when all is well, so that a test reads
// CHECK(differs_from(...) == "").
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "support/tensor.h"

namespace shcnn::test {

inline constexpr double kUnitRoundoff = 1.0 / (1 << 24);  ///< u of float32

/// "(3, 0, 7, 1)": the index of element `flat` of `shape`.
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

/// |got - want| <= bound(i) for every element; NaN never passes. Names the element that breaks its bound by most.
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

/// Every element the same number (0 and -0 are).
template <class Got, class Want>
std::string unequal(const Tensor<Got>& got, const Tensor<Want>& want) {
  return outside(got, want, [](std::int64_t) { return 0.0; });
}

/// Relative error of every element whose expected value exceeds `floor` in magnitude.
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

/// Fewer outputs than this and a few of them can nearly all cancel by chance: shares and normalised errors mean
/// nothing.
inline constexpr std::int64_t kFewestForStatistics = 64;

/// A reference that is zero proves nothing: at least 0.9 of the elements that can be non-zero must be (at least one of
/// them where there are few). `can(i)` says which can.
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

/// The rule for sums of K products in float32: |error| <= 8 sqrt(K) u sum|products|, and NMSE <= max(1e-12, K u^2).
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
