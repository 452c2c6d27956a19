// The frames of one labelled clip: which images of its folder they are, and which of them its row of the coding file
// means. Whatever is odd is told as a Problem; see docs/formats.md for what is done about it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/clips/clip_set.h"
#include "io/clips/coding_table.h"
#include "io/clips/frame_names.h"

namespace shcnn::io {

/// The frames in `folder` by number, each number once. Left out: copies, a second sequence with the same numbers, files
/// without bytes, without a number, or of a format that is not read.
/// @param place         of the clip, for problems
/// @param name_prefix   what the frames' names begin with ("006_"), checked but not insisted on; empty: anything
/// @throws Error kDisk: the folder or what lies in it cannot be looked at
std::vector<NumberedFile> frames_of(const std::filesystem::path& folder, const std::string& place,
                                    const std::string& name_prefix, std::vector<Problem>& problems);

/// Cuts `frames`, which are not empty, to what the row codes, and puts them and the apex's position into `clip`.
void cut_to_span(const CodingRow& row, const std::string& place, ClipSpan span, std::vector<NumberedFile> frames,
                 Clip& clip, std::vector<Problem>& problems);

}  // namespace shcnn::io
