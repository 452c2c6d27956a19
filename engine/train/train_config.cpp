#include "engine/train/train_config.h"

#include <cmath>
#include <limits>

#include "engine/files/exact_text.h"
#include "kernels/error.h"

namespace shcnn {
namespace {

/// An end of an interval; `open` if the value itself is not part of the interval.
struct End {
  double value;
  bool open = false;
};

/// Throws Error(kUsage) that describes the interval unless `value` is in it. `note` explains special values.
void require(const char* field, double value, End low, End high, const char* note = "") {
  const bool above = low.open ? value > low.value : value >= low.value;
  const bool below = high.open ? value < high.value : value <= high.value;
  if (above && below) return;
  std::string range = (low.open ? "above " : "at least ") + exact_text(low.value);
  if (std::isfinite(high.value)) range += (high.open ? " and below " : " and at most ") + exact_text(high.value);
  throw Error(ErrorKind::kUsage, field, "must be " + range + note + ", got " + exact_text(value));
}

}  // namespace

OnNan on_nan_from_string(const std::string& name) {
  if (name == "stop") return OnNan::kStop;
  if (name == "skip") return OnNan::kSkip;
  if (name == "rollback") return OnNan::kRollback;
  throw Error(ErrorKind::kUsage, "on-nan", "'" + name + "' is none of 'stop', 'skip', 'rollback'");
}

std::string to_string(OnNan policy) {
  return policy == OnNan::kStop ? "stop" : policy == OnNan::kSkip ? "skip" : "rollback";
}

void TrainConfig::check() const {
  make_model(model);  // checks classes and slope
  if (seed > kMaxSeed) {
    throw Error(ErrorKind::kUsage, "seed", message("must be at most ", kMaxSeed, ", got ", seed));
  }
  constexpr bool kOpen = true;
  constexpr End kNoEnd{std::numeric_limits<double>::infinity()};
  require("batch", static_cast<double>(batch), {1}, {65536});
  require("epochs", epochs, {1}, kNoEnd);
  require("steps", static_cast<double>(steps), {0}, kNoEnd, " (0 = epochs decide)");
  require("lr", learning_rate, {0, kOpen}, {1e6, kOpen});
  require("lr-decay", decay_rate, {0, kOpen}, {1});
  require("lr-decay-steps", static_cast<double>(decay_steps), {1}, kNoEnd);
  require("l2", l2, {0}, {1e6, kOpen});
  require("dropout", dropout, {0}, {1, kOpen}, " (the share that is dropped)");
  require("clip-norm", clip_norm, {0}, {1e30, kOpen}, " (0 = no clipping)");
  require("init-stddev", initial.dense_stddev, {0}, {1e3, kOpen}, " (0 = He et al.)");
  require("conv-bias", initial.conv_bias, {-1e6, kOpen}, {1e6, kOpen});
  require("dense-bias", initial.dense_bias, {-1e6, kOpen}, {1e6, kOpen});
  require("input-scale", input_scale, {0, kOpen}, {1e6, kOpen});
}

std::vector<std::pair<std::string, std::string>> TrainConfig::fields() const {
  return {
      {"recipe", recipe},
      {"variant", to_string(model.variant)},
      {"classes", std::to_string(model.classes)},
      {"pool", to_string(model.pool)},
      {"slope", exact_text(model.slope)},
      {"init-stddev", exact_text(initial.dense_stddev)},
      {"conv-bias", exact_text(initial.conv_bias)},
      {"dense-bias", exact_text(initial.dense_bias)},
      {"batch", std::to_string(batch)},
      {"epochs", std::to_string(epochs)},
      {"steps", std::to_string(steps)},
      {"lr", exact_text(learning_rate)},
      {"lr-decay", exact_text(decay_rate)},
      {"lr-decay-steps", std::to_string(decay_steps)},
      {"lr-staircase", staircase ? "true" : "false"},
      {"l2", exact_text(l2)},
      {"dropout", exact_text(dropout)},
      {"clip-norm", exact_text(clip_norm)},
      {"input-scale", exact_text(input_scale)},
      {"augment", to_string(augment)},
      {"gradient", gradient == CrossEntropyGradient::kTrue ? "true" : "tensorflow"},
      {"on-nan", to_string(on_nan)},
      {"seed", std::to_string(seed)},
  };
}

TrainConfig recipe(const std::string& name, Variant variant, int classes, const std::string& dataset) {
  TrainConfig c;
  c.recipe = name;
  c.model.variant = variant;
  c.model.classes = classes;
  const bool micro = variant == Variant::kMicro;
  c.model.pool = micro ? PoolKind::kAverage : PoolKind::kMax;
  c.epochs = micro ? 10 : dataset == "fer2013" ? 80 : 31;
  if (micro) c.initial.conv_bias = 1;
  if (name == "paper") {
    c.model.slope = 0.02;
    return c;
  }
  if (name != "code") throw Error(ErrorKind::kUsage, "recipe", "'" + name + "' is neither 'paper' nor 'code'");
  c.initial.dense_stddev = 0.1;
  c.l2 = 0;
  c.input_scale = 1;
  c.gradient = CrossEntropyGradient::kTensorFlow;
  if (micro) {
    c.model.slope = 0.15;
    c.batch = 32;
    c.learning_rate = 1e-4;
    c.decay_rate = 0.997;
    c.decay_steps = 200;
    c.staircase = true;
  } else {
    c.model.slope = 0.01;
    c.clip_norm = 4;
    c.decay_rate = 0.995;
    c.decay_steps = 800;
  }
  return c;
}

}  // namespace shcnn
