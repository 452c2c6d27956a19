// Labelled clips of faces, as the readers of CASME, CASME II and SAMM give them: which frames, which subject, when the
// movement begins, peaks and ends, and what it shows. Frames stay on disk; a ClipSet holds their paths alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/files/problem.h"

namespace shcnn::io {

enum class ClipLayout { kCasme, kCasme2, kSamm };

/// "casme", "casme2", "samm".
std::string_view layout_name(ClipLayout layout);
/// @throws Error kUsage on another name
ClipLayout layout_from_name(std::string_view name);

/// One clip. Positions count frames from 0.
struct Clip {
  std::string name;         ///< "sub01/EP02_01f": subject and clip, the same on every disk
  std::string subject;      ///< "sub01", "006"
  std::string emotion;      ///< the coding file's word, in lower case and one spelling; empty: the clip has no label
  std::int32_t label = -1;  ///< into ClipSet::class_names
  std::vector<std::filesystem::path> frames;  ///< onset to offset, by number
  int apex = -1;                              ///< position of the frame where the movement peaks; -1: nobody says
  int span() const { return static_cast<int>(frames.size()); }
};

/// Clips with what became of the rest.
struct ClipSet {
  ClipLayout layout = ClipLayout::kCasme2;
  std::filesystem::path folder;  ///< of the subjects' folders
  std::filesystem::path coding_file;
  std::vector<std::string> class_names;         ///< n, once apply_class_map has been called
  std::string rule;                             ///< the class map's name
  std::vector<Clip> clips;                      ///< by name, in natural order
  std::int64_t rows = 0;                        ///< clips in the coding file
  std::map<std::string, std::int64_t> dropped;  ///< reason -> clips left out
  std::vector<Problem> problems;

  std::vector<std::string> subjects() const;  ///< in natural order
  std::int64_t frame_count() const;
};

/// What of a clip's folder counts as the clip.
enum class ClipSpan {
  kCoded,   ///< onset to offset where the frames' numbers let them be found, else the whole folder
  kFolder,  ///< every frame there is
};

struct ClipReadOptions {
  std::filesystem::path coding_file;  ///< empty: looked for in the folder
  std::string frames;  ///< part of the path of the subjects' folders to use, such as "Cropped"; empty: cropped if there
  ClipSpan span = ClipSpan::kCoded;
};

/// Reads the clips below `folder`. Rows without folder, folders without row, missing frames, odd numbers: each is a
/// Problem with its remedy, and the clip is repaired or left out as it says.
/// @throws Error kBadData: no coding file, no subjects' folders, an unreadable table, a clip with two labels, no clip
/// at all; kDisk: a folder that may not be listed
ClipSet read_clips(ClipLayout layout, const std::filesystem::path& folder, const ClipReadOptions& options = {});

/// Clips of a set that no coding file names.
struct UnnamedClips {
  std::filesystem::path example;    ///< one clip's folder, relative to the folder that was searched
  std::vector<ClipLayout> layouts;  ///< that have subjects' folders of such names, the likeliest first
  std::vector<std::string> tables;  ///< files in the folder that may hold the coding, .xls among them
};

/// Folders of subjects with folders of clips in them, whatever the coding file is called; nothing where there are none.
std::optional<UnnamedClips> unnamed_clips_at(const std::filesystem::path& folder);

/// Which layout `folder` seems to have. @throws Error kBadData where it looks like none
ClipLayout layout_at(const std::filesystem::path& folder);

}  // namespace shcnn::io
