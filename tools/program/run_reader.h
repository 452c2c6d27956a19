// Contents of the RUN folder of a training, finished or running, read for the report.
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

/// Times of one start of the run (first start or resume), from its event file.
struct RunTiming {
  double start = 0;                                     ///< seconds since 1970
  std::vector<std::pair<std::int64_t, double>> epochs;  ///< (steps finished, seconds since 1970) of each epoch
};

/// Keys and values (as text) of RUN/config.toml, in file order; empty if there is no such file. Throws io::Error
/// (kBadData) if it is not valid TOML.
std::vector<std::pair<std::string, std::string>> read_settings(const std::filesystem::path& run);

struct RunRecord {
  std::filesystem::path path;
  std::vector<std::pair<std::string, std::string>> config;  ///< as read_settings
  std::vector<std::string> columns;                         ///< header of curves.csv
  std::vector<std::vector<double>> curves;                  ///< one row per epoch; NaN for empty cells
  std::vector<std::string> labels;
  Confusion confusion;
  std::vector<RunPrediction> predictions;
  std::vector<RunTiming> timings;

  /// Value of a key in config.toml; "" if it is missing.
  std::string setting(const std::string& key) const;
  /// (epoch, value) of a column; empty if there is no such column.
  std::vector<std::pair<double, double>> curve(const std::string& column) const;
};

/// Throws Failure(kUsage) if `path` is not a run (no curves.csv), Failure(kBadData) or io::Error if a file is damaged.
/// results.json and config.toml may be missing.
RunRecord read_run(const std::filesystem::path& path);

}  // namespace shcnn::program
