// Sub-verbs of `shcnn reproduce`, which print the paper's numbers beside ours. To add one, declare its function here
// and add it to kReproductions in reproduce.cpp.
#pragma once

#include "tools/program/common.h"

namespace shcnn::program {

void add_table1(OptionSet& reproduce, Common& common, Verbs& verbs);
void add_table2(OptionSet& reproduce, Common& common, Verbs& verbs);
void add_fig13(OptionSet& reproduce, Common& common, Verbs& verbs);
void add_fig14(OptionSet& reproduce, Common& common, Verbs& verbs);
/// Adds one sub-verb for each of Tables 6 to 10 (micro-expressions).
void add_loso_tables(OptionSet& reproduce, Common& common, Verbs& verbs);

}  // namespace shcnn::program
