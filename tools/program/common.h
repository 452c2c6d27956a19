// Options that have the same meaning for every verb, and the registration of verbs.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/program/exit_code.h"
#include "tools/program/option_set.h"

namespace shcnn::program {

/// Options of every verb, given after the verb.
struct Common {
  std::string device = "cpu";  ///< cpu, cuda, cuda:<ordinal>, simt
  int threads = 0;             ///< 0 = all cores available to this process
  std::uint64_t seed = 1;
  std::string config;  ///< TOML file whose keys are the verb's options
  bool print_config = false;
  bool json = false;
  bool quiet = false;
  bool force = false;

  /// True if progress and remarks are printed on stderr.
  bool talkative() const { return !quiet; }
};

/// A verb: its options, and `run`, called after they are parsed. `resolve` (optional, called before `run`) sets options
/// that were not given and whose defaults are not constant (e.g. come from a recipe), so that --print-config shows
/// them.
struct Verb {
  OptionSet* options = nullptr;
  std::function<void()> run;
  std::function<void()> resolve;
};

using Verbs = std::vector<Verb>;
using Json = nlohmann::ordered_json;

/// Schema number in every --json object; incremented when a field changes its meaning or is removed.
inline constexpr int kSchema = 1;

/// Adds --config, --print-config, --json, --quiet and --force; with `computes` also --device and --threads.
void add_common(OptionSet& verb, Common& common, bool computes);
/// Adds only --threads, for verbs that compute without a device; `what` is its description in --help.
Option add_threads(OptionSet& verb, Common& common, const std::string& what);
/// Adds --seed.
void add_seed(OptionSet& verb, Common& common);

/// Throws Failure(kUsage) unless option `name` was given on the command line or in the configuration file. `remedy`
/// ends the message "train needs --data: <remedy>".
void require_option(const OptionSet& verb, const std::string& name, const std::string& remedy);
/// Throws Failure(kUsage) if `path` exists (a folder: is not empty) and --force is off, and io::Error(kDisk) if it
/// cannot be created. Call before any work.
void refuse_overwriting(const std::string& path, const Common& common);

/// Prints one JSON object on stdout.
void print_json(const Json& object);
/// Prints one line on stderr, unless --quiet.
void remark(const Common& common, const std::string& line);

}  // namespace shcnn::program
