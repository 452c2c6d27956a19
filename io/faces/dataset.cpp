#include "io/faces/dataset.h"

#include <algorithm>
#include <cstdio>

#include "io/formats/csv.h"

namespace shcnn::io {
namespace {

constexpr std::array<std::string_view, 7> kFer2013Classes = {"angry", "disgust",  "fear",   "happy",
                                                             "sad",   "surprise", "neutral"};
constexpr std::array<std::string_view, 8> kFerplusClasses = {"neutral", "happiness", "surprise", "sadness",
                                                             "anger",   "disgust",   "fear",     "contempt"};

}  // namespace

std::string_view usage_name(Usage usage) {
  constexpr std::array<std::string_view, 3> kNames = {"Training", "PublicTest", "PrivateTest"};
  return kNames[static_cast<size_t>(usage)];
}

Usage parse_usage(const CsvReader& csv, std::string_view text) {
  for (const Usage usage : kUsages) {
    if (text == usage_name(usage)) return usage;
  }
  throw csv.bad("unknown Usage '" + printable(text, 40) + "'", "use Training, PublicTest or PrivateTest");
}

std::span<const std::string_view> fer2013_classes() { return kFer2013Classes; }
std::span<const std::string_view> ferplus_classes() { return kFerplusClasses; }

int64_t UsageCount::kept() const {
  int64_t left = rows;
  for (const auto& [reason, count] : dropped) left -= count;
  return left;
}

std::span<const uint8_t> FaceSet::image(int64_t i) const {
  return std::span(pixels).subspan(static_cast<size_t>(i * image_bytes()), static_cast<size_t>(image_bytes()));
}

FaceSet FaceSet::select(Usage usage) const {
  FaceSet out;
  out.height = height;
  out.width = width;
  out.channels = channels;
  out.class_names = class_names;
  out.rule = rule;
  out.source = source;
  out.counts = counts;
  out.problems = problems;
  const auto n = static_cast<size_t>(classes());
  const auto count = static_cast<size_t>(std::count(usages.begin(), usages.end(), usage));
  out.pixels.reserve(count * static_cast<size_t>(image_bytes()));
  out.probabilities.reserve(count * n);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (usages[i] != usage) continue;
    const std::span<const uint8_t> face = image(static_cast<int64_t>(i));
    out.pixels.insert(out.pixels.end(), face.begin(), face.end());
    const auto p = std::span(probabilities).subspan(i * n, n);
    out.probabilities.insert(out.probabilities.end(), p.begin(), p.end());
    out.labels.push_back(labels[i]);
    out.usages.push_back(usage);
    out.names.push_back(names[i]);
    if (!votes.empty()) {
      const auto v = std::span(votes).subspan(i * kVoteColumns, kVoteColumns);
      out.votes.insert(out.votes.end(), v.begin(), v.end());
    }
  }
  return out;
}

std::string FaceSet::summary() const {
  std::string out = source + ", rule '" + rule + "':";
  for (const Usage usage : kUsages) {
    const UsageCount& count = counts[static_cast<size_t>(usage)];
    out += (usage == Usage::kTraining ? " " : ", ") + std::string(usage_name(usage)) + " " +
           std::to_string(count.kept()) + " of " + std::to_string(count.rows);
  }
  return out;
}

std::string row_name(int64_t row) {
  char text[32];
  std::snprintf(text, sizeof text, "row%05lld", static_cast<long long>(row));
  return text;
}

}  // namespace shcnn::io
