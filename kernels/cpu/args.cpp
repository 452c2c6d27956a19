#include "kernels/cpu/args.h"

namespace shcnn::cpu {
namespace {

void require_equal(const char* op, const char* name, const Shape& shape, const Shape& expected) {
  if (shape != expected) {
    throw Error(ErrorKind::kInternal, op, message(name, " has shape ", shape.str(), ", expected ", expected.str()));
  }
}

void require(bool holds, const char* op, const char* rule) {
  if (!holds) throw Error(ErrorKind::kInternal, op, rule);
}

}  // namespace

ConvDims conv_dims(const char* op, ConvPads pads, const Shape& x, const Shape& w, const Shape& z) {
  const std::int64_t grow = pads.begin + pads.end - w[2] + 1;
  require(pads.begin >= 0 && pads.end >= 0, op, "pads are negative");
  require_equal(op, "w", w, Shape(w[0], x[0], w[2], w[2]));
  require(x[1] + grow >= 1 && x[2] + grow >= 1, op, "the kernel is larger than the padded map");
  require_equal(op, "z", z, Shape(w[0], x[1] + grow, x[2] + grow, x[3]));
  return {x[0], x[1], x[2], x[3], w[0], z[1], z[2], w[2], pads.begin, pads.end};
}

ConvDims conv_dims(const ConvGeometry& g) {
  const std::int64_t grow = g.pads.begin + g.pads.end - g.w[2] + 1;
  return {g.x[0], g.x[1], g.x[2], g.x[3], g.w[0], g.x[1] + grow, g.x[2] + grow, g.w[2], g.pads.begin, g.pads.end};
}

PoolDims max_pool_dims(const char* op, MaxPool pool, const Shape& z, const Shape& b, const Shape& y,
                       const Shape& winner) {
  require_equal(op, "y", y, Shape(z[0], y[1], y[2], z[3]));
  require_equal(op, "winner", winner, y);
  require_equal(op, "b or db", b, Shape(z[0]));
  require(pool.pad >= 0 && pool.first >= 0 && 2 * (pool.first + y[1] - 1) < z[1] + 2 * pool.pad &&
              2 * (pool.first + y[2] - 1) < z[2] + 2 * pool.pad,
          op, "y has more cells than the padded map has windows");
  return {z[0], z[1], z[2], z[3], y[1], y[2], pool.pad, pool.first};
}

PoolDims avg_pool_dims(const char* op, const Shape& z, const Shape& b, const Shape& y) {
  require_equal(op, "y", y, Shape(z[0], (z[1] + 1) / 2, (z[2] + 1) / 2, z[3]));
  require_equal(op, "b or db", b, Shape(z[0]));
  return {z[0], z[1], z[2], z[3], y[1], y[2], 0, 0};
}

DenseDims dense_dims(const char* op, const Shape& x, const Shape& w, const Shape* b, const Shape& y) {
  require_equal(op, "w or dw", w, Shape(y[0], x[0]));
  require_equal(op, "y or dy", y, Shape(w[0], x[1]));
  if (b) require_equal(op, "b or db", *b, Shape(w[0]));
  return {x[0], w[0], x[1]};
}

UnitDims unit_dims(const char* op, const Shape& y, const Shape& dy) {
  require_equal(op, "dy", dy, y);
  return {y[0], y[1]};
}

std::int64_t equal_count(const char* op, const Shape& first, const Shape* second, const Shape* third,
                         const Shape* fourth) {
  for (const Shape* other : {second, third, fourth}) {
    if (other) require_equal(op, "g, m or v", *other, first);
  }
  return first.count();
}

std::int64_t count_of(const Shape& shape) { return shape.count(); }

void* workspace_bytes(const Context& context, const char* op, std::size_t bytes) {
  return workspace_as<unsigned char>(context, op, bytes);
}

void learning_rates(const StepSchedule& schedule, std::uint64_t first, std::int64_t steps, float* lr_t) {
  StepState state;
  state.step = first - 1;
  for (std::int64_t i = 0; i < steps; ++i) {
    advance(state, schedule);
    lr_t[i] = state.lr_t;
  }
}

}  // namespace shcnn::cpu
