// Contents of the RUN folder of a cross-validation, finished or not, read for the report.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/crossval/loso_plan.h"
#include "engine/crossval/loso_results.h"

namespace shcnn::program {

struct LosoRecord {
  std::filesystem::path path;
  LosoPlan plan;
  LosoSummary summary;  ///< of the finished folds
  std::string missing;  ///< as missing_folds; "" if all folds are finished
  bool merged = false;  ///< whether results.json exists
  Vote vote = Vote::kMajority;
  Selection headline = Selection::kLast;  ///< the run's --select; if that has no result, the first that has

  std::size_t shown = 0;  ///< index (from 0) of the seed shown where only one can be: the first with a result

  bool empty() const { return summary.folds.empty(); }
  std::uint64_t first_seed() const { return plan.tasks.front().seed; }
  std::uint64_t shown_seed() const { return first_seed() + shown; }
  std::size_t seeds() const { return static_cast<std::size_t>(plan.tasks.back().seed - first_seed() + 1); }
  /// One confusion matrix per seed, with the run's vote.
  const SeedConfusions& confusions(Selection selection) const { return summary.confusions.at(selection).at(vote); }
  /// Confusion matrix of the seed that is shown.
  const Confusion& confusion(Selection selection, Vote by) const {
    return summary.confusions.at(selection).at(by)[shown];
  }
  const Confusion& confusion(Selection selection) const { return confusion(selection, vote); }
  /// Confusion matrix of one fold.
  Confusion confusion_of(const FoldResult& fold, Selection selection) const;
  /// Indices (from 0) of the seeds whose folds are all finished; a spread over seeds uses only these.
  std::vector<std::size_t> whole_seeds() const;
};

/// Errors of read_plan and read_folds.
LosoRecord read_loso_run(const std::filesystem::path& path);

}  // namespace shcnn::program
