// Flags that change single settings of a training recipe, for every verb that trains.
#pragma once

#include <functional>
#include <vector>

#include "engine/train/train_config.h"
#include "tools/program/common.h"

namespace shcnn::program {

/// In the order in which they were given.
using TrainChanges = std::vector<std::function<void(TrainConfig&)>>;

/// What ends a training: epochs alone, or steps where they are given.
enum class TrainingLength { kEpochs, kEpochsOrSteps };

/// Adds --epochs, --batch, --lr and the others; `changes` must outlive the verb.
void add_train_changes(OptionSet& verb, TrainChanges& changes, TrainingLength length = TrainingLength::kEpochsOrSteps);
/// Shows what the recipe decided where no flag did.
void show_resolved(OptionSet& verb, const TrainConfig& config);

}  // namespace shcnn::program
