// A FaceSet packed into one file, so that the second reading of a data set takes a fraction of a second.
//
// The file is a safetensors file (names, pixels, labels, Usages, votes; counts and problems as metadata) that carries
// the manifest of what it was made of: names, sizes and modification times of all input files, and the version of the
// readers. It is used only where that manifest is today's and the file's own hash holds; otherwise the data are read
// anew. A cache is never needed: whatever is wrong with it is a note, not an error.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "io/faces/dataset.h"

namespace shcnn::io {

/// Where caches may lie.
struct CacheOptions {
  bool enabled = true;
  std::filesystem::path fallback;  ///< folder to use where the data's own cannot be written to; empty: none
};

/// 32 hexadecimal digits over the names, sizes and modification times of `inputs` (folders: all that is in them) and
/// over `kind`, the reader's name. @throws Error kDisk where an input cannot be looked at
std::string manifest_of(std::string_view kind, std::span<const std::filesystem::path> inputs);

/// Returns what `read` returns, from the cache `.shcnn-<kind>.safetensors` in `folder` (or in options.fallback) where
/// that is current; else calls `read` and stores what it gives. Whatever happened to the cache is told in `notes`.
FaceSet read_cached(std::string_view kind, const std::filesystem::path& folder,
                    std::span<const std::filesystem::path> inputs, const CacheOptions& options,
                    const std::function<FaceSet()>& read, std::vector<std::string>& notes);

}  // namespace shcnn::io
