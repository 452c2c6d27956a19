// What the readers of CASME, CASME II and SAMM share: which folder belongs to which row of the coding file.
#pragma once

#include <filesystem>

#include "io/clips/clip_places.h"
#include "io/clips/clip_set.h"

namespace shcnn::io {

/// Coding file and frames as read_clips() wants them; see there for errors.
ClipSet read_layout(const ClipConventions& conventions, const std::filesystem::path& folder,
                    const ClipReadOptions& options);

}  // namespace shcnn::io
