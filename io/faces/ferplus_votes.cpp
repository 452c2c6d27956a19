// Parses votes and applies the rules to them. Every count is an integer from 0 to 10.
#include "io/faces/ferplus_votes.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "io/files/text.h"
#include "io/formats/csv.h"

namespace shcnn::io {
namespace {

constexpr size_t kUnknown = 8;  // index of the column "unknown"
constexpr size_t kClasses = 8;
constexpr int kVoters = 10;
constexpr std::array<const char*, kVoteColumns> kColumnNames = {"neutral", "happiness", "surprise", "sadness", "anger",
                                                                "disgust", "fear",      "contempt", "unknown", "NF"};
constexpr const char* kColumnsMend = "use FER+'s fer2013new.csv as it is published";

uint8_t parse_vote(const CsvReader& csv, std::string_view text, const char* column) {
  int64_t vote = 0;
  if (!parse_integer(text, 0, kVoters, vote)) {
    throw csv.bad(
        "the vote for " + std::string(column) + " is '" + printable(text, 20) + "', not a number from 0 to 10",
        "correct the row or download the file again");
  }
  return static_cast<uint8_t>(vote);
}

std::string parse_image_name(const CsvReader& csv, std::string_view text) {
  if (text.find('/') != std::string_view::npos || text == "." || text == ".." ||
      text.find('\0') != std::string_view::npos) {
    throw csv.bad("image name '" + printable(text, 60) + "' is no plain file name", "write names like fer0000000.png");
  }
  return std::string(text);
}

void require_rows(const std::vector<VoteRow>& rows, const std::filesystem::path& path) {
  if (rows.empty()) throw Error(ErrorKind::kBadData, path, "", "holds no rows", "download or copy the file again");
}

}  // namespace

std::vector<VoteRow> read_ferplus_votes(const std::filesystem::path& path) {
  CsvReader csv(path, CsvReader::Header::kYes);
  const auto usage_column = static_cast<size_t>(csv.require_column("Usage", kColumnsMend));
  const auto name_column = static_cast<size_t>(csv.require_column("Image name", kColumnsMend));
  std::array<size_t, kVoteColumns> vote_columns{};
  for (size_t v = 0; v < kColumnNames.size(); ++v) {
    vote_columns[v] = static_cast<size_t>(csv.require_column(kColumnNames[v], kColumnsMend));
  }
  std::vector<VoteRow> rows;
  while (csv.next()) {
    VoteRow row;
    row.row = csv.row();
    row.usage = parse_usage(csv, csv.fields()[usage_column]);
    row.image = parse_image_name(csv, csv.fields()[name_column]);
    for (size_t v = 0; v < kColumnNames.size(); ++v) {
      row.votes[v] = parse_vote(csv, csv.fields()[vote_columns[v]], kColumnNames[v]);
    }
    rows.push_back(std::move(row));
  }
  require_rows(rows, path);
  return rows;
}

std::vector<VoteRow> read_label_csv(const std::filesystem::path& path, Usage usage) {
  CsvReader csv(path, CsvReader::Header::kNo);
  constexpr size_t kBeforeVotes = 2;  // name and box
  std::vector<VoteRow> rows;
  while (csv.next()) {
    if (csv.fields().size() != kBeforeVotes + kVoteColumns) {
      throw csv.bad("has " + std::to_string(csv.fields().size()) + " fields, 12 are expected",
                    "write name, box and ten votes, as FER+ does");
    }
    VoteRow row;
    row.row = csv.row();
    row.usage = usage;
    row.image = parse_image_name(csv, csv.fields()[0]);
    for (size_t v = 0; v < kColumnNames.size(); ++v) {
      row.votes[v] = parse_vote(csv, csv.fields()[kBeforeVotes + v], kColumnNames[v]);
    }
    rows.push_back(std::move(row));
  }
  require_rows(rows, path);
  return rows;
}

FerplusRule ferplus_rule(std::string_view name) {
  for (const FerplusRule rule : {FerplusRule::kStrict, FerplusRule::kSoft}) {
    if (name == ferplus_rule_name(rule)) return rule;
  }
  throw Error(ErrorKind::kUsage, "rule '" + std::string(name) + "'", "", "there is no such rule",
              "use strict (the paper's) or soft (the authors' training list)");
}

std::string_view ferplus_rule_name(FerplusRule rule) { return rule == FerplusRule::kStrict ? "strict" : "soft"; }

bool counts_under(FerplusRule rule, std::span<const uint8_t> votes) {
  const int known = kVoters - votes[kUnknown];
  if (known <= 0) return false;
  const std::span<const uint8_t> classes = votes.first(kClasses);
  const int most = *std::max_element(classes.begin(), classes.end());
  if (rule == FerplusRule::kSoft) return 2 * most >= known;
  return 2 * most > known && std::accumulate(classes.begin(), classes.end(), 0) == known;
}

FaceSet apply_rule(FaceSet faces, FerplusRule rule) {
  const std::string reason = "left out by rule '" + std::string(ferplus_rule_name(rule)) + "'";
  const auto image_bytes = static_cast<size_t>(faces.image_bytes());
  faces.rule = ferplus_rule_name(rule);
  faces.class_names.assign(ferplus_classes().begin(), ferplus_classes().end());
  faces.probabilities.clear();
  size_t kept = 0;
  for (size_t i = 0; i < faces.labels.size(); ++i) {
    const std::span<const uint8_t> votes = std::span(faces.votes).subspan(i * kVoteColumns, kVoteColumns);
    if (!counts_under(rule, votes)) {
      ++faces.counts[static_cast<size_t>(faces.usages[i])].dropped[reason];
      continue;
    }
    const auto known = static_cast<float>(kVoters - votes[kUnknown]);
    for (size_t c = 0; c < kClasses; ++c) faces.probabilities.push_back(static_cast<float>(votes[c]) / known);
    const auto most = std::max_element(votes.begin(), votes.begin() + kClasses);
    faces.labels[kept] = static_cast<int32_t>(most - votes.begin());
    if (kept != i) {  // move the image to close the gap left by dropped images
      std::copy_n(faces.pixels.begin() + static_cast<std::ptrdiff_t>(i * image_bytes), image_bytes,
                  faces.pixels.begin() + static_cast<std::ptrdiff_t>(kept * image_bytes));
      std::copy_n(votes.begin(), kVoteColumns, faces.votes.begin() + static_cast<std::ptrdiff_t>(kept * kVoteColumns));
      faces.usages[kept] = faces.usages[i];
      faces.names[kept] = std::move(faces.names[i]);
    }
    ++kept;
  }
  faces.pixels.resize(kept * image_bytes);
  faces.votes.resize(kept * kVoteColumns);
  faces.labels.resize(kept);
  faces.usages.resize(kept);
  faces.names.resize(kept);
  return faces;
}

}  // namespace shcnn::io
