// The files of a cross-validation run: one result per fold, and the scores over all folds.
//
//   RUN/plan.json              the plan (loso_plan.h)
//   RUN/folds/task-0007.json   result of one fold with one seed
//   RUN/results.json           every clip's prediction, and scores over all folds, for each selection and vote
//   RUN/confusion-<selection>.csv, per-class-<selection>.csv, curves.csv
// None of them contains times, paths, host names or thread counts: equal configurations give identical files, no matter
// how the folds were distributed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/crossval/loso_fold.h"
#include "engine/crossval/loso_plan.h"
#include "engine/net/metrics.h"

namespace shcnn {

std::filesystem::path fold_file(const std::filesystem::path& run, std::size_t task);
/// RUN/weights/task-NNNN.safetensors
std::filesystem::path fold_weights(const std::filesystem::path& run, std::size_t task);

/// The content of a fold's file.
std::string fold_text(const LosoPlan& plan, const FoldResult& result);
/// Reads a fold's file. Throws io::Error (kBadData) if it is damaged, (kUsage) if it belongs to another plan.
FoldResult read_fold(const std::filesystem::path& path, const LosoPlan& plan);

/// For one selection and vote: a confusion matrix per seed, summed over folds. Scores are computed from these sums.
using SeedConfusions = std::vector<Confusion>;

struct LosoSummary {
  std::map<Selection, std::map<Vote, SeedConfusions>> confusions;
  std::vector<FoldResult> folds;              ///< the existing results, by task
  std::int64_t neutral = -1, neutral_of = 0;  ///< Pretrained::kDirect: images classified as neutral, and all images
};

/// The existing results of RUN/folds, by task. Throws io::Error (kUsage) that names the files if a task has two results
/// or a result belongs to another plan, (kBadData) if a file is damaged.
std::vector<FoldResult> read_folds(const std::filesystem::path& run, const LosoPlan& plan);
/// "2 of 8 folds are missing: 3 (sub04), 5 (sub06)"; "" if every task of the plan has a result.
std::string missing_folds(const LosoPlan& plan, const std::vector<FoldResult>& folds);
/// Sums up these folds, which may be all or some of the plan.
LosoSummary add_up(const LosoPlan& plan, std::vector<FoldResult> folds);
/// Calls read_folds and add_up; throws io::Error (kUsage) if a fold is missing.
LosoSummary merge_folds(const std::filesystem::path& run, const LosoPlan& plan);
/// Writes results.json and the CSV files of RUN.
void write_summary(const std::filesystem::path& run, const LosoPlan& plan, const LosoSummary& summary);

/// Mean and standard deviation (with n - 1) of `value` over seeds.
struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread(const SeedConfusions& confusions, double (Confusion::*value)() const);

}  // namespace shcnn
