// Parts that reports of every kind of run have.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/net/metrics.h"
#include "tools/program/html.h"

namespace shcnn::program {

/// A figure with what it is below it, for a <div class="tiles">.
std::string tile(const std::string& value, const std::string& what);
/// Support, precision, recall and F1 of each class, and their means; `unit` is what is counted ("images").
std::string class_table(const std::vector<std::string>& labels, const Confusion& confusion, const std::string& unit);
/// Names and values.
std::string settings_table(const std::vector<std::pair<std::string, std::string>>& settings);
/// What wrote this page, and where: the first rows of "Versions and timings".
Table version_table();

}  // namespace shcnn::program
