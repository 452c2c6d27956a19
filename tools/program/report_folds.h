// The part of a cross-validation's page that is about its folds: training curves (the paper's Fig. 9) and a table.
#pragma once

#include "tools/program/html.h"
#include "tools/program/loso_record.h"

namespace shcnn::program {

void add_curves(Page& page, const LosoRecord& run);
/// Every fold of the plan, run or not.
void add_fold_table(Page& page, const LosoRecord& run);

}  // namespace shcnn::program
