// gradient and warp: I1 and its derivatives, sampled at x + u. One thread per pixel; the formulas and the order of
// operations are those of flow/cpu/warp.cpp. The three images are interleaved as records of four floats: a tap is one
// 16-byte load, and the taps of neighbouring pixels share cache lines in L1.
#include "flow/cuda/kernel.h"
#include "flow/math/cubic.h"

namespace shcnn::flow::SHCNN_EXECUTOR {
namespace {

/// Writes the zeros of the frame too, because the records of all levels share the same memory.
__global__ void gradient_kernel(BatchLevel level) {
  const auto [record_x, record_y, pair] = pixel();
  const int x = record_x - kFrame, y = record_y - kFrame;
  if (x >= level.width + kFrame || y >= level.height + kFrame) return;
  float4 record = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  if (x >= 0 && y >= 0 && x < level.width && y < level.height) {
    const float* here = level.I1.row(pair, 0, y);
    const float* above = level.I1.row(pair, 0, clamp(y - 1, 0, level.height - 1));
    const float* below = level.I1.row(pair, 0, clamp(y + 1, 0, level.height - 1));
    record.x = here[x];
    record.y = 0.5f * (here[clamp(x + 1, 0, level.width - 1)] - here[clamp(x - 1, 0, level.width - 1)]);
    record.z = 0.5f * (below[x] - above[x]);
  }
  store4(level.records.row(pair, 0, record_y) + 4 * record_x, record);
}

__device__ __forceinline__ void add_tap(float4& sum, float4 tap, float weight) {
  sum.x = sum.x + tap.x * weight;
  sum.y = sum.y + tap.y * weight;
  sum.z = sum.z + tap.z * weight;
}

__global__ void __launch_bounds__(kBlockW* kBlockH) warp_kernel(BatchLevel level) {
  const auto [x, y, pair] = pixel();
  if (x >= level.width || y >= level.height) return;
  Progress& progress = level.progress[pair];
  const int u_plane = progress.u * level.components;
  if (x == 0 && y == 0) progress.state = PairState::kRunning;  // no block of this launch reads it
  const float u1 = level.u.row(pair, u_plane, y)[x], u2 = level.u.row(pair, u_plane + 1, y)[x];
  const int px = fixed_point(static_cast<float>(x) + u1, level.width);
  const int py = fixed_point(static_cast<float>(y) + u2, level.height);
  float wx[4], wy[4];
  cubic_weights(px & (kFractions - 1), wx);
  cubic_weights(py & (kFractions - 1), wy);
  const int first_x = first_tap(px, level.width), first_y = first_tap(py, level.height);
  // If all taps lie in the image, OpenCV sums each row first; otherwise it adds tap by tap.
  const bool inside = first_x >= 0 && first_x < level.width - 3 && first_y >= 0 && first_y < level.height - 3;
  float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    const float* taps = level.records.row(pair, 0, first_y + r + kFrame) + 4 * (first_x + kFrame);
    float4 of_row = inside ? make_float4(0.0f, 0.0f, 0.0f, 0.0f) : sum;
#pragma unroll
    for (int k = 0; k < 4; ++k) add_tap(of_row, load4(taps + 4 * k), wy[r] * wx[k]);
    sum = inside ? make_float4(sum.x + of_row.x, sum.y + of_row.y, sum.z + of_row.z, 0.0f) : of_row;
  }
  level.warped.row(pair, 0, y)[x] = sum.y;
  level.warped.row(pair, 1, y)[x] = sum.z;
  level.warped.row(pair, 2, y)[x] = sum.x - sum.y * u1 - sum.z * u2 - level.I0.row(pair, 0, y)[x];
}

}  // namespace

void gradient(const Context& context, const BatchLevel& level) {
  launch(context, "gradient", gradient_kernel,
         pixel_grid("gradient", level.width + 2 * kFrame, level.height + 2 * kFrame, level.pairs), pixel_block(), 0,
         level);
}

void warp(const Context& context, const BatchLevel& level) {
  launch(context, "warp", warp_kernel, pixel_grid("warp", level.width, level.height, level.pairs), pixel_block(), 0,
         level);
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
