// report.html of a run.
#pragma once

#include <string>

#include "tools/program/common.h"

namespace shcnn::program {

struct ReportOptions {
  std::string run;       ///< the folder
  std::string out;       ///< "" = RUN/report.html
  std::string data;      ///< "" = what config.toml says
  bool pictures = true;  ///< faces and saliency panels, where the data can be read
};

/// Writes the report and returns its path. Errors of read_run; what needs data or weights that are not there is left
/// out, and the page says so.
std::string write_report(const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
