// What every verb of the program shares: the options that mean the same everywhere, and how a verb is registered.
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
  int threads = 0;             ///< 0 = every core this process may use
  std::uint64_t seed = 1;
  std::string config;  ///< TOML file whose keys are the verb's flags
  bool print_config = false;
  bool json = false;
  bool quiet = false;
  bool force = false;

  /// True where progress and remarks on stderr are wanted.
  bool talkative() const { return !quiet; }
};

/// A verb: its options, and what it does once they are known. `resolve` (optional) fills options that were not given
/// from something else than a constant, e.g. a recipe, so that --print-config shows them.
struct Verb {
  OptionSet* options = nullptr;
  std::function<void()> run;
  std::function<void()> resolve;
};

using Verbs = std::vector<Verb>;
using Json = nlohmann::ordered_json;

/// Schema number in every --json object; grows when a field changes its meaning or disappears.
inline constexpr int kSchema = 1;

/// Adds --config, --print-config, --json, --quiet and --force, and, where the verb computes, --device and --threads.
void add_common(OptionSet& verb, Common& common, bool computes);
/// Adds --threads alone, for verbs that compute without a device; `what` is its line in --help.
Option add_threads(OptionSet& verb, Common& common, const std::string& what);
/// Adds --seed.
void add_seed(OptionSet& verb, Common& common);

/// Throws Failure(kUsage) unless option `name` was given by flag or configuration; `remedy` ends the sentence
/// "shcnn train needs --data: <remedy>".
void require_option(const OptionSet& verb, const std::string& name, const std::string& remedy);
/// Throws Failure(kUsage) if `path` exists (a folder: is not empty) and --force is off, and io::Error(kDisk) if it
/// could not be made. Called before any work.
void refuse_overwriting(const std::string& path, const Common& common);

/// Prints one JSON object on stdout.
void print_json(const Json& object);
/// One line on stderr, unless --quiet.
void remark(const Common& common, const std::string& line);

}  // namespace shcnn::program
