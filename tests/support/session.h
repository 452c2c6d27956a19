// One run of a test program.
#pragma once

#include <functional>
#include <string>

#include "support/options.h"

namespace shcnn::test {

/// Runs the tests that the command line selects and returns main's result. `missing_device` says why the executor under
/// test is absent here, or nothing; with --skip-absent such a program is skipped.
int run_tests(int argc, char** argv, const std::function<std::string()>& missing_device = nullptr);

}  // namespace shcnn::test
