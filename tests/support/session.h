// One run of a test program.
#pragma once

#include <functional>
#include <string>

#include "support/options.h"

namespace shcnn::test {

/// Runs the tests that the command line selects and returns main's result. `missing_device` returns why this machine
/// lacks the executor under test, or an empty string; with --skip-absent the program is then skipped.
int run_tests(int argc, char** argv, const std::function<std::string()>& missing_device = nullptr);

}  // namespace shcnn::test
