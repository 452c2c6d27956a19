// Names of synthetic clips in each layout: subjects, clips, frames, and the coding file with its rows.
#pragma once

#include <string>
#include <vector>

#include "io/clips/clip_set.h"

namespace shcnn::synth {

std::string subject_name(io::ClipLayout layout, int subject);  ///< "sub01" or "006"
std::string clip_name(io::ClipLayout layout, int subject, int index);
std::string frame_file(io::ClipLayout layout, const std::string& subject, const std::string& clip, int number);
std::string frames_root(io::ClipLayout layout);  ///< the folder that holds the subjects' folders
std::string coding_name(io::ClipLayout layout);  ///< name of the coding file, without extension
/// Action units of an emotion in the notation of the coding file: "6+12".
std::string units_of(const std::string& emotion);

/// One row of the coding file, independent of the layout.
struct CodedClip {
  std::string subject, clip, onset, apex, offset, units, emotion;
  int duration = 0;  ///< frames
};

/// The whole sheet as rows of cells, including the rows above its header.
std::vector<std::vector<std::string>> coding_sheet(io::ClipLayout layout, const std::vector<CodedClip>& rows);

}  // namespace shcnn::synth
