// The part of a cross-validation's page that shows clips: the surest right and the surest wrong predictions, as frames
// and as the flow images that the network saw.
#pragma once

#include "tools/program/html.h"
#include "tools/program/loso_record.h"
#include "tools/program/report.h"

namespace shcnn::program {

/// Reads the clips as RUN/config.toml says, or from `options.data`. Where they are not there any more, are others, or
/// pictures are not wanted, the page says so and names the clips alone.
void add_clips(Page& page, const LosoRecord& run, const ReportOptions& options, const Common& common);

}  // namespace shcnn::program
