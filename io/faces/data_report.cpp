// Counts the images, holds the published counts, and formats the table.
#include "io/faces/data_report.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "io/files/error.h"

namespace shcnn::io {
namespace {

// FER2013 as published (Kaggle), by Usage and class.
constexpr std::array<std::array<int64_t, 7>, 3> kFer2013Counts = {{{3995, 436, 4097, 7215, 4830, 3171, 4965},
                                                                   {467, 56, 496, 895, 653, 415, 607},
                                                                   {491, 55, 528, 879, 594, 416, 626}}};
// FER+: images kept under each rule, by Usage.
constexpr std::array<int64_t, 3> kStrictCounts = {23974, 3069, 3024};
constexpr std::array<int64_t, 3> kSoftCounts = {26186, 3320, 3280};

std::string_view bytes_of(const FaceSet& faces, int64_t i) {
  const std::span<const uint8_t> image = faces.image(i);
  return {reinterpret_cast<const char*>(image.data()), image.size()};
}

void count_repeats(const FaceSet& faces, DataReport& report) {
  std::unordered_set<std::string_view> training;
  for (int64_t i = 0; i < faces.size(); ++i) {
    if (faces.usages[static_cast<size_t>(i)] != Usage::kTraining) continue;
    if (!training.insert(bytes_of(faces, i)).second) ++report.repeated_images;
  }
  for (int64_t i = 0; i < faces.size(); ++i) {
    if (faces.usages[static_cast<size_t>(i)] == Usage::kTraining) continue;
    if (training.contains(bytes_of(faces, i))) ++report.repeated_in_other;
  }
}

std::string cell(const std::string& text, int width) {
  char out[64];
  std::snprintf(out, sizeof out, "%*s", width, text.c_str());
  return out;
}

std::string with_expected(int64_t count, int64_t expected) {
  return std::to_string(count) + (count == expected ? " =" : " of " + std::to_string(expected));
}

}  // namespace

DataReport make_report(FaceDataset dataset, const FaceSet& faces) {
  DataReport report;
  report.source = faces.source;
  report.rule = faces.rule;
  report.class_names = faces.class_names;
  report.problems = faces.problems;
  for (size_t u = 0; u < kUsages.size(); ++u) {
    UsageReport& usage = report.usages[u];
    usage.usage = kUsages[u];
    usage.count = faces.counts[u];
    usage.per_class.assign(faces.class_names.size(), 0);
    if (dataset == FaceDataset::kFer2013) {
      usage.expected_per_class.assign(kFer2013Counts[u].begin(), kFer2013Counts[u].end());
      usage.expected = 0;
      for (const int64_t count : usage.expected_per_class) *usage.expected += count;
    } else if (dataset == FaceDataset::kFerplus) {
      usage.expected = faces.rule == "soft" ? kSoftCounts[u] : kStrictCounts[u];
    }
    if (usage.count.rows == 0) {
      report.problems.push_back({faces.source, "has no image of " + std::string(usage_name(kUsages[u])),
                                 "fine unless you train or score on it; else add that part of the data"});
    }
  }
  for (int64_t i = 0; i < faces.size(); ++i) {
    const auto u = static_cast<size_t>(faces.usages[static_cast<size_t>(i)]);
    ++report.usages[u].per_class[static_cast<size_t>(faces.labels[static_cast<size_t>(i)])];
  }
  count_repeats(faces, report);
  return report;
}

std::string DataReport::text() const {
  constexpr int kNameWidth = 12, kCellWidth = 16;
  std::string out = source + ", rule '" + rule + "'\n\n" + cell("", kNameWidth);
  for (const UsageReport& usage : usages) out += cell(std::string(usage_name(usage.usage)), kCellWidth);
  out += '\n';
  for (size_t c = 0; c < class_names.size(); ++c) {
    out += cell(printable(class_names[c], kNameWidth), kNameWidth);
    for (const UsageReport& usage : usages) {
      out += cell(usage.expected_per_class.empty() ? std::to_string(usage.per_class[c])
                                                   : with_expected(usage.per_class[c], usage.expected_per_class[c]),
                  kCellWidth);
    }
    out += '\n';
  }
  out += cell("images", kNameWidth);
  for (const UsageReport& usage : usages) {
    const int64_t kept = usage.count.kept();
    out += cell(usage.expected ? with_expected(kept, *usage.expected) : std::to_string(kept), kCellWidth);
  }
  out += '\n' + cell("rows", kNameWidth);
  for (const UsageReport& usage : usages) out += cell(std::to_string(usage.count.rows), kCellWidth);
  out += '\n';
  if (usages[0].expected) out += "('=' and 'of N': what the published data set has)\n";
  for (const UsageReport& usage : usages) {
    for (const auto& [reason, count] : usage.count.dropped) {
      out += std::string(usage_name(usage.usage)) + ": " + std::to_string(count) + " dropped, " + reason + "\n";
    }
  }
  out += std::to_string(repeated_images) + " Training images repeat an earlier one, " +
         std::to_string(repeated_in_other) + " test images repeat a Training one, pixel for pixel\n";
  for (const Problem& problem : problems) {
    out += "note: " + printable(problem.place) + ": " + printable(problem.message) + "; " + printable(problem.remedy) +
           "\n";
  }
  return out;
}

}  // namespace shcnn::io
