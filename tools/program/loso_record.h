// What a cross-validation's RUN folder holds, finished or not, read back for its report.
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
  LosoSummary summary;  ///< of the folds that have a result
  std::string missing;  ///< missing_folds; "" where none is
  bool merged = false;  ///< results.json is there
  Vote vote = Vote::kMajority;
  Selection headline = Selection::kLast;  ///< the run's --select, else the first that there is

  std::size_t shown = 0;  ///< the seed that is shown where one must be: the first that has a result, from 0

  bool empty() const { return summary.folds.empty(); }
  std::uint64_t first_seed() const { return plan.tasks.front().seed; }
  std::uint64_t shown_seed() const { return first_seed() + shown; }
  std::size_t seeds() const { return static_cast<std::size_t>(plan.tasks.back().seed - first_seed() + 1); }
  /// By the run's vote: for each seed.
  const SeedConfusions& confusions(Selection selection) const { return summary.confusions.at(selection).at(vote); }
  /// Of the seed that is shown.
  const Confusion& confusion(Selection selection, Vote by) const {
    return summary.confusions.at(selection).at(by)[shown];
  }
  const Confusion& confusion(Selection selection) const { return confusion(selection, vote); }
  /// Of one fold.
  Confusion confusion_of(const FoldResult& fold, Selection selection) const;
  /// Seeds of which every fold has a result: what a spread can be of.
  std::vector<std::size_t> whole_seeds() const;
};

/// Errors of read_plan and read_folds.
LosoRecord read_loso_run(const std::filesystem::path& path);

}  // namespace shcnn::program
