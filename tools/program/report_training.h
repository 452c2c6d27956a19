// Report of a run of `shcnn train`: curves, confusion matrix, classes, best and worst predictions with saliency, the
// paper's row for comparison, configuration and timings.
#pragma once

#include <string>

#include "tools/program/report.h"

namespace shcnn::program {

std::string training_report(const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
