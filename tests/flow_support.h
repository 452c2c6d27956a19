// Images and comparisons for the tests of flow/.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "flow/tvl1.h"
#include "kernels/host/thread_pool.h"
#include "support/random.h"

namespace shcnn::test {

/// Gray levels (height, width).
struct Gray {
  int width = 0;
  int height = 0;
  std::vector<float> pixels;
  Gray(int w, int h) : width(w), height(h), pixels(static_cast<std::size_t>(w) * h) {}
  float& at(int y, int x) { return pixels[static_cast<std::size_t>(y) * width + x]; }
  float at(int y, int x) const { return pixels[static_cast<std::size_t>(y) * width + x]; }
  flow::GrayImage view() const { return flow::GrayImage::floats(pixels.data(), width, height, 1.0f); }
};

/// Flow (height, width, 2) in pixels.
struct Flow {
  int width = 0;
  int height = 0;
  std::vector<float> values;
  Flow(int w, int h) : width(w), height(h), values(2 * static_cast<std::size_t>(w) * h) {}
  flow::FlowField view() { return flow::FlowField::dense(values.data(), width, height); }
  double u1(int y, int x) const { return values[2 * (static_cast<std::size_t>(y) * width + x)]; }
  double u2(int y, int x) const { return values[2 * (static_cast<std::size_t>(y) * width + x) + 1]; }
  bool finite() const {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  }
};

/// A smooth texture made of a few waves, sampled at (x - dx, y - dy): the image for (0, 0) moved by (dx, dy).
inline Gray waves(int width, int height, std::uint32_t stream, double dx = 0, double dy = 0) {
  Random random(stream);
  struct Wave {
    double a, fx, fy, phase;
  };
  std::vector<Wave> all(9);
  for (Wave& w : all)
    w = {random.uniform(6, 14), random.uniform(-0.5, 0.5), random.uniform(-0.5, 0.5), random.uniform(0, 6.3)};
  Gray image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      double value = 127;
      for (const Wave& w : all) value += w.a * std::sin(w.fx * (x - dx) + w.fy * (y - dy) + w.phase);
      image.at(y, x) = static_cast<float>(std::round(value));  // whole gray levels: the same as a byte image
    }
  }
  return image;
}

inline Flow solve(const flow::Tvl1Params& params, const Gray& first, const Gray& later, int threads,
                  const std::string& isa = "") {
  ThreadPool pool(threads);
  flow::Tvl1 solver(params, first.width, first.height, pool, isa);
  Flow out(first.width, first.height);
  solver.set_first(first.view());
  const flow::GrayImage image = later.view();
  const flow::FlowField field = out.view();
  solver.solve({&image, 1}, {&field, 1});
  return out;
}

/// The instruction sets that this machine supports.
std::vector<std::string> isas_here();

}  // namespace shcnn::test
