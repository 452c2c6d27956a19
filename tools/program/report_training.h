// The page about a run of `shcnn train`: curves, confusion, classes, the best and the worst predictions and their
// saliency, the paper's row beside it, configuration and timings.
#pragma once

#include <string>

#include "tools/program/report.h"

namespace shcnn::program {

std::string training_report(const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
