// Report of a run of `shcnn loso`, finished or not: scores for every way of choosing the epoch, spread over seeds, the
// paper's rows, confusion matrices, classes, curves and table of the folds, clips, configuration, versions and times.
#pragma once

#include <string>

#include "tools/program/report.h"

namespace shcnn::program {

std::string loso_report(const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
