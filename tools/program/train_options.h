// Options that override single settings of a training recipe, for all verbs that train.
#pragma once

#include <functional>
#include <vector>

#include "engine/train/train_config.h"
#include "tools/program/common.h"

namespace shcnn::program {

/// Overrides, in the order in which they were given.
using TrainChanges = std::vector<std::function<void(TrainConfig&)>>;

/// How the length of a training can be given: in epochs only, or also in steps.
enum class TrainingLength { kEpochs, kEpochsOrSteps };

/// Adds --epochs, --batch, --lr and the other overrides; `changes` must outlive `verb`.
void add_train_changes(OptionSet& verb, TrainChanges& changes, TrainingLength length = TrainingLength::kEpochsOrSteps);
/// Sets the shown defaults of options that were not given to the values in `config`.
void show_resolved(OptionSet& verb, const TrainConfig& config);

}  // namespace shcnn::program
