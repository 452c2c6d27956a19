// FER+'s votes: ten people an image, ten columns, and the two rules by which images count.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/faces/dataset.h"

namespace shcnn::io {

/// Votes in the order of the columns: the eight of ferplus_classes(), unknown, NF.
using Votes = std::array<uint8_t, kVoteColumns>;

/// One row of fer2013new.csv or of a label.csv.
struct VoteRow {
  int64_t row = 0;  ///< in its file, from 0
  Usage usage = Usage::kTraining;
  std::string image;  ///< file name; empty where FER+ gives none
  Votes votes{};
};

/// Reads `fer2013new.csv`. Columns are found by name.
/// @throws Error kBadData naming file, line, row and remedy: a missing column, an unknown Usage, a vote that is no number
/// from 0 to 10, an image name that leaves its folder, no rows at all
std::vector<VoteRow> read_ferplus_votes(const std::filesystem::path& csv);

/// Reads a folder's `label.csv`: no header; name, box, ten votes. All rows are of `usage`. @throws as above
std::vector<VoteRow> read_label_csv(const std::filesystem::path& csv, Usage usage);

/// Which images count. Decided in whole numbers: the same rules in float32 count other images.
enum class FerplusRule {
  kStrict,  ///< the paper's: the largest probability is greater than 0.5 and the eight sum to 1 (no NF vote)
  kSoft,    ///< the authors' training list: the largest probability is at least 0.5; no sum is asked
};
/// "strict" or "soft". @throws Error kUsage otherwise
FerplusRule ferplus_rule(std::string_view name);
std::string_view ferplus_rule_name(FerplusRule rule);

/// Whether an image with these votes counts. With u = unknown and v the eight votes: u < 10 and
/// strict: 2 max(v) > 10 - u and sum(v) = 10 - u; soft: 2 max(v) >= 10 - u.
bool counts_under(FerplusRule rule, std::span<const uint8_t> votes);

/// The images of `faces` (a set with votes) that count, with probabilities v / (10 - u) and labels argmax v, the first
/// of equal ones. The dropped are added to the set's counts.
FaceSet apply_rule(FaceSet faces, FerplusRule rule);

}  // namespace shcnn::io
