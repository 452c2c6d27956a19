// read_flow, write_flow and resize_flow: conversion between planes of u and (height, width, 2) fields, and resizing of
// fields. One thread per pixel, with 8 bytes of flow.
#include "flow/cuda/kernel.h"

namespace shcnn::flow::SHCNN_EXECUTOR {
namespace {

__device__ __forceinline__ std::ptrdiff_t at(int pair, int width, int height, int y, int x) {
  return (std::ptrdiff_t{pair} * height + y) * width + x;
}

__global__ void read_flow_kernel(BatchLevel level, const float2* flow) {
  const auto [x, y, pair] = pixel();
  if (x >= level.width || y >= level.height) return;
  const float2 u = flow[at(pair, level.width, level.height, y, x)];
  level.u.row(pair, 0, y)[x] = u.x;
  level.u.row(pair, 1, y)[x] = u.y;
  if (level.components == 3) level.u.row(pair, 2, y)[x] = 0.0f;
}

__global__ void write_flow_kernel(BatchLevel level, float2* flow) {
  const auto [x, y, pair] = pixel();
  if (x >= level.width || y >= level.height) return;
  const int newest = level.progress[pair].u * level.components;
  flow[at(pair, level.width, level.height, y, x)] =
      make_float2(level.u.row(pair, newest, y)[x], level.u.row(pair, newest + 1, y)[x]);
}

__device__ __forceinline__ float2 blend(float2 a, float weight_a, float2 b, float weight_b) {
  return make_float2(a.x * weight_a + b.x * weight_b, a.y * weight_a + b.y * weight_b);
}

__global__ void resize_flow_kernel(const float2* in, int in_width, int in_height, float2* out, int width, int height,
                                   ResizeAxis horizontal, ResizeAxis vertical) {
  const auto [x, y, pair] = pixel();
  if (x >= width || y >= height) return;
  const int y0 = vertical.index0[y], y1 = vertical.index1[y], x0 = horizontal.index0[x], x1 = horizontal.index1[x];
  const float b1 = vertical.weight[y], b0 = 1.0f - b1, a1 = horizontal.weight[x], a0 = 1.0f - a1;
  const float2 top =
      blend(in[at(pair, in_width, in_height, y0, x0)], a0, in[at(pair, in_width, in_height, y0, x1)], a1);
  const float2 bottom =
      blend(in[at(pair, in_width, in_height, y1, x0)], a0, in[at(pair, in_width, in_height, y1, x1)], a1);
  out[at(pair, width, height, y, x)] = blend(top, b0, bottom, b1);
}

}  // namespace

void read_flow(const Context& context, const BatchLevel& level, const float* flow) {
  launch(context, "read_flow", read_flow_kernel, pixel_grid("read_flow", level.width, level.height, level.pairs),
         pixel_block(), 0, level, reinterpret_cast<const float2*>(flow));
}

void write_flow(const Context& context, const BatchLevel& level, float* flow) {
  launch(context, "write_flow", write_flow_kernel, pixel_grid("write_flow", level.width, level.height, level.pairs),
         pixel_block(), 0, level, reinterpret_cast<float2*>(flow));
}

void resize_flow(const Context& context, const BatchFlows& in, const BatchFlows& out, const ResizeAxis& horizontal,
                 const ResizeAxis& vertical) {
  launch(context, "resize_flow", resize_flow_kernel, pixel_grid("resize_flow", out.width, out.height, in.pairs),
         pixel_block(), 0, reinterpret_cast<const float2*>(in.data), in.width, in.height,
         reinterpret_cast<float2*>(out.data), out.width, out.height, horizontal, vertical);
}

}  // namespace shcnn::flow::SHCNN_EXECUTOR
