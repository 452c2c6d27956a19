// From the coding files' emotions to the classes of an experiment, as named tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/clips/clip_set.h"

namespace shcnn::io {

/// Classes and which emotions belong to each; emotions that belong to none are left out.
struct ClassMap {
  std::string name;
  std::vector<std::string> classes;
  std::vector<std::pair<std::string, std::int32_t>> emotions;  ///< word -> class
  bool every_emotion = false;  ///< "all": each emotion that occurs is a class, in alphabetical order
};

/// The named tables:
///   paper       CASME: disgust, surprise, repression, tense, happiness (the order of Table 6). CASME II: happiness,
///               others, repression, surprise, disgust (the order of the authors' matrix). SAMM: negative (anger, fear,
///               disgust, contempt, sadness), positive (happiness), surprise (the order of Table 9).
///   composite   MEGC 2019's three classes: negative (also repression), positive, surprise; others and tense left out
///   all         every emotion that occurs
/// @throws Error kUsage on another name
ClassMap class_map(std::string_view name, ClipLayout layout);

/// A user's own: a .csv (or .xlsx) file with the columns emotion and class; classes in the order of their first row.
/// @throws Error kBadData
ClassMap read_class_map(const std::filesystem::path& path);

/// Sets class names and labels; clips whose emotion belongs to no class are left out and counted.
/// @throws Error kBadData where fewer than two classes have clips
void apply_class_map(ClipSet& clips, const ClassMap& map);

/// What the published set holds under a map, where that is known.
struct ExpectedClips {
  std::int64_t videos = 0, subjects = 0;  ///< 0: not published
  std::vector<std::int64_t> videos_per_class, frames_per_class;
};
ExpectedClips expected_clips(ClipLayout layout, std::string_view map_name);

}  // namespace shcnn::io
