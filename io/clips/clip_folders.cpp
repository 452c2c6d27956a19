// A defective clip is repaired if there is one unambiguous way to do so, otherwise it is left out; both are reported as
// Problems. Reading continues in either case, so that one run lists every defect of a copy. The exception is a clip
// with two different labels, which is an Error because neither label can be preferred.
#include "io/clips/clip_folders.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "io/clips/clip_frames.h"
#include "io/clips/coding_table.h"
#include "io/files/folder_entries.h"
#include "io/files/natural_less.h"
#include "io/formats/csv.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShortest = 2;  ///< minimum number of frames of a clip: motion needs two

/// Normalized clip name, used if no folder has the exact name: ignores case and punctuation. Punctuation between two
/// digits is kept (as '_') because it separates numbers: "EP01_1 (1)" is not "EP01_11".
std::string forgiving(const std::string& subject, const std::string& clip) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out;
  bool parted = false;
  for (const char c : clip) {
    const std::string kept = letters_and_digits(std::string_view(&c, 1));
    if (!kept.empty() && parted && is_digit(c) && !out.empty() && is_digit(out.back())) out += '_';
    parted = kept.empty();
    out += kept;
  }
  return subject + "/" + out;
}

/// The clip folders on disk, searchable by the names in the coding file.
class ClipFolders {
 public:
  ClipFolders(const ClipConventions& conventions, const fs::path& root, std::vector<Problem>& problems) {
    for (const fs::path& subject : subfolders(root)) {
      const std::string subject_name = subject.filename().string();
      if (!conventions.is_subject(subject_name)) continue;
      const std::string name = conventions.subject_folder(subject_name);
      for (const fs::path& clip : subfolders(subject)) {
        const std::string key = name + "/" + conventions.clip_name(clip.filename().string());
        const auto [at, added] = by_name_.emplace(key, clip);
        if (added) {
          by_forgiving_name_.emplace(forgiving(name, clip.filename().string()), key);
        } else {
          problems.push_back({clip.string(),
                              "is a second folder of the clip in '" + at->second.string() + "'; it is ignored",
                              "rename or remove one of them"});
        }
      }
    }
  }

  /// The folder of a row's clip; empty if there is none.
  std::optional<fs::path> find(const std::string& subject, const std::string& clip) const {
    if (const auto exact = by_name_.find(subject + "/" + clip); exact != by_name_.end()) return exact->second;
    const auto similar = by_forgiving_name_.find(forgiving(subject, clip));
    if (similar == by_forgiving_name_.end()) return std::nullopt;
    return by_name_.at(similar->second);
  }

  std::vector<fs::path> all() const {
    std::vector<fs::path> out;
    for (const auto& [name, path] : by_name_) out.push_back(path);
    return out;
  }

 private:
  struct Natural {
    bool operator()(const std::string& a, const std::string& b) const { return natural_less(a, b); }
  };
  std::map<std::string, fs::path, Natural> by_name_;      ///< "sub01/EP02_01f" -> folder
  std::map<std::string, std::string> by_forgiving_name_;  ///< normalized name -> first matching key of by_name_
};

/// One row of the coding file and its clip's folder.
struct CodedClip {
  const CodingRow* row = nullptr;
  std::string subject, name;  ///< in the data set's official notation
  std::optional<fs::path> folder;
  std::string key;  ///< equal for all rows of one clip
  std::string place;
};

std::vector<CodedClip> coded_clips(const ClipConventions& conventions, const CodingTable& coding,
                                   const fs::path& coding_file, const ClipFolders& folders) {
  std::vector<CodedClip> out;
  for (const CodingRow& row : coding.rows) {
    CodedClip clip;
    clip.row = &row;
    clip.subject = conventions.subject_folder(row.subject);
    clip.name = conventions.clip_name(row.clip);
    clip.place = coding_file.filename().string() + ": " + coding.table.place(row.number) + " (" +
                 printable(clip.subject + "/" + row.clip, 80) + ")";
    clip.folder = folders.find(clip.subject, clip.name);
    clip.key = clip.folder ? clip.folder->string() : forgiving(clip.subject, clip.name);
    out.push_back(std::move(clip));
  }
  return out;
}

/// Selects one row per clip: the first with a label, or the first if none has one.
/// @throws Error kBadData if a clip has two different labels
std::map<std::string, const CodedClip*> first_rows(const std::vector<CodedClip>& clips, const CodingTable& coding) {
  std::map<std::string, const CodedClip*> out;
  std::string contradiction;
  int contradictions = 0;
  for (const CodedClip& clip : clips) {
    const CodedClip*& first = out.emplace(clip.key, &clip).first->second;
    const std::string &before = first->row->emotion, &now = clip.row->emotion;
    if (before.empty() && !now.empty()) {
      first = &clip;
    } else if (!now.empty() && now != before && contradictions++ == 0) {
      contradiction = "rows " + std::to_string(first->row->number) + " ('" + printable(before, 40) + "') and " +
                      std::to_string(clip.row->number) + " ('" + printable(now, 40) + "') give clip " +
                      printable(clip.subject + "/" + clip.row->clip, 80) + " two labels";
    }
  }
  if (contradictions > 0) {
    const std::string more = contradictions > 1 ? ", and so do " + std::to_string(contradictions - 1) + " more" : "";
    throw Error(ErrorKind::kBadData, coding.table.file,
                coding.table.sheet.empty() ? "" : "sheet '" + printable(coding.table.sheet, 60) + "'",
                contradiction + more, "remove the wrong row");
  }
  return out;
}

/// Message that says why a second row of a clip is left out.
std::string repeated(const CodingRow& first, const CodingRow& row) {
  const bool same = first.onset == row.onset && first.apex == row.apex && first.offset == row.offset;
  return "the clip has a row already (row " + std::to_string(first.number) + ")" +
         (same ? "" : " with other frame numbers") + "; this one is left out";
}

/// Throws the Error for a set without any clip; it says what was looked for and what was found.
[[noreturn]] void no_clip(const ClipSet& out, const fs::path& folder, const std::vector<CodedClip>& clips,
                          const ClipFolders& folders) {
  std::string message = "none of the " + std::to_string(out.rows) + " clips of " + out.coding_file.filename().string() +
                        " has frames in " + out.folder.lexically_relative(folder).string();
  const auto lost = std::find_if(clips.begin(), clips.end(), [](const CodedClip& clip) { return !clip.folder; });
  std::string remedy = "check the path";
  if (lost != clips.end()) {
    message += ": row " + std::to_string(lost->row->number) + " names '" +
               printable(lost->subject + "/" + lost->row->clip, 80) + "'";
    const std::vector<fs::path> all = folders.all();
    if (!all.empty()) {
      message += ", the folders are '" + printable(all.front().lexically_relative(out.folder).string(), 80) + "'" +
                 (all.size() > 1 ? " and " + std::to_string(all.size() - 1) + " more" : "");
    }
    remedy = "rename the folders as the coding file has them, or the other way round";
  } else if (!out.problems.empty()) {
    message += ": " + out.problems.back().place + ": " + out.problems.back().message;
    remedy = out.problems.back().remedy;
  }
  throw Error(ErrorKind::kBadData, folder, "", message, remedy);
}

}  // namespace

ClipSet read_layout(const ClipConventions& conventions, const fs::path& folder, const ClipReadOptions& options) {
  if (!fs::is_directory(status_of(folder))) {
    throw Error(ErrorKind::kBadData, folder, "", "there is no such folder", "check the path");
  }
  ClipSet out;
  out.layout = conventions.layout;
  out.coding_file = choose_coding(folder, conventions, options, out.problems);
  out.folder = choose_root(folder, conventions, options, out.problems);
  const CodingTable coding = read_coding_table(out.coding_file);
  out.rows = static_cast<std::int64_t>(coding.rows.size());
  const ClipFolders folders(conventions, out.folder, out.problems);
  const std::vector<CodedClip> coded = coded_clips(conventions, coding, out.coding_file, folders);
  const std::map<std::string, const CodedClip*> firsts = first_rows(coded, coding);

  std::set<fs::path> used;  // folders named by a row
  for (const CodedClip& entry : coded) {
    const CodingRow& row = *entry.row;
    const auto leave_out = [&](const std::string& reason, const std::string& message, const std::string& remedy) {
      ++out.dropped[reason];
      out.problems.push_back({entry.place, message, remedy});
    };
    if (const CodedClip* first = firsts.at(entry.key); first != &entry) {
      leave_out("row repeated", repeated(*first->row, row), "remove one of the rows");
      continue;
    }
    Clip clip;
    clip.subject = entry.subject;
    clip.name = entry.subject + "/" + entry.name;
    clip.emotion = row.emotion;
    if (!entry.folder) {
      leave_out("no frames", "there is no folder " + clip.name + "; the clip is left out",
                "copy it, or remove the row");
      continue;
    }
    used.insert(*entry.folder);
    if (clip.emotion.empty()) {
      leave_out("no label", "the clip has no label and is left out", "fill the cell of the coding file, or let it be");
      continue;
    }
    if (entry.folder->filename().string() != row.clip) {
      out.problems.push_back({entry.place, "the folder is called '" + entry.folder->filename().string() + "'",
                              "rename the folder as the coding file has it"});
    }
    std::vector<NumberedFile> frames =
        frames_of(*entry.folder, entry.place, conventions.frames_name_subject ? clip.subject + "_" : "", out.problems);
    if (frames.size() < kShortest) {
      leave_out("too few frames", "the folder holds " + std::to_string(frames.size()) + " frames; the clip is left out",
                "copy it again");
      continue;
    }
    cut_to_span(row, entry.place, options.span, std::move(frames), clip, out.problems);
    if (clip.frames.size() < kShortest) {
      leave_out("too few frames",
                "onset to offset holds " + std::to_string(clip.frames.size()) + " frames; the clip is left out",
                "correct the coding file");
      continue;
    }
    out.clips.push_back(std::move(clip));
  }
  for (const fs::path& path : folders.all()) {
    if (used.contains(path)) continue;
    ++out.dropped["no row"];
    out.problems.push_back({path.lexically_relative(out.folder).string(),
                            "no row of the coding file names this folder; it is left out",
                            "add a row with its label, or let it be"});
  }
  if (out.clips.empty()) no_clip(out, folder, coded, folders);
  std::sort(out.clips.begin(), out.clips.end(),
            [](const Clip& a, const Clip& b) { return natural_less(a.name, b.name); });
  return out;
}

}  // namespace shcnn::io
