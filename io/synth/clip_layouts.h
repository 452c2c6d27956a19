// How made clips are called and listed in each layout: names of subjects, clips and frames, and the coding file's rows.
#pragma once

#include <string>
#include <vector>

#include "io/clips/clip_set.h"

namespace shcnn::synth {

std::string subject_name(io::ClipLayout layout, int subject);  ///< "sub01" or "006"
std::string clip_name(io::ClipLayout layout, int subject, int index);
std::string frame_file(io::ClipLayout layout, const std::string& subject, const std::string& clip, int number);
std::string frames_root(io::ClipLayout layout);  ///< the folder of the subjects' folders
std::string coding_name(io::ClipLayout layout);  ///< of the coding file, without its ending
/// Action units of an emotion, as the coding file has them: "6+12".
std::string units_of(const std::string& emotion);

/// One row of the coding file before it is spelt as the layout has it.
struct CodedClip {
  std::string subject, clip, onset, apex, offset, units, emotion;
  int duration = 0;  ///< frames
};

/// The whole sheet, with everything that stands above its header.
std::vector<std::vector<std::string>> coding_sheet(io::ClipLayout layout, const std::vector<CodedClip>& rows);

}  // namespace shcnn::synth
