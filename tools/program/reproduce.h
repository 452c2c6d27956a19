// What `shcnn reproduce` can show: each adds one sub-verb that prints the paper's digits beside ours. A new one is a
// function here and a line of the table in reproduce.cpp.
#pragma once

#include "tools/program/common.h"

namespace shcnn::program {

void add_table1(OptionSet& reproduce, Common& common, Verbs& verbs);
void add_table2(OptionSet& reproduce, Common& common, Verbs& verbs);
void add_fig13(OptionSet& reproduce, Common& common, Verbs& verbs);
void add_fig14(OptionSet& reproduce, Common& common, Verbs& verbs);
/// Tables 6 to 10: micro-expressions.
void add_loso_tables(OptionSet& reproduce, Common& common, Verbs& verbs);

}  // namespace shcnn::program
