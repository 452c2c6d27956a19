// to_float and resize: from the host's pixels to the levels of the pyramid, and flow from one level to the next. One
// thread per output pixel; the formulas and the order of operations are those of flow/cpu/pyramid.cpp. Each runs once
// per level, against some hundred inner iterations.
#include "flow/cuda/kernel.h"

namespace shcnn::flow::SHCNN_EXECUTOR {
namespace {

__global__ void to_float_kernel(BatchImages images, BatchPlanes out, int width, int height) {
  const auto [x, y, pair] = pixel();
  if (x >= width || y >= height) return;
  const PixelFormat format = images.formats[pair];
  const unsigned char* pixels = images.pixels + pair * images.pair_bytes;
  const std::ptrdiff_t at = std::ptrdiff_t{y} * width + x;
  const float value = format.is_float ? reinterpret_cast<const float*>(pixels)[at] : static_cast<float>(pixels[at]);
  out.row(pair, 0, y)[x] = value * format.scale;
}

__global__ void resize_kernel(BatchResize r) {
  const auto [x, y, layer] = pixel();
  if (x >= r.width || y >= r.height) return;
  const int pair = layer / r.planes, plane = layer % r.planes;
  const int copy = r.progress ? r.progress[pair].u : 0;
  const int from = copy * r.planes + plane;
  const int to = r.progress ? (1 - copy) * r.planes + plane : plane;
  const float* row0 = r.in.row(pair, from, r.vertical.index0[y]);
  const float* row1 = r.in.row(pair, from, r.vertical.index1[y]);
  const float b1 = r.vertical.weight[y], b0 = 1.0f - b1;
  const int x0 = r.horizontal.index0[x], x1 = r.horizontal.index1[x];
  const float a1 = r.horizontal.weight[x], a0 = 1.0f - a1;
  const float blend = x >= r.horizontal.in_order_from && row0 != row1
                          ? row0[x0] * (a0 * b0) + row0[x1] * (a1 * b0) + row1[x0] * (a0 * b1) + row1[x1] * (a1 * b1)
                          : (row0[x0] * a0 + row0[x1] * a1) * b0 + (row1[x0] * a0 + row1[x1] * a1) * b1;
  const double factor = plane < 2 ? r.factor : 1.0;  // u3 is in gray levels: it does not grow with the image
  r.out.row(pair, to, y)[x] = static_cast<float>(factor * static_cast<double>(blend));
}

}  // namespace

void to_float(const Context& context, const BatchImages& images, const BatchPlanes& out, int pairs, int width,
              int height) {
  launch(context, "to_float", to_float_kernel, pixel_grid("to_float", width, height, pairs), pixel_block(), 0, images,
         out, width, height);
}

void resize(const Context& context, const BatchResize& r) {
  launch(context, "resize", resize_kernel, pixel_grid("resize", r.width, r.height, r.pairs * r.planes), pixel_block(),
         0, r);
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
