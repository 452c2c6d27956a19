#include "io/clips/clip_frames.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <system_error>
#include <utility>

#include "io/files/folder_entries.h"
#include "io/files/text.h"
#include "io/images/image.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

/// Files that Windows creates in picture folders. Those of macOS begin with a dot and are skipped as hidden files.
bool is_system_file(const fs::path& path) {
  constexpr std::array<std::string_view, 3> kNames = {"thumbs.db", "ehthumbs.db", "desktop.ini"};
  return std::find(kNames.begin(), kNames.end(), lower_case(path.filename().string())) != kNames.end();
}

/// Abbreviated list of names: "'img6.jpg' and 3 more".
std::string some_of(const std::vector<std::string>& names) {
  return "'" + printable(names.front(), 60) + "'" +
         (names.size() > 1 ? " and " + std::to_string(names.size() - 1) + " more" : "");
}

std::vector<std::string> names_of(const std::vector<NumberedFile>& files) {
  std::vector<std::string> out;
  for (const NumberedFile& file : files) out.push_back(file.name());
  return out;
}

/// Reports the missing frame numbers between the first and the last frame.
void tell_missing(const std::vector<NumberedFile>& frames, const std::string& place, std::vector<Problem>& problems) {
  constexpr std::size_t kShown = 5;
  std::int64_t missing = 0;
  std::vector<std::int64_t> shown;
  for (std::size_t i = 1; i < frames.size(); ++i) {
    const std::int64_t begin = frames[i - 1].number + 1, end = frames[i].number;
    missing += end - begin;
    for (std::int64_t n = begin; n < end && shown.size() < kShown; ++n) shown.push_back(n);
  }
  if (missing == 0) return;
  std::string numbers;
  for (const std::int64_t n : shown) numbers += (numbers.empty() ? "" : ", ") + std::to_string(n);
  if (missing > static_cast<std::int64_t>(shown.size())) numbers += ", ...";
  problems.push_back({place, std::to_string(missing) + " frames between the first and the last are missing: " + numbers,
                      "copy the clip again; the others are used"});
}

/// Adds the sequences whose numbers do not occur in `frames`, although their names differ. Reports these and the
/// sequences that are left out.
void join_sequences(std::vector<std::vector<NumberedFile>> others, const std::string& place,
                    std::vector<NumberedFile>& frames, std::vector<Problem>& problems) {
  std::set<std::int64_t> taken;
  for (const NumberedFile& frame : frames) taken.insert(frame.number);
  std::vector<std::string> doubled, joined;
  const std::string first = frames.front().name();
  for (const std::vector<NumberedFile>& sequence : others) {
    const bool twice = std::any_of(sequence.begin(), sequence.end(),
                                   [&](const NumberedFile& file) { return taken.contains(file.number); });
    std::vector<std::string>& names = twice ? doubled : joined;
    for (const NumberedFile& file : sequence) {
      names.push_back(file.name());
      if (twice) continue;
      taken.insert(file.number);
      frames.push_back(file);
    }
  }
  std::stable_sort(frames.begin(), frames.end(),
                   [](const NumberedFile& a, const NumberedFile& b) { return a.number < b.number; });
  if (!doubled.empty()) {
    problems.push_back({place,
                        "frames of another name or format than '" + first +
                            "', but with the same numbers, are left out: " + some_of(doubled),
                        "keep one sequence of frames in the folder"});
  }
  if (!joined.empty()) {
    problems.push_back(
        {place, "frames of another name or format than '" + first + "' are taken by their numbers: " + some_of(joined),
         "check that they belong to this clip, and rename them alike"});
  }
}

/// Position of frame `number`, or -1.
int position_of(const std::vector<NumberedFile>& frames, std::int64_t number) {
  const auto at = std::lower_bound(frames.begin(), frames.end(), number,
                                   [](const NumberedFile& frame, std::int64_t n) { return frame.number < n; });
  return at != frames.end() && at->number == number ? static_cast<int>(at - frames.begin()) : -1;
}

std::string range_text(const std::vector<NumberedFile>& frames) {
  return std::to_string(frames.front().number) + ".." + std::to_string(frames.back().number);
}

}  // namespace

std::vector<NumberedFile> frames_of(const fs::path& folder, const std::string& place, const std::string& name_prefix,
                                    std::vector<Problem>& problems) {
  std::vector<fs::path> images;
  std::vector<std::string> empty, unnumbered, not_read, no_files;
  for (const fs::path& path : folder_entries(folder)) {
    const std::string name = path.filename().string();
    if (is_system_file(path)) continue;
    if (!fs::is_regular_file(status_of(path))) {
      no_files.push_back(name);
      continue;
    }
    if (!is_image_name(path)) {
      not_read.push_back(name);
      continue;
    }
    std::error_code error;
    if (fs::file_size(path, error) == 0 && !error) {
      empty.push_back(name);
      continue;
    }
    images.push_back(path);
  }
  FrameSequences found = sequences_of(std::move(images));
  for (const fs::path& path : found.unnumbered) unnumbered.push_back(path.filename().string());
  std::vector<NumberedFile> out = std::move(found.frames);
  if (!found.others.empty()) join_sequences(std::move(found.others), place, out, problems);
  for (std::size_t i = 1; i < out.size();) {
    if (out[i].number != out[i - 1].number) {
      ++i;
      continue;
    }
    problems.push_back(
        {place,
         "frames '" + out[i - 1].name() + "' and '" + out[i].name() + "' have one number; the second is left out",
         "rename or remove one of them"});
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (!found.copies.empty()) {
    problems.push_back({place,
                        "files that are named like copies of frames are left out: " + some_of(names_of(found.copies)),
                        "remove them, or rename those that stand for missing frames"});
  }
  if (!empty.empty()) {
    problems.push_back({place, "frames without bytes are left out: " + some_of(empty), "copy them again"});
  }
  if (!unnumbered.empty()) {
    problems.push_back(
        {place, "frames without a number in their name are left out: " + some_of(unnumbered), "rename them"});
  }
  if (!not_read.empty()) {
    problems.push_back(
        {place,
         std::to_string(not_read.size()) +
             " files are left out, whose names are not those of images that can be read: " + some_of(not_read),
         "convert frames to .png or .jpg, and move other files elsewhere"});
  }
  if (!no_files.empty()) {
    problems.push_back({place, "folders, or links to nothing, are no frames: " + some_of(no_files),
                        "copy the files themselves, or remove them"});
  }
  const auto foreign = std::count_if(out.begin(), out.end(),
                                     [&](const NumberedFile& frame) { return !frame.name().starts_with(name_prefix); });
  if (foreign > 0) {
    problems.push_back({place,
                        std::to_string(foreign) + " frames do not begin with their subject '" + name_prefix +
                            "'; they are taken by their numbers",
                        "rename them to " + name_prefix + "NNNNN.jpg"});
  }
  return out;
}

void cut_to_span(const CodingRow& row, const std::string& place, ClipSpan span, std::vector<NumberedFile> frames,
                 Clip& clip, std::vector<Problem>& problems) {
  const std::vector<NumberedFile> all = frames;
  std::int64_t shift = 0;  // frame number in the folder minus frame number in the sheet
  if (row.onset && row.offset && *row.onset > *row.offset) {
    problems.push_back({place,
                        "offset " + std::to_string(*row.offset) + " lies before onset " + std::to_string(*row.onset) +
                            "; the folder's last frame " + std::to_string(all.back().number) + " is taken",
                        "correct the coding file"});
  } else if (row.onset && row.offset) {
    const bool apart = all.back().number < *row.onset || all.front().number > *row.offset;
    const std::int64_t coded = *row.offset - *row.onset + 1;
    if (apart && coded == static_cast<std::int64_t>(all.size())) {
      shift = all.front().number - *row.onset;
      problems.push_back({place,
                          "frames are numbered " + range_text(all) + ", the coding file says " +
                              std::to_string(*row.onset) + ".." + std::to_string(*row.offset) +
                              "; they are as many, and taken in their order",
                          "renumber the files"});
    } else if (apart) {
      problems.push_back({place,
                          "frames are numbered " + range_text(all) + ", the coding file says " +
                              std::to_string(*row.onset) + ".." + std::to_string(*row.offset) +
                              "; the whole folder is taken",
                          "renumber the files or correct the coding file"});
    } else {
      if (*row.offset > all.back().number || *row.onset < all.front().number) {
        problems.push_back({place,
                            "the coding file says " + std::to_string(*row.onset) + ".." + std::to_string(*row.offset) +
                                ", the folder ends at " + range_text(all) + "; what is there is taken",
                            "correct the coding file, or copy the missing frames"});
      }
      if (span == ClipSpan::kCoded) {
        std::erase_if(frames, [&](const NumberedFile& f) { return f.number < *row.onset || f.number > *row.offset; });
      }
    }
  } else {
    problems.push_back({place, std::string(row.onset ? "offset" : "onset") + " is no number; the whole folder is taken",
                        "fill the cell of the coding file"});
  }
  tell_missing(frames, place, problems);
  for (const NumberedFile& frame : frames) clip.frames.push_back(frame.path);
  if (!row.apex) {
    problems.push_back({place,
                        row.apex_text.empty() ? "the apex frame is missing"
                                              : "the apex frame is '" + printable(row.apex_text, 20) + "'",
                        "a tie of votes is settled by the summed softmax; fill the cell for the apex frame's vote"});
    return;
  }
  clip.apex = position_of(frames, *row.apex + shift);
  if (clip.apex < 0) {
    problems.push_back({place, "the apex frame " + std::to_string(*row.apex) + " is not among the clip's frames",
                        "a tie of votes is settled by the summed softmax; correct the coding file"});
  }
}

}  // namespace shcnn::io
