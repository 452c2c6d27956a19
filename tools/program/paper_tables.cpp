#include "tools/program/paper_tables.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "tools/program/exit_code.h"

namespace shcnn::program {
namespace {

constexpr const char* kOurs = "ours";
constexpr const char* kUnregularised = "without regularization";
constexpr const char* kLowDropout = "dropout = 0.2";
constexpr const char* kUnaugmented = "without augmentation";
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr PaperScore kScores[] = {
    {3, "fer2013", kOurs, 0.6910, kNone},
    {3, "fer2013", kLowDropout, 0.6846, kNone},
    {3, "fer2013", kUnregularised, 0.6818, kNone},
    {3, "fer2013", kUnaugmented, 0.6498, kNone},
    {5, "ferplus", kOurs, 0.8654, kNone},
    {5, "ferplus", kLowDropout, 0.8609, kNone},
    {5, "ferplus", kUnregularised, 0.8586, kNone},
    {5, "ferplus", kUnaugmented, 0.8016, kNone},
    {6, "casme", kOurs, 0.6333, 0.6142},
    {6, "casme", kUnregularised, 0.6222, 0.6038},
    {6, "casme", kLowDropout, 0.6167, 0.6092},
    {7, "casme2", kOurs, 0.7114, 0.6981},
    {7, "casme2", kUnregularised, 0.7114, 0.6904},
    {7, "casme2", kLowDropout, 0.7154, 0.6889},
    {8, "samm", kOurs, 0.8647, 0.8029},
    {8, "samm", kUnregularised, 0.8496, 0.7923},
    {8, "samm", kLowDropout, 0.8421, 0.7931},
};

constexpr PaperGroup kGroups[] = {
    {"A: frames, no pretraining", "frames", ClipInput::kFrames, Pretrained::kNone, {49, 55, 80}},
    {"B: FER+ weights, direct", "frames-direct", ClipInput::kFrames, Pretrained::kDirect, {58, 60, 89}},
    {"B: FER+ weights, frozen", "frames-frozen", ClipInput::kFrames, Pretrained::kFrozen, {58, 60, 89}},
    {"B: FER+ weights, finetune", "frames-finetune", ClipInput::kFrames, Pretrained::kFineTune, {58, 60, 89}},
    {"optical flow", "flow", ClipInput::kFlow, Pretrained::kNone, {114, 175, 115}},
};

}  // namespace

std::span<const PaperScore> paper_scores() { return kScores; }
std::span<const PaperGroup> paper_groups() { return kGroups; }

const PaperScore& paper_score(int table, const std::string& row) {
  for (const PaperScore& score : kScores) {
    if (score.table == table && score.row == row) return score;
  }
  throw Failure(ExitCode::kFailed, fmt::format("table {} has no row '{}'", table, row));
}

const char* paper_row(double l2, double dropout, bool augmented) {
  if (!augmented) return kUnaugmented;
  if (l2 == 0) return kUnregularised;
  if (std::abs(dropout - 0.2) < 1e-9) return kLowDropout;
  return kOurs;
}

}  // namespace shcnn::program
