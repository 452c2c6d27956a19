// CASME II (Yan et al., "CASME II: An Improved Spontaneous Micro-Expression Database and the Baseline Evaluation", PLoS
// ONE 2014): 255 clips of 26 subjects at 200 frames a second.
//
//   DIR/CASME2-coding-20140508.xlsx (or -20190701, -updated; or .csv)
//       Subject, Filename, (blank), OnsetFrame, ApexFrame, OffsetFrame, (blank), Action Units, Estimated Emotion
//   DIR/Cropped/sub01/EP02_01f/reg_img46.jpg, or DIR/CASME2_RAW_selected/sub01/EP02_01f/img46.jpg
//
// Subject is a plain number. Frame numbers are not zero-padded and begin at the onset. Known defects: the apex of sub04
// EP12_01f is "/"; sub09 EP02_02f and sub24 EP02_07 have no label.
#pragma once

#include "io/clips/clip_folders.h"

namespace shcnn::io {

const ClipConventions& casme2_conventions();

/// See read_clips().
ClipSet read_casme2(const std::filesystem::path& folder, const ClipReadOptions& options = {});

}  // namespace shcnn::io
