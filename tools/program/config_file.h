// --config and --print-config: a verb's flags as a TOML file.
//
// Keys are the long names of the flags without the dashes. Keys at the top and keys in a table named after the verb
// ([train]) are the verb's; tables of other verbs are left alone, so that one file can serve several verbs. Arrays give
// a flag several values. Flags on the command line beat the file.
#pragma once

#include <string>
#include <vector>

namespace shcnn::program {

class OptionSet;

/// In a RUN folder: the settings that the run was made with.
inline constexpr const char* kConfigFile = "config.toml";

/// Gives the options of `verb` that are not on the command line their values from `path`.
/// Throws Failure(kUsage) where the file holds a key that the verb does not know, or a bad value; as read_toml
/// otherwise.
void apply_config_file(OptionSet& verb, const std::string& path);

/// Where `path` lies, whatever folder a later call is made from; an empty path stays empty.
std::string absolute_path(const std::string& path);

/// The verb's options with their present values, as text that apply_config_file reads back. Options that have neither a
/// value nor a default are left out.
std::string config_text(const OptionSet& verb);
/// The same for a RUN folder: the values of the options in `paths` become absolute, so that the run can go on from any
/// folder.
std::string stored_config_text(const OptionSet& verb, const std::vector<std::string>& paths);

}  // namespace shcnn::program
