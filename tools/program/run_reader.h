// What a finished or running RUN folder holds, read back for its report.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/net/metrics.h"

namespace shcnn::program {

/// One row of results.json.
struct RunPrediction {
  std::string name;
  int truth = -1, predicted = 0;
  std::vector<double> scores;
  double score() const { return scores[static_cast<std::size_t>(predicted)]; }
};

/// One start of the run, from its event file.
struct RunTiming {
  double start = 0;                                     ///< seconds since 1970
  std::vector<std::pair<std::int64_t, double>> epochs;  ///< (steps finished, seconds since 1970) of each epoch
};

/// Keys and values of RUN/config.toml as text, in its order; empty where there is none. Failure(kBadData) where it is
/// no TOML.
std::vector<std::pair<std::string, std::string>> read_settings(const std::filesystem::path& run);

struct RunRecord {
  std::filesystem::path path;
  std::vector<std::pair<std::string, std::string>> config;  ///< of config.toml, in its order, values as text
  std::vector<std::string> columns;                         ///< of curves.csv
  std::vector<std::vector<double>> curves;                  ///< one row an epoch; NaN where a cell is empty
  std::vector<std::string> labels;
  Confusion confusion;
  std::vector<RunPrediction> predictions;
  std::vector<RunTiming> timings;

  /// "" where config.toml does not say.
  std::string setting(const std::string& key) const;
  /// Values of a column by epoch; empty if there is no such column.
  std::vector<std::pair<double, double>> curve(const std::string& column) const;
};

/// Throws Failure(kUsage) if `path` holds no run (no curves.csv), Failure(kBadData) or io::Error on a damaged file.
/// results.json and config.toml may be missing.
RunRecord read_run(const std::filesystem::path& path);

}  // namespace shcnn::program
