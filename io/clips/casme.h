// CASME (Yan et al., "CASME Database: A Dataset of Spontaneous Micro-Expressions Collected From Neutralized Faces", FG
// 2013): 189 clips of 19 subjects at 60 frames a second.
//
//   DIR/*CASME*.xlsx            Subject, Filename, (blank), OnsetF, ApexF1, ApexF2, OffsetF, (blank), AUs, Emotion
//   DIR/Cropped/sub01/<clip>/*.jpg, or DIR/CASME_raw_selected/sub01/<clip>/*.jpg
//
// The apex is ApexF1, or ApexF2 if ApexF1 holds no number. Columns are found by name, so the order of the last two does
// not matter. Rows 40, 42, 43, 54 and 140 (counted from 0 after the header) are known to have an onset or offset
// outside the clip's frames: such clips get the frames that exist, and a Problem is reported.
#pragma once

#include "io/clips/clip_folders.h"

namespace shcnn::io {

const ClipConventions& casme_conventions();

/// See read_clips().
ClipSet read_casme(const std::filesystem::path& folder, const ClipReadOptions& options = {});

}  // namespace shcnn::io
