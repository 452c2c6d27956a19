// Reads TOML files with limits on size and nesting.
#pragma once

#include <toml++/toml.h>

#include <filesystem>
#include <string>

#include "io/files/error.h"

namespace shcnn::program {

/// Parses the file `path`. @throws io::Error: `bad` if it is not valid TOML or is nested more than 16 levels deep (both
/// with the line), is larger than 1 MiB or is no regular file; kDisk if it cannot be read. `remedy` ends the message of
/// a bad file.
toml::table read_toml(const std::filesystem::path& path, io::ErrorKind bad, const std::string& remedy);

}  // namespace shcnn::program
