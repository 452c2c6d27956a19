#include "io/clips/frame_names.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "io/files/natural_less.h"
#include "io/files/text.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostDigits = 18;  ///< any number of this many digits fits into 64 bits
constexpr int kMostNumbers = 8;          ///< maximum count of numbers examined in a name, from its end

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Splits a name at its `from_end`-th number, counted from the end and from 0; at its first number if it has fewer.
std::optional<NumberedFile> split_at_number(const fs::path& path, int from_end) {
  const std::string stem = path.stem().string();
  std::optional<NumberedFile> out;
  std::size_t end = stem.size();
  for (int k = 0; k <= from_end; ++k) {
    while (end > 0 && !is_digit(stem[end - 1])) --end;
    std::size_t begin = end;
    while (begin > 0 && is_digit(stem[begin - 1])) --begin;
    if (begin == end) break;
    if (end - begin <= kMostDigits) {
      out = NumberedFile{path,
                         stem.substr(0, begin),
                         stem.substr(end),
                         lower_case(path.extension().string()),
                         std::stoll(stem.substr(begin, end - begin)),
                         end - begin};
    }
    end = begin;
  }
  return out;
}

/// Whether the name is that of a frame of `sequence`, or of a frame that may be missing from it, followed by more text.
bool is_copy(const fs::path& path, const std::vector<NumberedFile>& sequence) {
  const NumberedFile& first = sequence.front();
  const std::string stem = path.stem().string();
  if (!stem.starts_with(first.before)) return false;
  const std::size_t begin = first.before.size();
  std::size_t end = begin;
  while (end < stem.size() && is_digit(stem[end])) ++end;
  if (end == begin || end - begin > kMostDigits) return false;
  const std::int64_t number = std::stoll(stem.substr(begin, end - begin));
  const auto near = static_cast<std::int64_t>(sequence.size());
  return number >= first.number - near && number <= sequence.back().number + near &&
         std::string_view(stem).substr(end).starts_with(first.after) && stem.size() > end + first.after.size();
}

/// Sequences by the text before and after the number, and the extension.
using Sequences = std::map<std::array<std::string, 3>, std::vector<NumberedFile>>;

Sequences split_all(const std::vector<fs::path>& images, int from_end) {
  Sequences out;
  for (const fs::path& path : images) {
    if (const auto file = split_at_number(path, from_end)) {
      out[{file->before, file->after, file->extension}].push_back(*file);
    }
  }
  return out;
}

/// The longest sequence; on a tie, the first by name.
Sequences::iterator longest(Sequences& sequences) {
  return std::max_element(sequences.begin(), sequences.end(),
                          [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
}

void sort_by_number(std::vector<NumberedFile>& files) {
  std::stable_sort(files.begin(), files.end(),
                   [](const NumberedFile& a, const NumberedFile& b) { return a.number < b.number; });
}

}  // namespace

FrameSequences sequences_of(std::vector<fs::path> images) {
  std::sort(images.begin(), images.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
  int best = 0;
  std::size_t most = 0;
  for (int from_end = 0; from_end < kMostNumbers; ++from_end) {
    Sequences sequences = split_all(images, from_end);
    const std::size_t size = sequences.empty() ? 0 : longest(sequences)->second.size();
    if (size > most) {
      most = size;
      best = from_end;
    }
  }
  FrameSequences out;
  for (const fs::path& path : images) {
    if (!split_at_number(path, best)) out.unnumbered.push_back(path);
  }
  Sequences sequences = split_all(images, best);
  if (sequences.empty()) return out;
  const auto chosen = longest(sequences);
  out.frames = std::move(chosen->second);
  sequences.erase(chosen);
  sort_by_number(out.frames);
  for (auto& [around, files] : sequences) {
    std::vector<NumberedFile> rest;
    for (NumberedFile& file : files) {
      (is_copy(file.path, out.frames) ? out.copies : rest).push_back(std::move(file));
    }
    if (rest.empty()) continue;
    sort_by_number(rest);
    out.others.push_back(std::move(rest));
  }
  return out;
}

}  // namespace shcnn::io
