// Single stages of the TV-L1 solver on every instruction set that this machine supports.
#include <array>
#include <catch2/catch.hpp>

#include "flow/stages.h"
#include "flow_support.h"
#include "kernels/error.h"

namespace shcnn::test {
namespace {

/// Planes surrounded by the zeros that the stages need.
struct PaddedPlane {
  int pitch;
  std::vector<float> memory;
  PaddedPlane(int width, int height)
      : pitch((width + 16) / 16 * 16 + 16), memory(static_cast<std::size_t>(pitch) * (height + 2)) {}
  flow::Plane view() { return {memory.data() + pitch, pitch}; }
};

std::vector<const flow::Stages*> all_stages() {
  std::vector<const flow::Stages*> found;
  for (const char* isa : {"generic", "avx2", "avx512"}) {
    try {
      found.push_back(&flow::select_stages(isa));
    } catch (const Error&) {  // not supported by this machine
    }
  }
  return found;
}

void check_median(const flow::Stages& stages, int width, int height, int window, const std::vector<float>& values) {
  PaddedPlane u(width, height), m(width, height);
  for (int y = 0; y < height; ++y) {
    std::copy_n(values.data() + static_cast<std::ptrdiff_t>(y) * width, width, u.view().row(y));
  }
  flow::Level level;
  level.width = width;
  level.height = height;
  level.u1 = level.u2 = u.view();
  level.m1 = level.m2 = m.view();
  stages.median(level, window, {0, height});
  const int r = window / 2;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::vector<float> all;
      for (int dy = -r; dy <= r; ++dy) {
        for (int dx = -r; dx <= r; ++dx) {
          all.push_back(values[static_cast<std::size_t>(std::clamp(y + dy, 0, height - 1)) * width +
                               std::clamp(x + dx, 0, width - 1)]);
        }
      }
      std::nth_element(all.begin(), all.begin() + window * window / 2, all.end());
      if (m.view().row(y)[x] != all[window * window / 2]) {
        FAIL(stages.isa << " " << width << "x" << height << " window " << window << " at " << x << ", " << y);
      }
    }
    for (int x = width; x < m.pitch; ++x) REQUIRE(m.view().row(y)[x] == 0);  // the padding stays zero
  }
}

TEST_CASE("the median is the middle of its window", "[flow]") {
  Random random(1);
  for (const flow::Stages* stages : all_stages()) {
    for (const int window : {3, 5}) {
      for (const auto& [w, h] : {std::pair{1, 1},
                                 {2, 2},
                                 {3, 7},
                                 {4, 4},
                                 {16, 5},
                                 {17, 6},
                                 {31, 9},
                                 {511, 3},
                                 {512, 4},
                                 {513, 4},
                                 {1030, 3}}) {
        for (const double levels : {2.0, 5.0, 1e6}) {  // many ties, some, none
          std::vector<float> values(static_cast<std::size_t>(w) * h);
          for (float& v : values) v = static_cast<float>(std::floor(random.uniform(-levels, levels)));
          check_median(*stages, w, h, window, values);
        }
      }
    }
  }
}

TEST_CASE("the median's network holds on every sorted matrix of zeros and ones", "[flow]") {
  // By the zero-one principle these 252 windows are sufficient: rows contain 0 .. 5 ones, never fewer than the row
  // above.
  int count = 0;
  for (int code = 0; code < 6 * 6 * 6 * 6 * 6; ++code) {
    std::array<int, 5> ones{};
    for (int i = 0, rest = code; i < 5; ++i, rest /= 6) ones[static_cast<std::size_t>(i)] = rest % 6;
    if (!std::is_sorted(ones.begin(), ones.end())) continue;
    ++count;
    std::vector<float> window(25);
    for (int y = 0; y < 5; ++y) {
      for (int x = 0; x < 5; ++x)
        window[static_cast<std::size_t>(5 * y + x)] = x >= 5 - ones[static_cast<std::size_t>(y)];
    }
    for (const flow::Stages* stages : all_stages()) check_median(*stages, 5, 5, 5, window);
  }
  CHECK(count == 252);
}

TEST_CASE("warp samples by Keys' cubic at 32nds of a pixel, zero outside", "[flow]") {
  const int w = 21, h = 14;
  const Gray I0 = waves(w, h, 2), I1 = waves(w, h, 3);
  Random random(4);
  for (const flow::Stages* stages : all_stages()) {
    std::vector<PaddedPlane> planes(10, PaddedPlane(w, h));
    std::vector<float> records(4 * static_cast<std::size_t>(w + 8) * (h + 8));
    flow::Level level;
    level.width = w;
    level.height = h;
    std::size_t next = 0;
    for (flow::Plane* plane : {&level.I0, &level.I1, &level.u1, &level.u2, &level.I1wx, &level.I1wy, &level.rho_c,
                               &level.grad, &level.inv_grad}) {
      *plane = planes[next++].view();
    }
    level.records = {records.data(), 4 * (w + 8)};
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        level.I0.row(y)[x] = I0.at(y, x);
        level.I1.row(y)[x] = I1.at(y, x);
        const bool far = random.unit() < 0.1;  // out of range by a little, by a lot, and by more than an int holds
        level.u1.row(y)[x] = static_cast<float>(far ? random.uniform(-1e12, 1e12) : random.uniform(-6, 6));
        level.u2.row(y)[x] = static_cast<float>(random.uniform(-6, 6));
      }
    }
    stages->gradient(level, {0, h});
    stages->warp(level, {0, h});
    const auto pixel = [&](int which, int y, int x) -> double {
      if (x < 0 || y < 0 || x >= w || y >= h) return 0;
      const auto clamped = [&](int yy, int xx) {
        return double{I1.at(std::clamp(yy, 0, h - 1), std::clamp(xx, 0, w - 1))};
      };
      if (which == 0) return I1.at(y, x);
      return which == 1 ? (clamped(y, x + 1) - clamped(y, x - 1)) / 2 : (clamped(y + 1, x) - clamped(y - 1, x)) / 2;
    };
    const auto kernel = [](double t) {
      t = std::abs(t);
      const double a = -0.75;
      return t <= 1 ? (a + 2) * t * t * t - (a + 3) * t * t + 1 : t < 2 ? a * (t * t * t - 5 * t * t + 8 * t - 4) : 0.0;
    };
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const float u1 = level.u1.row(y)[x], u2 = level.u2.row(y)[x];
        const double at_x = std::nearbyint((static_cast<float>(x) + u1) * 32.0) / 32,
                     at_y = std::nearbyint((static_cast<float>(y) + u2) * 32.0) / 32;
        double sample[3] = {0, 0, 0};
        for (int dy = -1; dy <= 2; ++dy) {
          for (int dx = -1; dx <= 2 && std::abs(at_x) < 1000; ++dx) {
            const int sx = static_cast<int>(std::floor(at_x)) + dx, sy = static_cast<int>(std::floor(at_y)) + dy;
            for (int k = 0; k < 3; ++k) sample[k] += pixel(k, sy, sx) * kernel(at_x - sx) * kernel(at_y - sy);
          }
        }
        INFO(stages->isa << " at " << x << ", " << y << " u " << u1 << ", " << u2);
        REQUIRE(level.I1wx.row(y)[x] == Approx(sample[1]).margin(2e-4));
        REQUIRE(level.I1wy.row(y)[x] == Approx(sample[2]).margin(2e-4));
        const double grad = sample[1] * sample[1] + sample[2] * sample[2];
        REQUIRE(level.grad.row(y)[x] == Approx(grad).margin(1e-3));
        const double rho_c = sample[0] - sample[1] * u1 - sample[2] * u2 - I0.at(y, x);
        REQUIRE(level.rho_c.row(y)[x] == Approx(rho_c).margin(2e-3));
        if (grad > 1e-3) REQUIRE(level.inv_grad.row(y)[x] == 1.0f / level.grad.row(y)[x]);
        if (sample[1] == 0 && sample[2] == 0) REQUIRE(level.inv_grad.row(y)[x] == 0.0f);
      }
    }
  }
}

TEST_CASE("bilinear resize blends four pixels", "[flow]") {
  const Gray image = waves(7, 5, 6);
  const int x0[] = {0, 2, 6}, x1[] = {0, 3, 6}, y0[] = {1, 4}, y1[] = {2, 4};
  const float wx[] = {0, 0.25f, 0}, wy[] = {0.5f, 0.75f};
  for (const flow::Stages* stages : all_stages()) {
    float out[6] = {};
    stages->resize({const_cast<float*>(image.pixels.data()), 7}, {out, 3}, 3, {x0, x1, wx}, {y0, y1, wy}, 2.0f, {0, 2});
    for (int y = 0; y < 2; ++y) {
      for (int x = 0; x < 3; ++x) {
        const double top = image.at(y0[y], x0[x]) * (1 - wx[x]) + image.at(y0[y], x1[x]) * wx[x];
        const double bottom = image.at(y1[y], x0[x]) * (1 - wx[x]) + image.at(y1[y], x1[x]) * wx[x];
        CHECK(out[3 * y + x] == Approx(2 * (top * (1 - wy[y]) + bottom * wy[y])));
      }
    }
  }
}

}  // namespace
}  // namespace shcnn::test
