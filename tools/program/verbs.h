// The verbs of the program: each function adds one to `app`, with its options and what it does.
#pragma once

#include "tools/program/common.h"

namespace shcnn::program {

void add_doctor(CLI::App& app, Common& common, Verbs& verbs);

}  // namespace shcnn::program
