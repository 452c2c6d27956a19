// Scores of a set of images, as JSON and as text.
#pragma once

#include <string>

#include "engine/net/evaluator.h"
#include "tools/program/datasets.h"

namespace shcnn::program {

/// {"schema", "dataset", "split", "images", "rule", "accuracy", "uf1", "uar", "labels", "absent",
/// "confusion"}; "images" counts only those with a true class.
Json score_json(const std::string& dataset, const LoadedSplit& data, const Evaluation& evaluation);
/// Prints a remark that names the absent classes, if there are any.
void remark_absent_classes(const Common& common, const std::vector<std::string>& labels, const Confusion& confusion);
/// Confusion matrix as text. Rows: true class, with its recall and F1; columns: predicted class.
std::string confusion_table(const std::vector<std::string>& labels, const Confusion& confusion);

}  // namespace shcnn::program
