// Class maps: named tables that map the emotions of the coding files to the classes of an experiment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/clips/clip_set.h"

namespace shcnn::io {

/// Classes and the emotions that belong to each. Clips whose emotion belongs to no class are left out.
struct ClassMap {
  std::string name;
  std::vector<std::string> classes;
  std::vector<std::pair<std::string, std::int32_t>> emotions;  ///< emotion -> class index
  bool every_emotion = false;  ///< "all": each emotion that occurs becomes a class, in alphabetical order
};

/// Returns one of the named tables:
///   paper       CASME: disgust, surprise, repression, tense, happiness (the order of Table 6). CASME II: happiness,
///               others, repression, surprise, disgust (the order of the authors' confusion matrix). SAMM: negative
///               (anger, fear, disgust, contempt, sadness), positive (happiness), surprise (the order of Table 9).
///   composite   MEGC 2019's three classes: negative (also repression), positive, surprise; others and tense left out
///   all         every emotion that occurs
/// @throws Error kUsage for another name
ClassMap class_map(std::string_view name, ClipLayout layout);

/// Reads a user-defined map: a .csv or .xlsx file with the columns emotion and class. Classes are numbered in the order
/// of their first row. @throws Error kBadData
ClassMap read_class_map(const std::filesystem::path& path);

/// Sets class names and labels. Clips whose emotion belongs to no class are left out and counted in `dropped`.
/// @throws Error kBadData if fewer than two classes have clips
void apply_class_map(ClipSet& clips, const ClassMap& map);

/// Published counts of a data set under a map, as far as they are known.
struct ExpectedClips {
  std::int64_t videos = 0, subjects = 0;  ///< 0: not published
  std::vector<std::int64_t> videos_per_class, frames_per_class;
};
ExpectedClips expected_clips(ClipLayout layout, std::string_view map_name);

}  // namespace shcnn::io
