// Values of the paper's result tables (3 and 5 to 10), which `reproduce` and the reports compare runs with.
#pragma once

#include <span>
#include <string>

#include "engine/crossval/loso_plan.h"

namespace shcnn::program {

/// A row of Tables 3 and 5 (faces: accuracy on PublicTest) or 6 to 8 (clips: accuracy of videos and F1).
struct PaperScore {
  int table;
  const char* dataset;  ///< as in --dataset
  const char* row;
  double accuracy, f1;  ///< f1: NaN in Tables 3 and 5
};
std::span<const PaperScore> paper_scores();
/// The entry for a table and a row. Failure(kFailed) if there is none.
const PaperScore& paper_score(int table, const std::string& row);

/// Name of the row that matches a run's settings: "ours", or the changed setting.
const char* paper_row(double l2, double dropout, bool augmented);

/// Table 9: confusion matrix of SAMM (negative, positive, surprise); rows are the true class.
inline constexpr int kPaperSamm[3][3] = {{87, 2, 3}, {9, 17, 0}, {3, 1, 11}};

/// A data set of clips with its own table (6 to 8), in the order of Table 10.
struct PaperClips {
  int table;
  const char* dataset;
  const char* title;
  int videos;
};
inline constexpr PaperClips kPaperClips[3] = {
    {6, "casme", "CASME", 180}, {7, "casme2", "CASME II", 246}, {8, "samm", "SAMM", 133}};

/// A row of Table 10: number of correctly classified videos per data set.
struct PaperGroup {
  const char* name;
  const char* folder;  ///< folder of the run, below --out
  ClipInput input;
  Pretrained pretrained;
  int correct[3];
};
std::span<const PaperGroup> paper_groups();

}  // namespace shcnn::program
