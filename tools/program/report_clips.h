// Clip section of the cross-validation report: the correct and the wrong predictions with the highest agreement, shown
// as frames and as the network's flow images.
#pragma once

#include "tools/program/html.h"
#include "tools/program/loso_record.h"
#include "tools/program/report.h"

namespace shcnn::program {

/// Reads the clips from `options.data`, or from the path in RUN/config.toml. If they are missing, differ from those of
/// the run, or pictures are disabled, the page says so and only lists the clip names.
void add_clips(Page& page, const LosoRecord& run, const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
