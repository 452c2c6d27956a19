// --config and --print-config: a verb's options as a TOML file.
//
// Keys are the long option names without the dashes. Top-level keys and keys in the table named after the verb
// ([train]) apply; other tables are ignored, so that one file can serve several verbs. An array gives an option several
// values. Options on the command line override the file.
#pragma once

#include <string>
#include <vector>

namespace shcnn::program {

class OptionSet;

/// File in a RUN folder that stores the settings of the run.
inline constexpr const char* kConfigFile = "config.toml";

/// Sets the options of `verb` that were not given on the command line from the file `path`.
/// Throws Failure(kUsage) if the file holds an unknown key or a bad value; otherwise throws as read_toml.
void apply_config_file(OptionSet& verb, const std::string& path);

/// Absolute, normalised form of `path`; an empty path stays empty.
std::string absolute_path(const std::string& path);

/// The verb's options with their current values, as TOML text that apply_config_file can read. Options that have
/// neither a value nor a default are left out.
std::string config_text(const OptionSet& verb);
/// The same for a RUN folder: the values of the options named in `paths` become absolute, so that the run can be
/// resumed from any working directory.
std::string stored_config_text(const OptionSet& verb, const std::vector<std::string>& paths);

}  // namespace shcnn::program
