// Labelled clips of faces, the result of the CASME, CASME II and SAMM readers: frames, subject, apex and emotion of
// each clip. Frames stay on disk; a ClipSet holds only their paths.
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
/// Inverse of layout_name(). @throws Error kUsage for another name
ClipLayout layout_from_name(std::string_view name);

/// One clip. Positions count frames from 0.
struct Clip {
  std::string name;         ///< "sub01/EP02_01f": subject and clip; independent of the paths on disk
  std::string subject;      ///< "sub01", "006"
  std::string emotion;      ///< as in the coding file, lower case, unified spelling; empty: the clip has no label
  std::int32_t label = -1;  ///< index into ClipSet::class_names
  std::vector<std::filesystem::path> frames;  ///< onset to offset, ordered by number
  int apex = -1;                              ///< position of the frame where the movement peaks; -1: unknown
  int span() const { return static_cast<int>(frames.size()); }
};

/// Clips, and an account of those that were left out.
struct ClipSet {
  ClipLayout layout = ClipLayout::kCasme2;
  std::filesystem::path folder;  ///< the folder that holds the subjects' folders
  std::filesystem::path coding_file;
  std::vector<std::string> class_names;         ///< (n), set by apply_class_map()
  std::string rule;                             ///< the class map's name
  std::vector<Clip> clips;                      ///< sorted by name in natural order
  std::int64_t rows = 0;                        ///< rows with a clip in the coding file
  std::map<std::string, std::int64_t> dropped;  ///< reason -> clips left out
  std::vector<Problem> problems;

  std::vector<std::string> subjects() const;  ///< in natural order
  std::int64_t frame_count() const;
};

/// Which frames of a clip's folder form the clip.
enum class ClipSpan {
  kCoded,   ///< onset to offset if the frame numbers match the coding file, else the whole folder
  kFolder,  ///< every frame in the folder
};

struct ClipReadOptions {
  std::filesystem::path coding_file;  ///< empty: searched for in the folder
  std::string frames;  ///< part of the path of the root to use, such as "Cropped"; empty: prefer cropped frames
  ClipSpan span = ClipSpan::kCoded;
};

/// Reads the clips below `folder`. Rows without a folder, folders without a row, missing frames and inconsistent frame
/// numbers are each reported as a Problem, which states whether the clip was repaired or left out and gives a remedy.
/// @throws Error kBadData: no coding file, no subjects' folders, an unreadable table, a clip with two labels, or no
/// clip; kDisk: a folder cannot be listed
ClipSet read_clips(ClipLayout layout, const std::filesystem::path& folder, const ClipReadOptions& options = {});

/// Clips found without a recognized coding file.
struct UnnamedClips {
  std::filesystem::path example;    ///< one clip's folder, relative to the folder that was searched
  std::vector<ClipLayout> layouts;  ///< layouts whose subjects' folders have such names, most likely first
  std::vector<std::string> tables;  ///< files in the folder that may be the coding file, including .xls
};

/// Looks for subjects' folders with clip folders in them, regardless of the coding file; empty if there are none.
std::optional<UnnamedClips> unnamed_clips_at(const std::filesystem::path& folder);

/// The layout that `folder` appears to have. @throws Error kBadData if it matches none
ClipLayout layout_at(const std::filesystem::path& folder);

}  // namespace shcnn::io
