// The levels of the pyramid and the sampling positions for resizing from one to the next. Planned once; the same for
// every executor.
#pragma once

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flow/stages.h"

namespace shcnn::flow {

constexpr int kSmallestSide = 16;    ///< px: minimum side of all pyramid levels but the finest
constexpr int kLargestSide = 32767;  ///< px

struct Size {
  int width = 0;
  int height = 0;
  std::int64_t area() const { return std::int64_t{width} * height; }
};

/// Sampling positions of a bilinear resize along one axis. Pixel centres are aligned, positions clamped to the source.
/// As in OpenCV, a clamped column reads its pixel once, while a clamped row blends its pixel with itself (which
/// rounds).
class Axis {
 public:
  enum class Direction { kColumns, kRows };
  /// `scale` = source pixels per destination pixel.
  Axis(Direction direction, int from, int to, double scale) : index0_(to), index1_(to), weight_(to) {
    for (int i = 0; i < to; ++i) {
      const float position = static_cast<float>((i + 0.5) * scale - 0.5);
      const int below = static_cast<int>(std::floor(position));
      const bool inside = below >= 0 && below < from - 1;
      index0_[i] = std::clamp(below, 0, from - 1);
      index1_[i] = std::clamp(below + 1, 0, from - 1);
      weight_[i] = inside || direction == Direction::kRows ? position - static_cast<float>(below) : 0.0f;
    }
    // OpenCV halves an image in vectors of four columns and adds pairs of pixels first; in the remaining columns it
    // adds the pixels one after another.
    if (direction == Direction::kColumns && scale == 2.0) in_order_from_ = from / 2 / 4 * 4;
  }
  int size() const { return static_cast<int>(weight_.size()); }
  ResizeAxis view() const { return {index0_.data(), index1_.data(), weight_.data(), in_order_from_}; }

 private:
  int in_order_from_ = INT_MAX;
  std::vector<int> index0_, index1_;
  std::vector<float> weight_;
};

/// Resize axes from level s to level s + 1 of the pyramid (down), and back (up).
struct LevelStep {
  Axis down_x, down_y, up_x, up_y;
};

struct PyramidPlan {
  std::vector<Size> sizes;  ///< per level, the finest first
  std::vector<LevelStep> steps;

  PyramidPlan(const Tvl1Params& params, int width, int height) {
    sizes.push_back({width, height});
    const double scale = 1.0 / params.scale_step;
    while (static_cast<int>(sizes.size()) < params.scales) {
      const Size fine = sizes.back();
      const Size size{static_cast<int>(std::lrint(fine.width * params.scale_step)),
                      static_cast<int>(std::lrint(fine.height * params.scale_step))};
      if (size.width < kSmallestSide || size.height < kSmallestSide) break;
      // Down uses the nominal step, up the ratio of the rounded sizes, as in OpenCV. If rounding makes a level as large
      // as the one before, OpenCV copies it.
      const bool same_size = size.width == fine.width && size.height == fine.height;
      const double down = same_size ? 1.0 : scale;
      const auto up = [](int coarse, int finer) { return 1.0 / (static_cast<double>(finer) / coarse); };
      constexpr auto kX = Axis::Direction::kColumns, kY = Axis::Direction::kRows;
      steps.push_back({Axis(kX, fine.width, size.width, down), Axis(kY, fine.height, size.height, down),
                       Axis(kX, size.width, fine.width, up(size.width, fine.width)),
                       Axis(kY, size.height, fine.height, up(size.height, fine.height))});
      sizes.push_back(size);
    }
  }
};

/// The factors of the inner iterations, as floats.
inline StepSizes step_sizes(const Tvl1Params& params) {
  return {static_cast<float>(params.lambda * params.theta), static_cast<float>(params.theta),
          static_cast<float>(params.tau / params.theta), static_cast<float>(params.gamma)};
}

// --- argument checks shared by all solvers; each throws an Error that names `what`, or the flow by its index ---------

void check_size(int width, int height);
void check_image(const GrayImage& image, Size expected, const char* what);
void check_finite(const GrayImage& image, const char* what);
void check_solved(const FlowField& flow, std::size_t index);
void check_flow_field(const FlowField& flow, Size expected, bool holds_initial_flow, int index);

}  // namespace shcnn::flow
