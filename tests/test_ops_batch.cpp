// Batches of crops from bytes, and the mean of their gradients on the face, of the executor under test, compared with a
// simple implementation.
#include <catch2/catch.hpp>

#include "reference/batch.h"
#include "support/compare.h"
#include "support/executor.h"
#include "support/random.h"
#include "support/same_bits.h"

namespace shcnn::test {
namespace {

struct BatchCase {
  std::int64_t images, rows, columns, channels;
  int height, width;  ///< size of the patch
  std::int64_t samples, classes;
};

const BatchCase kCases[] = {
    {9, 48, 48, 1, 42, 42, 100, 8},    // the static variant
    {3, 112, 112, 3, 112, 112, 4, 5},  // the micro variant, which does not crop
    {5, 11, 7, 3, 4, 3, 33, 7},       {2, 5, 6, 1, 5, 6, 1, 1},     {4, 9, 9, 2, 1, 1, 17, 3},
    {7, 13, 17, 1, 8, 16, 31, 7},     {3, 20, 33, 3, 17, 32, 7, 3}, {6, 48, 48, 1, 42, 42, 0, 8},
};

Tensor<std::uint8_t> random_bytes(Random& random, const Shape& shape) {
  Tensor<std::uint8_t> tensor(shape);
  for (std::uint8_t& byte : tensor.data) byte = static_cast<std::uint8_t>(random.word());
  return tensor;
}

/// Random crops 0..9 of random images.
Tensor<std::int32_t> random_order(Random& random, std::int64_t count, std::int64_t images) {
  Tensor<std::int32_t> order{Shape(count)};
  for (std::int32_t& entry : order.data) {
    entry = static_cast<std::int32_t>(random.integer(0, images - 1) * 16 + random.integer(0, 9));
  }
  return order;
}

CropPlan plan_of(const BatchCase& c) {
  CropPlan plan;
  plan.height = c.height;
  plan.width = c.width;
  return plan;
}

}  // namespace

TEST_CASE("make_batch cuts, mirrors and scales as by hand", "[batch]") {
  for (std::size_t i = 0; i < std::size(kCases); ++i) {
    const BatchCase& c = kCases[i];
    for (const float scale : {1.0f / 255, 1.0f}) {
      INFO("case " << i << " scale " << scale);
      Random random(static_cast<std::uint32_t>(i));
      const Tensor<std::uint8_t> images = random_bytes(random, Shape(c.images, c.rows, c.columns, c.channels));
      const Tensor<float> labels = random.reals<float>(Shape(c.images, c.classes));
      StepState state;
      state.cursor = 5;
      const Tensor<std::int32_t> order = random_order(random, state.cursor + c.samples + 3, c.images);
      CropPlan plan = plan_of(c);
      plan.scale = scale;
      const int shift = static_cast<int>(i % 4);
      const Guarded<std::uint8_t> device_images(executor(), images, shift);
      const Guarded<float> device_labels(executor(), labels, shift),
          x(executor(), Shape(c.channels, c.height, c.width, c.samples), shift),
          y(executor(), Shape(c.classes, c.samples), shift);
      const Guarded<std::int32_t> device_order(executor(), order, shift);
      const Guarded<StepState> device_state = guarded_struct(executor(), state);
      executor().ops.make_batch(Workspace(executor(), 0), plan, device_images, device_labels, device_order,
                                device_state.data(), x, y);
      Tensor<float> want_x(Shape(c.channels, c.height, c.width, c.samples)), want_y(Shape(c.classes, c.samples));
      for (std::int64_t n = 0; n < c.samples; ++n) {
        const std::int32_t entry = order[state.cursor + n];
        const std::int64_t image = entry / 16;
        for (std::int64_t row = 0; row < c.height; ++row) {
          for (std::int64_t column = 0; column < c.width; ++column) {
            const auto [from_row, from_column] =
                reference::source_cell(entry % 16, row, column, c.rows, c.columns, plan);
            for (std::int64_t channel = 0; channel < c.channels; ++channel) {
              want_x[((channel * c.height + row) * c.width + column) * c.samples + n] =
                  static_cast<float>(
                      images[((image * c.rows + from_row) * c.columns + from_column) * c.channels + channel]) *
                  scale;
            }
          }
        }
        for (std::int64_t j = 0; j < c.classes; ++j) want_y[j * c.samples + n] = labels[image * c.classes + j];
      }
      CHECK(unequal(x.read(), want_x) == "");
      CHECK(unequal(y.read(), want_y) == "");
    }
  }
}

TEST_CASE("uncrop_mean puts gradients back and divides by the coverage", "[batch]") {
  for (std::size_t i = 0; i < std::size(kCases); ++i) {
    const BatchCase& c = kCases[i];
    for (const int crops : {1, 10}) {
      INFO("case " << i << ", " << crops << " crops");
      Random random(static_cast<std::uint32_t>(i));
      const CropPlan plan = plan_of(c);
      Tensor<std::int32_t> order{Shape(c.images * crops)};
      for (std::int64_t n = 0; n < order.count(); ++n) {
        order[n] = static_cast<std::int32_t>(n / crops * 16 + (crops == 1 ? random.integer(0, 9) : n % crops));
      }
      const Shape patch(c.channels, c.height, c.width, order.count()), face(c.images, c.channels, c.rows, c.columns);
      const Tensor<float> dx = random.reals<float>(patch);
      const int shift = static_cast<int>(i % 4);
      const Guarded<float> device_dx(executor(), dx, shift), map(executor(), face, shift);
      const Guarded<std::int32_t> device_order(executor(), order, shift);
      executor().ops.uncrop_mean(Workspace(executor(), 0), plan, crops, device_dx, device_order, map);
      Tensor<double> want(face), covers(face), magnitude(face);
      for (std::int64_t e = 0; e < dx.count(); ++e) {
        const std::int64_t n = e % order.count(), column = e / order.count() % c.width,
                           row = e / order.count() / c.width % c.height;
        const std::int64_t channel = e / order.count() / c.width / c.height;
        const auto [to_row, to_column] = reference::source_cell(order[n] % 16, row, column, c.rows, c.columns, plan);
        const std::int64_t to = ((n / crops * c.channels + channel) * c.rows + to_row) * c.columns + to_column;
        want[to] += static_cast<double>(dx[e]);
        magnitude[to] += std::abs(static_cast<double>(dx[e]));
        covers[to] += 1;
      }
      for (std::int64_t e = 0; e < want.count(); ++e) {
        if (covers[e] > 0) want[e] /= covers[e];
        if (covers[e] > 0) magnitude[e] /= covers[e];
      }
      // at most nine additions and a division
      CHECK(outside(map.read(), want, [&](std::int64_t e) { return 10 * kUnitRoundoff * magnitude[e]; }) == "");
    }
  }
}

TEST_CASE("batches do not depend on the number of threads", "[batch][threads]") {
  for (std::size_t i = 0; i < std::size(kCases); ++i) {
    const BatchCase& c = kCases[i];
    INFO("case " << i);
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<std::uint8_t> images = random_bytes(random, Shape(c.images, c.rows, c.columns, c.channels));
    const Tensor<float> labels = random.reals<float>(Shape(c.images, c.classes));
    const Tensor<std::int32_t> order = random_order(random, c.samples, c.images);
    const Shape patch(c.channels, c.height, c.width, c.samples), face(c.samples, c.channels, c.rows, c.columns);
    check_same_bits([&](Backend& backend) {
      const Guarded<std::uint8_t> device_images(backend, images);
      const Guarded<float> device_labels(backend, labels), x(backend, patch), y(backend, Shape(c.classes, c.samples)),
          map(backend, face);
      const Guarded<std::int32_t> device_order(backend, order);
      const Guarded<StepState> state = guarded_struct(backend, StepState{});
      const Workspace none(backend, 0);
      backend.ops.make_batch(none, plan_of(c), device_images, device_labels, device_order, state.data(), x, y);
      backend.ops.uncrop_mean(none, plan_of(c), 1, x, device_order, map);
      std::vector<unsigned char> all;
      append_bytes(all, x.read());
      append_bytes(all, y.read());
      append_bytes(all, map.read());
      return all;
    });
  }
}

}  // namespace shcnn::test
