#include "engine/train_config.h"

#include <cmath>

#include "engine/exact_text.h"
#include "kernels/error.h"

namespace shcnn {
namespace {

void require(bool good, const char* field, const std::string& range, double value) {
  if (!good) throw Error(ErrorKind::kUsage, field, "must be " + range + ", got " + exact_text(value));
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
  require(batch >= 1 && batch <= 65536, "batch", "in 1..65536", static_cast<double>(batch));
  require(epochs >= 1, "epochs", "at least 1", epochs);
  require(steps >= 0, "steps", "at least 0", static_cast<double>(steps));
  require(learning_rate > 0 && learning_rate < 1e6, "lr", "above 0 and below 1e6", learning_rate);
  require(decay_rate > 0 && decay_rate <= 1, "lr-decay", "in (0, 1]", decay_rate);
  require(decay_steps >= 1, "lr-decay-steps", "at least 1", static_cast<double>(decay_steps));
  require(l2 >= 0 && l2 < 1e6, "l2", "at least 0 and below 1e6", l2);
  require(dropout >= 0 && dropout < 1, "dropout", "a drop rate in [0, 1)", dropout);
  require(clip_norm >= 0 && clip_norm < 1e30, "clip-norm", "at least 0 (0 = off) and below 1e30", clip_norm);
  require(initial.dense_stddev >= 0 && initial.dense_stddev < 1e3, "init-stddev",
          "at least 0 (0 = He et al.) and below 1e3", initial.dense_stddev);
  require(std::abs(initial.conv_bias) < 1e3, "conv-bias", "within -1e3 and 1e3", initial.conv_bias);
  require(std::abs(initial.dense_bias) < 1e3, "dense-bias", "within -1e3 and 1e3", initial.dense_bias);
  require(input_scale > 0 && input_scale < 1e6, "input-scale", "above 0 and below 1e6", input_scale);
}

std::vector<std::pair<std::string, std::string>> TrainConfig::fields() const {
  return {
      {"recipe", recipe},
      {"variant", to_string(model.variant)},
      {"classes", std::to_string(model.classes)},
      {"pool", model.pool == PoolKind::kMax ? "max" : "average"},
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
