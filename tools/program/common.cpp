#include "tools/program/common.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>

namespace shcnn::program {

namespace {

/// --help: examples first, then what the verb does, then every option; lists of verbs show one line each.
class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return CLI::Formatter::make_help(app, name, mode);
    return app->get_footer() + "\n\n" + make_description(app) + "\n" + make_usage(app, name) + make_positionals(app) +
           make_groups(app, mode) + make_subcommands(app, mode);
  }
};

}  // namespace

void show_examples_first(CLI::App& app, const std::vector<std::string>& examples) {
  std::string text = "Examples:";
  for (const std::string& example : examples) text += "\n  " + example;
  app.footer(text);
  app.formatter(std::make_shared<ExamplesFirst>());
  app.get_formatter()->column_width(34);
}

CLI::App* add_verb(CLI::App& parent, const std::string& name, const std::string& what,
                   const std::vector<std::string>& examples) {
  CLI::App* verb = parent.add_subcommand(name, what);
  show_examples_first(*verb, examples);
  verb->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // as users of shells expect
  return verb;
}

CLI::Option* add_threads(CLI::App& verb, Common& common, const std::string& what) {
  return verb.add_option("--threads", common.threads, what)->capture_default_str()->check(CLI::Range(0, 4096));
}

void add_common(CLI::App& verb, Common& common, bool computes) {
  const std::string group = "Everywhere";
  if (computes) {
    verb.add_option("--device", common.device, "cpu, cuda, cuda:<ordinal> or simt (the CUDA kernels run on the host)")
        ->capture_default_str()
        ->group(group);
    add_threads(verb, common, "threads of cpu and simt; 0 = every core this process may use")->group(group);
  }
  verb.add_option("--config", common.config, "TOML file: its keys are these flags; a flag beats it")->group(group);
  verb.add_flag("--print-config", common.print_config, "print every setting as such a file, and do nothing else")
      ->group(group);
  verb.add_flag("--json", common.json, "one JSON object on stdout instead of text")->group(group);
  verb.add_flag("--quiet", common.quiet, "nothing on stderr but errors")->group(group);
  verb.add_flag("--force", common.force, "overwrite what exists")->group(group);
}

void add_seed(CLI::App& verb, Common& common) {
  verb.add_option("--seed", common.seed, "of everything random")->capture_default_str()->group("Everywhere");
}

void require_option(const CLI::App& verb, const std::string& name, const std::string& mend) {
  if (verb.get_option(name)->empty()) {
    throw Failure(ExitCode::kUsage, fmt::format("{} needs {}: {}", verb.get_name(), name, mend));
  }
}

void refuse_overwriting(const std::string& path, const Common& common) {
  namespace fs = std::filesystem;
  if (common.force || !fs::exists(path)) return;
  if (fs::is_directory(path) && fs::is_empty(path)) return;
  throw Failure(ExitCode::kUsage, fmt::format("{} exists: choose another place, or overwrite it with --force", path));
}

void print_json(const Json& object) {
  std::cout << object.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n" << std::flush;
}

void remark(const Common& common, const std::string& line) {
  if (common.talkative()) fmt::print(stderr, "{}\n", line);
}

}  // namespace shcnn::program
