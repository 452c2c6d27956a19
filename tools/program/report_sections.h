// Sections shared by the reports of all kinds of runs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/net/metrics.h"
#include "tools/program/html.h"

namespace shcnn::program {

/// A number with its description below it, for a <div class="tiles">.
std::string tile(const std::string& value, const std::string& what);
/// Support, precision, recall and F1 of each class, and their means; `unit` names what is counted ("images").
std::string class_table(const std::vector<std::string>& labels, const Confusion& confusion, const std::string& unit);
/// Table of names and values.
std::string settings_table(const std::vector<std::pair<std::string, std::string>>& settings);
/// The program version and machine that wrote the page: the first rows of "Versions and timings".
Table version_table();

}  // namespace shcnn::program
