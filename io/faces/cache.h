// Cache of a FaceSet in one file, so that reading a data set a second time takes a fraction of a second.
//
// The cache is a safetensors file (names, pixels, labels, Usages, votes; counts and problems as metadata). It stores a
// manifest of its inputs: names, sizes and modification times of all input files, and the version of the readers. The
// cache is used only if the manifest still matches and the file's own hash is correct; otherwise the data are read
// again. The cache is optional: any defect in it is reported as a note, never as an error.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "io/faces/dataset.h"

namespace shcnn::io {

/// Whether and where caches are stored.
struct CacheOptions {
  bool enabled = true;
  std::filesystem::path fallback;  ///< used if the data's own folder is not writable; empty: none
};

/// Returns a hash (32 hexadecimal digits) of `kind`, the reader's name, and of the names, sizes and modification times
/// of `inputs`. Folders are hashed with their contents. @throws Error kDisk if the status of an input cannot be read
std::string manifest_of(std::string_view kind, std::span<const std::filesystem::path> inputs);

/// Returns the FaceSet from the cache `.shcnn-<kind>.safetensors` in `folder` (or in options.fallback) if that is up
/// to date; otherwise calls `read` and stores its result. Appends what happened to the cache to `notes`.
FaceSet read_cached(std::string_view kind, const std::filesystem::path& folder,
                    std::span<const std::filesystem::path> inputs, const CacheOptions& options,
                    const std::function<FaceSet()>& read, std::vector<std::string>& notes);

}  // namespace shcnn::io
