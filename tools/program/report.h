// Writes report.html for a run.
#pragma once

#include <string>
#include <vector>

#include "tools/program/common.h"

namespace shcnn::program {

struct ReportOptions {
  std::string run;                ///< folder written by shcnn train or shcnn loso
  std::string out;                ///< "" = RUN/report.html
  std::vector<std::string> data;  ///< empty = paths in config.toml; several for composite clips
  bool pictures = true;           ///< show faces, flow images and saliency panels if the data can be read
};

/// Writes the report and returns its path. Failure(kUsage) if `run` is not a run; errors of read_run, read_plan and
/// read_folds. Parts that need missing data or weights are left out, and the page says so.
std::string write_report(const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
