// CASME (Yan et al., "CASME Database: A Dataset of Spontaneous Micro-Expressions Collected From Neutralized Faces", FG
// 2013): 189 clips of 19 subjects at 60 frames a second.
//
//   DIR/*CASME*.xlsx            Subject, Filename, (blank), OnsetF, ApexF1, ApexF2, OffsetF, (blank), AUs, Emotion
//   DIR/Cropped/sub01/<clip>/*.jpg, or DIR/CASME_raw_selected/sub01/<clip>/*.jpg
//
// ApexF1 is the apex; where it holds no number, ApexF2. Columns are found by name, so the order of the last two does
// not matter. Rows 40, 42, 43, 54 and 140 (behind the header, from 0) are known to code an onset or offset beside the
// frames: such rows get the frames that are there, and a Problem.
#pragma once

#include "io/clips/clip_folders.h"

namespace shcnn::io {

const ClipConventions& casme_conventions();

/// See read_clips().
ClipSet read_casme(const std::filesystem::path& folder, const ClipReadOptions& options = {});

}  // namespace shcnn::io
