// Locates a clip data set below a folder: its coding file and its root, the folder that holds the subjects' folders.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/clips/clip_set.h"

namespace shcnn::io {

/// Naming conventions of one data set.
struct ClipConventions {
  ClipLayout layout;
  /// The coding file's name, reduced to lower-case letters and digits, must contain one of `coding_names` and none of
  /// `not_coding`.
  std::vector<std::string> coding_names, not_coding;
  /// Converts a subject as written in the sheet to its folder name: "1" -> "sub01", "6" -> "006".
  std::string (*subject_folder)(const std::string& text);
  /// Whether a folder name is that of a subject.
  bool (*is_subject)(const std::string& folder);
  /// Converts a clip name from the sheet or the disk to the data set's official name: "6_1_7" -> "006_1_7".
  std::string (*clip_name)(const std::string& text);
  /// Whether a frame's file name begins with its subject's number (SAMM); it is then checked.
  bool frames_name_subject = false;
};

/// True for "sub" or "subject" followed by a number or name, and for "s" followed by a number: "sub01", "Sub 1", "s1".
bool is_worded_subject(const std::string& folder);
/// "sub01" from "1", "01", "s1", "Sub01".
std::string sub_folder(const std::string& text);
/// `prefix` followed by the number in `text`, zero-padded to `width` digits; `text` itself if it contains no number.
std::string padded_subject(const std::string& text, const std::string& prefix, int width);

/// Keeps only letters and digits, in lower case, and all characters outside ASCII.
std::string letters_and_digits(std::string_view text);

/// Subfolders of `folder`, sorted by name in natural order. @throws Error kDisk
std::vector<std::filesystem::path> subfolders(const std::filesystem::path& folder);

/// Finds the folder that holds the subjects' folders: `folder` itself or one up to four levels below it.
/// @throws Error kBadData: there is none, or none that options.frames names; kDisk: there is none, but a folder could
/// not be listed
std::filesystem::path choose_root(const std::filesystem::path& folder, const ClipConventions& conventions,
                                  const ClipReadOptions& options, std::vector<Problem>& problems);

/// Finds the coding file: the newest one named after the data set in `folder`, one level below it, or in its parent
/// folder; else the only table in `folder` that has a coding file's header.
/// @throws Error kBadData: there is none, or several tables have such a header; kDisk: there is none, but a folder
/// could not be listed
std::filesystem::path choose_coding(const std::filesystem::path& folder, const ClipConventions& conventions,
                                    const ClipReadOptions& options, std::vector<Problem>& problems);

/// Whether `folder` holds a coding file named after this data set, and subjects' folders.
bool looks_like(const std::filesystem::path& folder, const ClipConventions& conventions);

/// The first clip's folder below `folder` under these conventions, relative to `folder`; empty if there is none.
std::optional<std::filesystem::path> first_clip(const std::filesystem::path& folder,
                                                const ClipConventions& conventions);

/// Files in `folder` with the name of a table: .xlsx, .csv, and .xls, which cannot be read.
std::vector<std::filesystem::path> tables_in(const std::filesystem::path& folder);

}  // namespace shcnn::io
