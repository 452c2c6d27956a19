// report.html of a run.
#pragma once

#include <string>
#include <vector>

#include "tools/program/common.h"

namespace shcnn::program {

struct ReportOptions {
  std::string run;                ///< the folder of shcnn train, or of shcnn loso
  std::string out;                ///< "" = RUN/report.html
  std::vector<std::string> data;  ///< empty = what config.toml says; several for loso's composite data
  bool pictures = true;           ///< faces, flow images and saliency panels, where the data can be read
};

/// Writes the report and returns its path. Failure(kUsage) where `run` is no run; errors of read_run, read_plan and
/// read_folds. What needs data or weights that are not there is left out, and the page says so.
std::string write_report(const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
