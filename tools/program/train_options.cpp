#include "tools/program/train_options.h"

#include <map>
#include <string>

namespace shcnn::program {
namespace {

/// Heading in --help. It also distinguishes these options from others that share a setting's name (loso --classes).
constexpr const char* kGroup = "Override the recipe";

/// Adds an option that overrides one setting of the recipe.
template <class T>
void add_change(OptionSet& verb, TrainChanges& changes, const std::string& name, const std::string& what,
                std::function<void(TrainConfig&, const T&)> change) {
  verb.add_option_function<T>(
          name,
          [&changes, change](const T& value) {
            changes.push_back([change, value](TrainConfig& config) { change(config, value); });
          },
          what)
      .group(kGroup);
}

}  // namespace

void add_train_changes(OptionSet& verb, TrainChanges& changes, TrainingLength length) {
  using C = TrainConfig;
  add_change<int>(verb, changes, "--epochs", "passes over the training data", [](C& c, int v) { c.epochs = v; });
  if (length == TrainingLength::kEpochsOrSteps) {
    add_change<std::int64_t>(verb, changes, "--steps", "stop after this many steps; 0 = no limit besides --epochs",
                             [](C& c, std::int64_t v) { c.steps = v; });
  }
  add_change<std::int64_t>(verb, changes, "--batch", "samples per step", [](C& c, std::int64_t v) { c.batch = v; });
  add_change<double>(verb, changes, "--lr", "learning rate", [](C& c, double v) { c.learning_rate = v; });
  add_change<double>(verb, changes, "--lr-decay", "factor of the learning rate's decay, applied over --lr-decay-steps",
                     [](C& c, double v) { c.decay_rate = v; });
  add_change<std::int64_t>(verb, changes, "--lr-decay-steps", "steps", [](C& c, std::int64_t v) { c.decay_steps = v; });
  add_change<bool>(verb, changes, "--lr-staircase", "true: decay in discrete steps; false: continuously",
                   [](C& c, bool v) { c.staircase = v; });
  add_change<double>(verb, changes, "--l2", "weight lambda of the L2 regularization", [](C& c, double v) { c.l2 = v; });
  add_change<double>(verb, changes, "--dropout", "drop rate of the two hidden dense layers",
                     [](C& c, double v) { c.dropout = v; });
  add_change<double>(verb, changes, "--slope", "of LeakyReLU", [](C& c, double v) { c.model.slope = v; });
  add_change<std::string>(verb, changes, "--activation", "leaky, or relu (the same as --slope 0)",
                          [](C& c, const std::string& v) {
                            if (v == "relu") c.model.slope = 0;
                            if (v != "relu" && v != "leaky") {
                              throw Failure(ExitCode::kUsage, "--activation: '" + v + "' is neither leaky nor relu");
                            }
                          });
  add_change<std::string>(verb, changes, "--augment", "crops for training: none, center or ten",
                          [](C& c, const std::string& v) { c.augment = augment_from_string(v); });
  add_change<double>(verb, changes, "--input-scale", "factor applied to the pixel values",
                     [](C& c, double v) { c.input_scale = v; });
  add_change<double>(
      verb, changes, "--init-stddev",
      "standard deviation of the dense layers' initial weights; 0 = sqrt(2 / inputs); the authors' program: 0.1",
      [](C& c, double v) { c.initial.dense_stddev = v; });
  add_change<double>(verb, changes, "--conv-bias", "initial bias of the convolutions",
                     [](C& c, double v) { c.initial.conv_bias = v; });
  add_change<double>(verb, changes, "--clip-norm", "maximum global gradient norm; 0 = no clipping",
                     [](C& c, double v) { c.clip_norm = v; });
  add_change<std::string>(verb, changes, "--on-nan", "stop, skip or rollback",
                          [](C& c, const std::string& v) { c.on_nan = on_nan_from_string(v); });
}

void show_resolved(OptionSet& verb, const TrainConfig& config) {
  std::map<std::string, std::string> resolved;
  for (const auto& [name, value] : config.fields()) resolved[name] = value;
  for (const Setting& setting : verb.settings()) {
    const auto value = resolved.find(setting.name);
    if (value != resolved.end() && !setting.given && setting.group == kGroup) {
      verb.set_default_text(setting.name, value->second);
    }
  }
}

}  // namespace shcnn::program
