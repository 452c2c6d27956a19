// Everything that decides what a training run computes, and the two recipes: `paper` is the paper's text,
// `code` its authors' program.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/net/initialise.h"
#include "engine/net/samples.h"
#include "models/shcnn.h"

namespace shcnn {

/// The largest seed: a run's config.toml holds it, and TOML's integers are signed.
inline constexpr std::uint64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();

/// What to do when a step meets a NaN or an infinity. The step itself changed nothing (see StepReport).
enum class OnNan {
  kStop,      ///< Error(kNonFinite) that names step, layer and tensor; the last good state is saved
  kSkip,      ///< go on with the next batch
  kRollback,  ///< back to the last saved state, then on past the step that failed
};
OnNan on_nan_from_string(const std::string& name);  ///< "stop", "skip", "rollback"; Error(kUsage) else
std::string to_string(OnNan policy);

struct TrainConfig {
  std::string recipe = "paper";
  ModelOptions model;
  InitialValues initial;

  std::int64_t batch = 100;
  int epochs = 31;
  std::int64_t steps = 0;  ///< stop after this many steps; 0 = epochs decide
  double learning_rate = 1e-3;
  double decay_rate = 1;  ///< of the learning rate, per decay_steps
  std::int64_t decay_steps = 1;
  bool staircase = false;
  double l2 = 3e-4;
  double dropout = 0.4;  ///< drop rate of the first two dense layers
  double clip_norm = 0;  ///< global gradient norm; 0 = no clipping
  double input_scale = 1.0 / 255;
  Augment augment = Augment::kTen;
  CrossEntropyGradient gradient = CrossEntropyGradient::kTrue;
  OnNan on_nan = OnNan::kStop;
  std::uint64_t seed = 1;

  /// Throws Error(kUsage) that names the field and its range.
  void check() const;
  /// Name and value of every field in a fixed order and exact form: what is stored, hashed and compared on resume.
  std::vector<std::pair<std::string, std::string>> fields() const;
};

/// `paper` or `code` for a variant, with `classes` outputs. `dataset` ("fer2013", "ferplus", ...) decides the paper's
/// number of epochs: 80 on fer2013, 31 on ferplus and all else static, 10 on the micro variant. Error(kUsage) else.
TrainConfig recipe(const std::string& name, Variant variant, int classes, const std::string& dataset);

}  // namespace shcnn
