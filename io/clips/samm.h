// SAMM (Davison et al., "SAMM: A Spontaneous Micro-Facial Movement Dataset", IEEE Transactions on Affective Computing
// 2018): 159 clips of 32 subjects at 200 frames a second, gray.
//
//   DIR/SAMM_Micro_FACS_Codes_v2.xlsx   13 rows of text, header in row 14: Subject, Filename, Inducement Code,
//       Onset Frame, Apex Frame, Offset Frame, Duration, Micro, Action Units, Estimated Emotion, Objective Classes,
//       Notes
//   DIR/SAMM/006/006_1_2/006_05562.jpg  subject/clip/subject_frame
//
// Known defects: data row 56 has a wrong offset; rows 125, 132 and 133 have no apex; the apex of 028_4_1 and 032_3_1
// lies outside the clip; files of 013_1_12, 013_1_8, 017_3_2, 026_1_1, 026_1_2 and 035_7_2 are misnamed; "Other" and
// "Others" both occur.
#pragma once

#include "io/clips/clip_folders.h"

namespace shcnn::io {

const ClipConventions& samm_conventions();

/// See read_clips().
ClipSet read_samm(const std::filesystem::path& folder, const ClipReadOptions& options = {});

}  // namespace shcnn::io
