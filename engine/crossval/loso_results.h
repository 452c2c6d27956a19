// The files of a cross-validation run: one result a fold, and what they add up to.
//
//   RUN/plan.json              the plan (loso_plan.h)
//   RUN/folds/task-0007.json   result of one fold with one seed
//   RUN/results.json           every clip's prediction, and scores over all folds, by each selection and vote
//   RUN/confusion-<selection>.csv, per-class-<selection>.csv, curves.csv
// None of them holds times, paths, hosts or thread counts: equal configurations give equal bytes, however the folds
// were run.
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

/// The text of a fold's file.
std::string fold_text(const LosoPlan& plan, const FoldResult& result);
/// Reads one. io::Error (kBadData) on damage; (kUsage) where it was made by another plan.
FoldResult read_fold(const std::filesystem::path& path, const LosoPlan& plan);

/// Scores of one selection and vote, for each seed: counts are summed over folds before anything is divided.
using SeedConfusions = std::vector<Confusion>;

struct LosoSummary {
  std::map<Selection, std::map<Vote, SeedConfusions>> confusions;
  std::vector<FoldResult> folds;              ///< by task; those that there are
  std::int64_t neutral = -1, neutral_of = 0;  ///< Pretrained::kDirect: images seen as neutral, and all
};

/// The results of RUN/folds that are there, by task. io::Error (kUsage) naming the files where one is there twice or of
/// another plan; (kBadData) on damage.
std::vector<FoldResult> read_folds(const std::filesystem::path& run, const LosoPlan& plan);
/// "2 of 8 folds are missing: 3 (sub04), 5 (sub06)"; "" where every task of the plan has a result.
std::string missing_folds(const LosoPlan& plan, const std::vector<FoldResult>& folds);
/// What these folds, all or some, add up to.
LosoSummary add_up(const LosoPlan& plan, std::vector<FoldResult> folds);
/// read_folds and add_up; io::Error (kUsage) where a fold is missing.
LosoSummary merge_folds(const std::filesystem::path& run, const LosoPlan& plan);
/// Writes results.json and the tables of RUN.
void write_summary(const std::filesystem::path& run, const LosoPlan& plan, const LosoSummary& summary);

/// Mean and standard deviation (of n - 1) of `value` over seeds.
struct Spread {
  double mean = 0, deviation = 0;
};
Spread spread(const SeedConfusions& confusions, double (Confusion::*value)() const);

}  // namespace shcnn
