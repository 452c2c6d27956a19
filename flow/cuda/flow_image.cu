// flow_range and flow_image: conversion of flow to images on the device. The shortest and the longest vector are exact,
// so the order in which they are found does not matter: kRangeParts blocks per pair each process every 32nd run of
// pixels, and each warp of flow_image reduces the 32 parts itself. The arithmetic of one pixel is in flow/flow_color.h.
#include "flow/cuda/kernel.h"
#include "flow/flow_color.h"

namespace shcnn::flow::SHCNN_EXECUTOR {
namespace {

constexpr int kWarp = 32;
static_assert(kRangeParts == kWarp);
constexpr float kLongest = 3.402823466e38f;

__device__ __forceinline__ FlowRange join(FlowRange a, FlowRange b) {
  return {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

/// Joins the ranges of all lanes of the warp; every lane gets the result.
__device__ __forceinline__ FlowRange of_warp(FlowRange range) {
  for (int half = kWarp / 2; half > 0; half /= 2) {
    range =
        join(range, {__shfl_xor_sync(0xffffffffu, range.low, half), __shfl_xor_sync(0xffffffffu, range.high, half)});
  }
  return range;
}

__global__ void __launch_bounds__(kThreads1D)
    flow_range_kernel(const float2* flow, std::ptrdiff_t pixels, FlowRange* parts) {
  FlowRange* const of_warps = shared_memory<FlowRange>();
  const int thread = static_cast<int>(threadIdx.x), part = static_cast<int>(blockIdx.x);
  const float2* of_pair = flow + static_cast<std::ptrdiff_t>(blockIdx.y) * pixels;
  FlowRange range{kLongest, 0.0f};
  const std::ptrdiff_t step = std::ptrdiff_t{kRangeParts} * kThreads1D;
  for (std::ptrdiff_t i = std::ptrdiff_t{part} * kThreads1D + thread; i < pixels; i += step) {
    const float length = flow_length(of_pair[i].x, of_pair[i].y);
    range = join(range, {length, length});
  }
  range = of_warp(range);
  if (thread % kWarp == 0) of_warps[thread / kWarp] = range;
  __syncthreads();
  if (thread != 0) return;
  for (int w = 1; w < static_cast<int>(kThreads1D) / kWarp; ++w) range = join(range, of_warps[w]);
  parts[static_cast<std::ptrdiff_t>(blockIdx.y) * kRangeParts + part] = range;
}

__global__ void flow_image_kernel(const float2* flow, int width, int height, FlowColors colors, float full_scale,
                                  int border, const FlowRange* parts, std::uint8_t* images) {
  const auto [x, y, pair] = pixel();
  IntensityScale scale{full_scale, 0.0f};
  if (full_scale == 0) {  // before any thread returns: all lanes must take part
    const FlowRange range = of_warp(parts[pair * kRangeParts + static_cast<int>(threadIdx.x)]);
    scale = stretch(range.low, range.high);
  }
  const int image_width = width - 2 * border, image_height = height - 2 * border;
  if (x >= image_width || y >= image_height) return;
  const float2 u = flow[(std::ptrdiff_t{pair} * height + y + border) * width + x + border];
  const Rgb color = flow_color(u.x, u.y, colors, scale, x + border, width);
  std::uint8_t* const to = images + 3 * ((std::ptrdiff_t{pair} * image_height + y) * image_width + x);
  to[0] = color.r;
  to[1] = color.g;
  to[2] = color.b;
}

}  // namespace

void flow_range(const Context& context, const BatchFlows& flow, FlowRange* parts) {
  launch(context, "flow_range", flow_range_kernel, dim3(kRangeParts, static_cast<unsigned>(flow.pairs)),
         dim3(kThreads1D), sizeof(FlowRange) * kThreads1D / kWarp, reinterpret_cast<const float2*>(flow.data),
         std::ptrdiff_t{flow.width} * flow.height, parts);
}

void flow_image(const Context& context, const BatchFlows& flow, const FlowImageOptions& options, const FlowRange* parts,
                std::uint8_t* images) {
  const float full_scale = options.full_scale > 0 ? static_cast<float>(255.0 / options.full_scale) : 0.0f;
  launch(context, "flow_image", flow_image_kernel,
         pixel_grid("flow_image", flow.width - 2 * options.border, flow.height - 2 * options.border, flow.pairs),
         pixel_block(), 0, reinterpret_cast<const float2*>(flow.data), flow.width, flow.height, options.colors,
         full_scale, options.border, parts, images);
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
