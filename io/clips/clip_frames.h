// The frames of one labelled clip: finds them among the images of its folder and selects those that its row of the
// coding file covers. Irregularities are reported as Problems; docs/formats.md says how each is handled.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/clips/clip_set.h"
#include "io/clips/coding_table.h"
#include "io/clips/frame_names.h"

namespace shcnn::io {

/// The frames in `folder`, ordered by number, each number once. Left out: copies, a second sequence with the same
/// numbers, empty files, files without a number, and files of an unsupported format.
/// @param place         the clip's location, used in problems
/// @param name_prefix   expected start of the frames' names ("006_"); a mismatch is only a Problem; empty: any name
/// @throws Error kDisk: the folder or an entry of it cannot be read
std::vector<NumberedFile> frames_of(const std::filesystem::path& folder, const std::string& place,
                                    const std::string& name_prefix, std::vector<Problem>& problems);

/// Cuts `frames` (not empty) to the range coded in the row, and stores them and the apex position in `clip`.
void cut_to_span(const CodingRow& row, const std::string& place, ClipSpan span, std::vector<NumberedFile> frames,
                 Clip& clip, std::vector<Problem>& problems);

}  // namespace shcnn::io
