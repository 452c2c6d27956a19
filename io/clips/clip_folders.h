// Shared reader of CASME, CASME II and SAMM: matches the folders on disk with the rows of the coding file.
#pragma once

#include <filesystem>

#include "io/clips/clip_places.h"
#include "io/clips/clip_set.h"

namespace shcnn::io {

/// Reads coding file and frames; implements read_clips(), which documents the errors.
ClipSet read_layout(const ClipConventions& conventions, const std::filesystem::path& folder,
                    const ClipReadOptions& options);

}  // namespace shcnn::io
