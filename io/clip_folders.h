// What the readers of CASME, CASME II and SAMM share: where the coding file and the subjects' folders lie, which folder
// belongs to which row, and a clip's frames in the order of their numbers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/clip_set.h"
#include "io/coding_table.h"

namespace shcnn::io {

/// How one data set names things.
struct ClipConventions {
  ClipLayout layout;
  /// Letters and digits of the coding file's name (in lower case) hold one of `coding_names` and none of `not_coding`.
  std::vector<std::string> coding_names, not_coding;
  /// Subject as the sheet has it -> the subjects' folder name: "1" -> "sub01", "6" -> "006".
  std::string (*subject_folder)(const std::string& text);
  /// True where a folder's name is a subject's.
  bool (*is_subject)(const std::string& folder);
  /// A frame's file name begins with its subject's number (SAMM), which can then be checked.
  bool frames_name_subject = false;
};

/// "sub01" from "1", "01", "sub1", "Sub01".
std::string sub_folder(const std::string& text);
/// The number in a subject's text, padded to `width` digits behind `prefix`; the text itself where there is none.
std::string padded_subject(const std::string& text, const std::string& prefix, int width);

/// Coding file and frames as read_clips() wants them; see there for errors.
ClipSet read_layout(const ClipConventions& conventions, const std::filesystem::path& folder,
                    const ClipReadOptions& options);

/// True where read_layout would find a coding file of this set and subjects' folders.
bool looks_like(const std::filesystem::path& folder, const ClipConventions& conventions);

}  // namespace shcnn::io
