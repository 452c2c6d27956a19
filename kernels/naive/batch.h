// Builds a batch from image bytes and maps its gradient back, in plain loops. Positions of crops: math/crop.h.
//
//   x(c,i,j,n) = scale * bytes(image, top + i, left + j, c)          j mirrored for crops 5..9
#pragma once

#include <vector>

#include "kernels/math/crop.h"
#include "kernels/naive/index.h"
#include "kernels/ops.h"

namespace shcnn::naive {

template <class T>
void make_batch(const Context&, CropPlan plan, View<const std::uint8_t> images, View<const T> labels,
                View<const std::int32_t> order, const StepState* state, View<T> x, View<T> y) {
  const std::int64_t samples = x[3];
  require_shape("make_batch", "labels", labels, Shape(images[0], labels[1]));
  require_shape("make_batch", "x", x, Shape(images[3], plan.height, plan.width, samples));
  require_shape("make_batch", "y", y, Shape(labels[1], samples));
  require(plan.height <= images[1] && plan.width <= images[2], "make_batch", "the patch is larger than the image");
  for (std::int64_t n = 0; n < samples; ++n) {
    const std::int32_t entry = order.data[state->cursor + n];
    const CropPlace place = crop_place(entry, plan.height, plan.width, images[1], images[2]);
    for (std::int64_t c = 0; c < x[0]; ++c) {
      for (std::int64_t i = 0; i < x[1]; ++i) {
        for (std::int64_t j = 0; j < x[2]; ++j) {
          at(x, c, i, j, n) =
              static_cast<T>(plan.scale) * static_cast<T>(at(images, place.image, place.top + i, place.column(j), c));
        }
      }
    }
    for (std::int64_t j = 0; j < labels[1]; ++j) at(y, j, n) = at(labels, place.image, j);
  }
}

template <class T>
void uncrop_mean(const Context&, CropPlan plan, int crops, View<const T> dx, View<const std::int32_t> order,
                 View<T> map) {
  const std::int64_t height = map[2], width = map[3];
  require_shape("uncrop_mean", "dx", dx, Shape(map[1], plan.height, plan.width, map[0] * crops));
  require_shape("uncrop_mean", "order", order, Shape(map[0] * crops));
  require(plan.height <= height && plan.width <= width, "uncrop_mean", "the patch is larger than the image");
  std::vector<std::int32_t> coverage(static_cast<std::size_t>(height * width));
  for (std::int64_t image = 0; image < map[0]; ++image) {
    coverage.assign(coverage.size(), 0);
    for (std::int64_t c = 0; c < map[1]; ++c) {
      for (std::int64_t p = 0; p < height * width; ++p) (&at(map, image, c, 0, 0))[p] = T(0);
    }
    for (std::int64_t n = image * crops; n < (image + 1) * crops; ++n) {
      const CropPlace place = crop_place(order.data[n], plan.height, plan.width, height, width);
      for (std::int64_t i = 0; i < plan.height; ++i) {
        for (std::int64_t j = 0; j < plan.width; ++j) {
          const std::int64_t row = place.top + i, column = place.column(j);
          ++coverage[static_cast<std::size_t>(row * width + column)];
          for (std::int64_t c = 0; c < map[1]; ++c) at(map, image, c, row, column) += at(dx, c, i, j, n);
        }
      }
    }
    for (std::int64_t c = 0; c < map[1]; ++c) {
      for (std::int64_t p = 0; p < height * width; ++p) {
        const std::int32_t covers = coverage[static_cast<std::size_t>(p)];
        if (covers > 1) (&at(map, image, c, 0, 0))[p] /= static_cast<T>(covers);
      }
    }
  }
}

}  // namespace shcnn::naive
