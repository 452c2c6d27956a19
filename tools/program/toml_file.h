// TOML files, read under limits.
#pragma once

#include <toml++/toml.h>

#include <filesystem>
#include <string>

#include "io/files/error.h"

namespace shcnn::program {

/// The table in `path`. @throws io::Error: `bad`, with line, where it is no TOML, is larger than 1 MiB or nested more
/// than 16 deep, or is no regular file; kDisk where it cannot be read. `remedy` ends the message of a bad file.
toml::table read_toml(const std::filesystem::path& path, io::ErrorKind bad, const std::string& remedy);

}  // namespace shcnn::program
