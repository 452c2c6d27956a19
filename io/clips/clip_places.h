// Where a data set of clips lies below a folder: its coding file, and the folder of the subjects' folders.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/clips/clip_set.h"

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
  /// Clip as the sheet or the disk has it -> the name that the data set gives it: "6_1_7" -> "006_1_7".
  std::string (*clip_name)(const std::string& text);
  /// A frame's file name begins with its subject's number (SAMM), which can then be checked.
  bool frames_name_subject = false;
};

/// True for "sub" or "subject" with a number or name behind it, and for "s" with a number: "sub01", "Sub 1", "s1".
bool is_worded_subject(const std::string& folder);
/// "sub01" from "1", "01", "s1", "Sub01".
std::string sub_folder(const std::string& text);
/// The number in a subject's text, padded to `width` digits behind `prefix`; the text itself where there is none.
std::string padded_subject(const std::string& text, const std::string& prefix, int width);

/// Letters and digits alone, in lower case; characters beyond ASCII stay.
std::string letters_and_digits(std::string_view text);

/// Folders in `folder`, by name in natural order. @throws Error kDisk
std::vector<std::filesystem::path> subfolders(const std::filesystem::path& folder);

/// The folder of the subjects' folders, in `folder` or up to four levels below it.
/// @throws Error kBadData: none, or none that options.frames names; kDisk: a folder that cannot be listed hides it
std::filesystem::path choose_root(const std::filesystem::path& folder, const ClipConventions& conventions,
                                  const ClipReadOptions& options, std::vector<Problem>& problems);

/// The coding file: the newest that is named after the data set, in `folder`, one level below it or beside it; else the
/// only table in `folder` that has a coding file's header.
/// @throws Error kBadData: none, or several such tables
std::filesystem::path choose_coding(const std::filesystem::path& folder, const ClipConventions& conventions,
                                    const ClipReadOptions& options, std::vector<Problem>& problems);

/// True where `folder` holds a coding file that is named after this data set, and subjects' folders.
bool looks_like(const std::filesystem::path& folder, const ClipConventions& conventions);

/// The first clip's folder below `folder` by these conventions, relative to it; nothing where there is none.
std::optional<std::filesystem::path> first_clip(const std::filesystem::path& folder,
                                                const ClipConventions& conventions);

/// Files in `folder` that are tables by their names, old .xls workbooks among them.
std::vector<std::filesystem::path> tables_in(const std::filesystem::path& folder);

}  // namespace shcnn::io
