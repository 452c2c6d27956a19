// A clip is repaired where there is one honest way to do it, and the repair is told; else it is left out, and that is
// told. In neither case does reading stop: a lab wants to see every hole of its copy in one list.
#include "io/clip_folders.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "io/csv.h"
#include "io/folder_entries.h"
#include "io/image.h"
#include "io/natural_less.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

constexpr int kSearchDepth = 4;       ///< levels below the given folder in which subjects' folders are looked for
constexpr std::size_t kShortest = 2;  ///< frames that a clip must have: one to start from and one to move to

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> out = folder_entries(folder);
  std::sort(out.begin(), out.end(),
            [](const fs::path& a, const fs::path& b) { return natural_less(a.string(), b.string()); });
  return out;
}

std::vector<fs::path> subfolders(const fs::path& folder) { return only_folders(sorted_entries(folder)); }

std::string letters_and_digits(std::string_view text) {
  std::string out;
  for (const char c : lower_case(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

bool holds(const std::string& text, const std::vector<std::string>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const std::string& part) { return text.find(part) != std::string::npos; });
}

/// Files that may be the coding file: in the folder itself and one level below it, then beside it.
std::vector<fs::path> coding_candidates(const fs::path& folder, const ClipConventions& conventions) {
  std::vector<fs::path> out;
  const auto look = [&](const fs::path& place) {
    for (const fs::path& path : sorted_entries(place)) {
      const std::string ending = lower_case(path.extension().string());
      std::error_code ignored;
      if ((ending != ".xlsx" && ending != ".csv") || !fs::is_regular_file(path, ignored)) continue;
      const std::string name = letters_and_digits(path.stem().string());
      if (holds(name, conventions.coding_names) && !holds(name, conventions.not_coding)) out.push_back(path);
    }
  };
  look(folder);
  if (!out.empty()) return out;
  std::size_t looked_at = 0;
  constexpr std::size_t kMostFolders = 64;
  for (const fs::path& below : subfolders(folder)) {
    if (conventions.is_subject(below.filename().string()) || ++looked_at > kMostFolders) continue;
    look(below);
  }
  return out;
}

/// Folders that hold at least one subject's folder, with folders of clips in it.
void find_roots(const fs::path& folder, const ClipConventions& conventions, int depth, std::vector<fs::path>& out) {
  const std::vector<fs::path> below = subfolders(folder);
  if (std::any_of(below.begin(), below.end(), [&](const fs::path& path) {
        return conventions.is_subject(path.filename().string()) && !subfolders(path).empty();
      })) {
    out.push_back(folder);
    return;
  }
  if (depth == 0) return;
  for (const fs::path& path : below) find_roots(path, conventions, depth - 1, out);
}

fs::path choose_root(const fs::path& folder, const ClipConventions& conventions, const ClipReadOptions& options,
                     std::vector<Problem>& problems) {
  std::vector<fs::path> roots;
  find_roots(folder, conventions, kSearchDepth, roots);
  if (roots.empty()) {
    throw Error(ErrorKind::kBadData, folder, "", "holds no folders of subjects",
                "name the folder that holds " + conventions.subject_folder("1") + ", " +
                    conventions.subject_folder("2") + " and so on, or one above it");
  }
  const auto with = [&](const std::string& part) {
    return std::find_if(roots.begin(), roots.end(), [&](const fs::path& root) {
      return lower_case(root.lexically_relative(folder).string()).find(part) != std::string::npos;
    });
  };
  if (!options.frames.empty()) {
    const auto asked = with(lower_case(options.frames));
    if (asked == roots.end()) {
      std::string names;
      for (const fs::path& root : roots)
        names += (names.empty() ? "" : ", ") + root.lexically_relative(folder).string();
      throw Error(ErrorKind::kBadData, folder, "", "no folder of subjects has '" + options.frames + "' in its path",
                  "use one of: " + names);
    }
    return *asked;
  }
  const auto cropped = with("crop");
  const fs::path chosen = cropped != roots.end() ? *cropped : roots.front();
  if (roots.size() > 1) {
    problems.push_back({folder.string(),
                        "has " + std::to_string(roots.size()) + " folders of subjects; '" +
                            chosen.lexically_relative(folder).string() + "' is read",
                        "name another with --frames"});
  }
  return chosen;
}

/// The newest of several: "updated" beats dates, later dates beat earlier ones.
fs::path choose_coding(const fs::path& folder, const ClipConventions& conventions, const ClipReadOptions& options,
                       std::vector<Problem>& problems) {
  if (!options.coding_file.empty()) return options.coding_file;
  std::vector<fs::path> found = coding_candidates(folder, conventions);
  if (found.empty() && folder.has_parent_path()) {
    const fs::path parent = fs::absolute(folder).lexically_normal().parent_path();
    if (fs::is_directory(parent)) {  // the user named the frames' folder: the sheet lies beside it
      for (const fs::path& path : sorted_entries(parent)) {
        const std::string ending = lower_case(path.extension().string()),
                          name = letters_and_digits(path.stem().string());
        if ((ending == ".xlsx" || ending == ".csv") && holds(name, conventions.coding_names) &&
            !holds(name, conventions.not_coding)) {
          found.push_back(path);
        }
      }
    }
  }
  if (found.empty()) {
    throw Error(ErrorKind::kBadData, folder, "",
                "holds no coding file (.xlsx or .csv) of " + std::string(layout_name(conventions.layout)),
                "put it there, or name it with --coding");
  }
  const auto older = [](const fs::path& a, const fs::path& b) {
    const std::string x = lower_case(a.filename().string()), y = lower_case(b.filename().string());
    const bool updated_x = x.find("updated") != std::string::npos, updated_y = y.find("updated") != std::string::npos;
    if (updated_x != updated_y) return updated_y;
    return natural_less(x, y);
  };
  const fs::path chosen = *std::max_element(found.begin(), found.end(), older);
  if (found.size() > 1) {
    problems.push_back(
        {folder.string(),
         "has " + std::to_string(found.size()) + " coding files; '" + chosen.filename().string() + "' is read",
         "name another with --coding"});
  }
  return chosen;
}

struct Frame {
  fs::path path;
  std::int64_t number = -1;  ///< the last run of digits in its name
};

std::int64_t number_in(const std::string& stem) {
  std::size_t end = stem.size();
  while (end > 0 && !(stem[end - 1] >= '0' && stem[end - 1] <= '9')) --end;
  std::size_t begin = end;
  while (begin > 0 && stem[begin - 1] >= '0' && stem[begin - 1] <= '9') --begin;
  std::int64_t value = -1;
  constexpr std::size_t kMostDigits = 9;
  if (begin == end || end - begin > kMostDigits ||
      !parse_integer(stem.substr(begin, end - begin), 0, 999999999, value)) {
    return -1;
  }
  return value;
}

/// The frames of a folder by number, with what is odd about them. A file of no bytes and a name without number are left
/// out.
std::vector<Frame> frames_of(const fs::path& folder, const std::string& place, const ClipConventions& conventions,
                             const std::string& subject, std::vector<Problem>& problems) {
  std::vector<Frame> out;
  std::int64_t others = 0, foreign = 0;
  std::vector<std::string> empty, unnumbered;
  for (const fs::path& path : sorted_entries(folder)) {
    std::error_code error;
    if (!is_image_name(path) || !fs::is_regular_file(path, error)) {
      ++others;
      continue;
    }
    if (fs::file_size(path, error) == 0 || error) {
      empty.push_back(path.filename().string());
      continue;
    }
    const std::string stem = path.stem().string();
    const std::int64_t number = number_in(stem);
    if (number < 0) {
      unnumbered.push_back(path.filename().string());
      continue;
    }
    if (conventions.frames_name_subject && !stem.starts_with(subject + "_")) ++foreign;
    out.push_back({path, number});
  }
  std::stable_sort(out.begin(), out.end(), [](const Frame& a, const Frame& b) { return a.number < b.number; });
  for (std::size_t i = 1; i < out.size();) {
    if (out[i].number != out[i - 1].number) {
      ++i;
      continue;
    }
    problems.push_back({place,
                        "frames '" + out[i - 1].path.filename().string() + "' and '" + out[i].path.filename().string() +
                            "' have one number; the second is left out",
                        "rename or remove one of them"});
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const auto list = [](const std::vector<std::string>& names) {
    return "'" + printable(names.front(), 60) + "'" +
           (names.size() > 1 ? " and " + std::to_string(names.size() - 1) + " more" : "");
  };
  if (!empty.empty()) {
    problems.push_back({place, "frames without bytes are left out: " + list(empty), "copy them again"});
  }
  if (!unnumbered.empty()) {
    problems.push_back(
        {place, "frames without a number in their name are left out: " + list(unnumbered), "rename them"});
  }
  if (others > 0) {
    problems.push_back({place, std::to_string(others) + " files are no frames and are ignored", "move them elsewhere"});
  }
  if (foreign > 0) {
    problems.push_back({place,
                        std::to_string(foreign) + " frames do not begin with their subject '" + subject +
                            "_'; they are taken by their numbers",
                        "rename them to " + subject + "_NNNNN.jpg"});
  }
  return out;
}

/// Position of frame `number`, or -1.
int position_of(const std::vector<Frame>& frames, std::int64_t number) {
  const auto at = std::lower_bound(frames.begin(), frames.end(), number,
                                   [](const Frame& frame, std::int64_t n) { return frame.number < n; });
  return at != frames.end() && at->number == number ? static_cast<int>(at - frames.begin()) : -1;
}

std::string range_text(const std::vector<Frame>& frames) {
  return std::to_string(frames.front().number) + ".." + std::to_string(frames.back().number);
}

/// Cuts `frames` to what the row codes and finds the apex in it; tells what had to be mended.
void cut_to_span(const CodingRow& row, const std::string& place, ClipSpan span, std::vector<Frame>& frames, Clip& clip,
                 std::vector<Problem>& problems) {
  const std::vector<Frame> all = frames;
  std::int64_t shift = 0;  // frame number in the folder minus frame number in the sheet
  if (row.onset && row.offset && *row.onset > *row.offset) {
    problems.push_back({place,
                        "offset " + std::to_string(*row.offset) + " lies before onset " + std::to_string(*row.onset) +
                            "; the folder's last frame " + std::to_string(all.back().number) + " is taken",
                        "mend the coding file"});
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
                          "renumber the files or mend the coding file"});
    } else {
      if (*row.offset > all.back().number || *row.onset < all.front().number) {
        problems.push_back({place,
                            "the coding file says " + std::to_string(*row.onset) + ".." + std::to_string(*row.offset) +
                                ", the folder ends at " + range_text(all) + "; what is there is taken",
                            "mend the coding file, or copy the missing frames"});
      }
      if (span == ClipSpan::kCoded) {
        std::erase_if(frames, [&](const Frame& f) { return f.number < *row.onset || f.number > *row.offset; });
      }
    }
  } else {
    problems.push_back({place, std::string(row.onset ? "offset" : "onset") + " is no number; the whole folder is taken",
                        "fill the cell of the coding file"});
  }
  std::int64_t missing = 0;
  for (std::size_t i = 1; i < frames.size(); ++i) missing += frames[i].number - frames[i - 1].number - 1;
  if (missing > 0) {
    problems.push_back({place, std::to_string(missing) + " frames between the first and the last are missing",
                        "copy the clip again; the others are used"});
  }
  for (const Frame& frame : frames) clip.frames.push_back(frame.path);
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
                        "a tie of votes is settled by the summed softmax; mend the coding file"});
  }
}

/// Clips' folders by a name that forgives case, blanks and dashes.
std::string forgiving(const std::string& name) { return letters_and_digits(name); }

}  // namespace

std::string padded_subject(const std::string& text, const std::string& prefix, int width) {
  const std::int64_t number = frame_number(text).value_or(number_in(text));  // "1.0" of a csv file is 1
  if (number < 0) return text;
  std::string digits = std::to_string(number);
  if (digits.size() < static_cast<std::size_t>(width))
    digits.insert(0, static_cast<std::size_t>(width) - digits.size(), '0');
  return prefix + digits;
}

std::string sub_folder(const std::string& text) { return padded_subject(text, "sub", 2); }

bool looks_like(const fs::path& folder, const ClipConventions& conventions) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return false;
  if (coding_candidates(folder, conventions).empty()) return false;
  std::vector<fs::path> roots;
  find_roots(folder, conventions, kSearchDepth, roots);
  return !roots.empty();
}

ClipSet read_layout(const ClipConventions& conventions, const fs::path& folder, const ClipReadOptions& options) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorKind::kBadData, folder, "", "there is no such folder", "check the path");
  }
  ClipSet out;
  out.layout = conventions.layout;
  out.coding_file = choose_coding(folder, conventions, options, out.problems);
  out.folder = choose_root(folder, conventions, options, out.problems);
  const CodingTable coding = read_coding_table(out.coding_file);
  out.rows = static_cast<std::int64_t>(coding.rows.size());

  std::map<std::string, fs::path> folders;  // "sub01/ep0201f" -> folder, by forgiving names
  std::map<std::string, fs::path> unused;   // folders that no row names
  for (const fs::path& subject : subfolders(out.folder)) {
    if (!conventions.is_subject(subject.filename().string())) continue;
    const std::string name = conventions.subject_folder(subject.filename().string());
    for (const fs::path& clip : subfolders(subject)) {
      const std::string key = name + "/" + forgiving(clip.filename().string());
      if (!folders.emplace(key, clip).second) {
        out.problems.push_back(
            {clip.string(),
             "differs from '" + folders[key].filename().string() + "' in case, blanks or dashes alone; it is ignored",
             "rename or remove one of them"});
        continue;
      }
      unused[key] = clip;
    }
  }

  std::set<std::string> seen;
  for (const CodingRow& row : coding.rows) {
    Clip clip;
    clip.subject = conventions.subject_folder(row.subject);
    clip.name = clip.subject + "/" + row.clip;
    clip.emotion = row.emotion;
    const std::string place = out.coding_file.filename().string() + ": " + coding.table.place(row.number) + " (" +
                              printable(clip.name, 80) + ")";
    const std::string key = clip.subject + "/" + forgiving(row.clip);
    const auto leave_out = [&](const std::string& reason, const std::string& message, const std::string& mend) {
      ++out.dropped[reason];
      out.problems.push_back({place, message, mend});
    };
    if (!seen.insert(key).second) {
      leave_out("row repeated", "the clip has a row already; this one is left out", "remove one of the rows");
      continue;
    }
    const auto found = folders.find(key);
    if (found == folders.end()) {
      leave_out("no frames", "there is no folder " + clip.name + "; the clip is left out",
                "copy it, or remove the row");
      continue;
    }
    unused.erase(key);
    if (clip.emotion.empty()) {
      leave_out("no label", "the clip has no label and is left out", "fill the cell of the coding file, or let it be");
      continue;
    }
    if (found->second.filename().string() != row.clip) {
      out.problems.push_back({place, "the folder is called '" + found->second.filename().string() + "'",
                              "rename the folder as the coding file has it"});
    }
    std::vector<Frame> frames = frames_of(found->second, place, conventions, clip.subject, out.problems);
    if (frames.size() < kShortest) {
      leave_out("too few frames", "the folder holds " + std::to_string(frames.size()) + " frames; the clip is left out",
                "copy it again");
      continue;
    }
    cut_to_span(row, place, options.span, frames, clip, out.problems);
    if (clip.frames.size() < kShortest) {
      leave_out("too few frames",
                "onset to offset holds " + std::to_string(clip.frames.size()) + " frames; the clip is left out",
                "mend the coding file");
      continue;
    }
    out.clips.push_back(std::move(clip));
  }
  for (const auto& [key, path] : unused) {
    ++out.dropped["no row"];
    out.problems.push_back({path.lexically_relative(out.folder).string(),
                            "no row of the coding file names this folder; it is left out",
                            "add a row with its label, or let it be"});
  }
  if (out.clips.empty()) {
    throw Error(ErrorKind::kBadData, folder, "",
                "none of the " + std::to_string(out.rows) + " clips of " + out.coding_file.filename().string() +
                    " has frames in " + out.folder.lexically_relative(folder).string(),
                out.problems.empty() ? "check the path" : "for instance: " + out.problems.back().message);
  }
  std::sort(out.clips.begin(), out.clips.end(),
            [](const Clip& a, const Clip& b) { return natural_less(a.name, b.name); });
  return out;
}

}  // namespace shcnn::io
