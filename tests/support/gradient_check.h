// Checks an analytic gradient against central differences in float64.
#pragma once

#include <cmath>
#include <functional>
#include <string>

#include "support/random.h"
#include "support/tensor.h"

namespace shcnn::test {

/// Value of a scalar loss, and a hash of all choices made in its computation (winners of a pool, signs of a LeakyReLU).
/// If the two evaluations of a difference make different choices, the loss has a kink between them.
struct Evaluation {
  double loss = 0;
  std::uint64_t choices = 0;
};

/// Adds one choice to the hash (FNV-1a).
inline void note_choice(std::uint64_t& choices, std::uint64_t choice) {
  choices = (choices ^ (choice + 1)) * 0x100000001b3ULL;
}

/// Compares `gradient` with central differences of `evaluate` at 200 random coordinates of x, or at all if x has no
/// more than that. Coordinates next to a kink are replaced by others; more than 5 % of them is a failure. Returns the
/// error as text, empty on success.
inline std::string gradient_differs(Tensor<double>& x, const Tensor<double>& gradient,
                                    const std::function<Evaluation()>& evaluate, Random& random) {
  constexpr std::int64_t kCoordinates = 200;
  constexpr double kRelative = 1e-5, kAbsolute = 1e-7, kMaxKinks = 0.05;
  const bool every = x.count() <= kCoordinates;
  const std::int64_t wanted = every ? x.count() : kCoordinates;
  std::int64_t kinks = 0;
  for (std::int64_t done = 0, tried = 0; done < wanted; ++tried) {
    if (tried >= 2 * wanted) return message(kinks, " of ", tried, " coordinates lie next to a kink");
    if (every && tried == wanted) break;  // all coordinates visited, some of them kinks
    const std::int64_t at = every ? tried : random.integer(0, x.count() - 1);
    const double value = x[at], step = 1e-6 * std::max(1.0, std::abs(value));
    x[at] = value + step;
    const Evaluation above = evaluate();
    x[at] = value - step;
    const Evaluation below = evaluate();
    x[at] = value;
    if (above.choices != below.choices) {
      ++kinks;
      continue;
    }
    ++done;
    const double difference = (above.loss - below.loss) / (2 * step);
    if (!(std::abs(difference - gradient[at]) <= kAbsolute + kRelative * std::abs(difference))) {
      return message("element ", at, " of ", x.shape.str(), ": gradient ", gradient[at], ", difference ", difference);
    }
  }
  if (static_cast<double>(kinks) > kMaxKinks * static_cast<double>(wanted))
    return message(kinks, " of ", wanted, " coordinates lie next to a kink");
  return "";
}

/// Scalar loss sum_i c_i y_i, whose gradient with respect to y is c.
inline double weighted_sum(const Tensor<double>& c, const Tensor<double>& y) {
  double sum = 0;
  for (std::int64_t i = 0; i < y.count(); ++i) sum += c[i] * y[i];
  return sum;
}

}  // namespace shcnn::test
