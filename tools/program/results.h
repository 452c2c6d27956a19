// What a scored set of images says, as JSON and as text.
#pragma once

#include <string>

#include "engine/net/evaluator.h"
#include "tools/program/datasets.h"

namespace shcnn::program {

/// {"schema", "dataset", "split", "images", "rule", "accuracy", "uf1", "uar", "labels", "absent",
/// "confusion"}; images counts those that have a true class.
Json score_json(const std::string& dataset, const LoadedSplit& data, const Evaluation& evaluation);
/// A remark that names the absent classes, where there are any.
void remark_absent_classes(const Common& common, const std::vector<std::string>& labels, const Confusion& confusion);
/// Rows: true class; columns: predicted class; with recall and F1 of each class.
std::string confusion_table(const std::vector<std::string>& labels, const Confusion& confusion);

}  // namespace shcnn::program
