// FER+'s votes (ten voters per image, ten columns) and the two rules that decide which images are kept.
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

/// Votes of one image, in column order: the eight of ferplus_classes(), unknown, NF.
using Votes = std::array<uint8_t, kVoteColumns>;

/// One row of fer2013new.csv or of a label.csv.
struct VoteRow {
  int64_t row = 0;  ///< row in its file, from 0
  Usage usage = Usage::kTraining;
  std::string image;  ///< file name; empty if FER+ gives none
  Votes votes{};
};

/// Reads `fer2013new.csv`. Columns are found by name.
/// @throws Error kBadData naming file, line, row and remedy: a missing column, an unknown Usage, a vote that is not a
/// number from 0 to 10, an image name that is not a plain file name, or no rows
std::vector<VoteRow> read_ferplus_votes(const std::filesystem::path& csv);

/// Reads a folder's `label.csv`: no header; name, box, ten votes. All rows get `usage`.
/// @throws Error as read_ferplus_votes()
std::vector<VoteRow> read_label_csv(const std::filesystem::path& csv, Usage usage);

/// Which images are kept. The rules are computed in integers; in float32 they would keep different images.
enum class FerplusRule {
  kStrict,  ///< the paper's rule: the largest probability exceeds 0.5 and the eight sum to 1 (no NF vote)
  kSoft,    ///< the rule of the authors' training list: the largest probability is at least 0.5; any sum
};
/// Parses "strict" or "soft". @throws Error kUsage for another name
FerplusRule ferplus_rule(std::string_view name);
std::string_view ferplus_rule_name(FerplusRule rule);

/// Whether an image with these votes is kept. With u the unknown votes and v the votes of the eight classes: u < 10 and
/// strict: 2 max(v) > 10 - u and sum(v) = 10 - u; soft: 2 max(v) >= 10 - u.
bool counts_under(FerplusRule rule, std::span<const uint8_t> votes);

/// Keeps the images of `faces` (a set with votes) that satisfy the rule, with probabilities v / (10 - u) and labels
/// argmax v (on a tie, the first). Images left out are added to the set's counts.
FaceSet apply_rule(FaceSet faces, FerplusRule rule);

}  // namespace shcnn::io
