// The settings that determine the result of a training run, and the two recipes: `paper` follows the paper's text,
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

/// The largest seed: it is written to config.toml, and TOML integers are signed.
inline constexpr std::uint64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();

/// What to do if a step produces a NaN or an infinity. Such a step changes no parameter (see StepReport).
enum class OnNan {
  kStop,      ///< throw Error(kNonFinite) that names step, layer and tensor; the last good state is saved
  kSkip,      ///< continue with the next batch
  kRollback,  ///< restore the parameters of the last saved state, then continue after the failed step
};
OnNan on_nan_from_string(const std::string& name);  ///< "stop", "skip", "rollback"; otherwise throws Error(kUsage)
std::string to_string(OnNan policy);

struct TrainConfig {
  std::string recipe = "paper";
  ModelOptions model;
  InitialValues initial;

  std::int64_t batch = 100;
  int epochs = 31;
  std::int64_t steps = 0;  ///< stop after this many steps; 0 = after `epochs`
  double learning_rate = 1e-3;
  double decay_rate = 1;  ///< learning rate factor per decay_steps
  std::int64_t decay_steps = 1;
  bool staircase = false;
  double l2 = 3e-4;
  double dropout = 0.4;  ///< drop rate after the first two dense layers
  double clip_norm = 0;  ///< maximum global gradient norm; 0 = no clipping
  double input_scale = 1.0 / 255;
  Augment augment = Augment::kTen;
  CrossEntropyGradient gradient = CrossEntropyGradient::kTrue;
  OnNan on_nan = OnNan::kStop;
  std::uint64_t seed = 1;

  /// Throws Error(kUsage) that names the field and its allowed range.
  void check() const;
  /// Name and exact value of every field in a fixed order. This is stored, hashed, and compared on resume.
  std::vector<std::pair<std::string, std::string>> fields() const;
};

/// The recipe "paper" or "code" for a variant with `classes` outputs; throws Error(kUsage) for other names. `dataset`
/// ("fer2013", "ferplus", ...) determines the paper's number of epochs: static variant 80 on fer2013 and 31 on ferplus
/// and all other data, micro variant 10.
TrainConfig recipe(const std::string& name, Variant variant, int classes, const std::string& dataset);

}  // namespace shcnn
