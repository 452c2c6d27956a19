// Fold section of the cross-validation report: training curves (the paper's Fig. 9) and a table of the folds.
#pragma once

#include "tools/program/html.h"
#include "tools/program/loso_record.h"

namespace shcnn::program {

void add_curves(Page& page, const LosoRecord& run);
/// Lists every fold of the plan, finished or not.
void add_fold_table(Page& page, const LosoRecord& run);

}  // namespace shcnn::program
