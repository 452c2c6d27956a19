#include "engine/net/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "kernels/error.h"

namespace shcnn {
namespace {

/// The source cells of one output cell along one axis, with their weights (sum 1).
struct Taps {
  int first = 0;
  std::vector<double> weights;
};

std::vector<Taps> axis_taps(int from, int to) {
  std::vector<Taps> taps(static_cast<std::size_t>(to));
  const double step = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    Taps& t = taps[static_cast<std::size_t>(i)];
    if (from > to) {  // area: cell i covers [i, i + 1) * step
      const double begin = i * step, end = (i + 1) * step;
      t.first = static_cast<int>(begin);
      for (int cell = t.first; cell < from && cell < end; ++cell) {
        t.weights.push_back((std::min<double>(cell + 1, end) - std::max<double>(cell, begin)) / step);
      }
    } else {  // bilinear between cell centers, clamped at the border
      const double centre = std::clamp((i + 0.5) * step - 0.5, 0.0, from - 1.0);
      t.first = std::min(static_cast<int>(centre), from - 1);
      const double fraction = centre - t.first;
      t.weights = {1 - fraction};
      if (t.first + 1 < from) t.weights.push_back(fraction);
    }
  }
  return taps;
}

}  // namespace

void resize(const Image& image, int channels, int width, int height, std::uint8_t* out) {
  if (!image.pixels || image.width < 1 || image.height < 1) {
    throw Error(ErrorKind::kBadData, "image", message("has no pixels (", image.width, " x ", image.height, ")"));
  }
  if (std::abs(image.stride) < static_cast<std::ptrdiff_t>(image.width) * channels) {
    throw Error(ErrorKind::kBadData, "image",
                message("stride ", image.stride, " is shorter than a row of ", image.width * channels, " bytes"));
  }
  const std::vector<Taps> columns = axis_taps(image.width, width), rows = axis_taps(image.height, height);
  for (int y = 0; y < height; ++y) {
    const Taps& row = rows[static_cast<std::size_t>(y)];
    for (int x = 0; x < width; ++x) {
      const Taps& column = columns[static_cast<std::size_t>(x)];
      for (int c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::size_t j = 0; j < row.weights.size(); ++j) {
          const std::uint8_t* line = image.pixels + (row.first + static_cast<std::ptrdiff_t>(j)) * image.stride;
          for (std::size_t i = 0; i < column.weights.size(); ++i) {
            sum += row.weights[j] * column.weights[i] *
                   line[(column.first + static_cast<std::ptrdiff_t>(i)) * channels + c];
          }
        }
        *out++ = static_cast<std::uint8_t>(std::clamp(std::lround(sum), 0L, 255L));
      }
    }
  }
}

}  // namespace shcnn
