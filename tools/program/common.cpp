#include "tools/program/common.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <iostream>

#include "io/files/output_folder.h"
#include "tools/program/standard_streams.h"

namespace shcnn::program {

Option add_threads(OptionSet& verb, Common& common, const std::string& what) {
  return verb.add_option("--threads", common.threads, what).show_default().range(0, 4096);
}

void add_common(OptionSet& verb, Common& common, bool computes) {
  const std::string group = "Everywhere";
  if (computes) {
    verb.add_option("--device", common.device, "cpu, cuda, cuda:<ordinal> or simt (the CUDA kernels, run on the CPU)")
        .show_default()
        .group(group);
    add_threads(verb, common, "threads for cpu and simt; 0 = all cores available to this process").group(group);
  }
  verb.add_option("--config", common.config,
                  "TOML file of options: a key is an option's name without --; an option given on the command line "
                  "overrides it")
      .group(group);
  verb.add_flag("--print-config", common.print_config, "print all settings in the form of such a file and exit")
      .group(group);
  verb.add_flag("--json", common.json, "one JSON object on stdout instead of text").group(group);
  verb.add_flag("--quiet", common.quiet, "print only errors on stderr").group(group);
  verb.add_flag("--force", common.force, "overwrite existing output").group(group);
}

void add_seed(OptionSet& verb, Common& common) {
  verb.add_option("--seed", common.seed, "random seed").show_default().group("Everywhere");
}

void require_option(const OptionSet& verb, const std::string& name, const std::string& remedy) {
  if (!verb.given(name)) {
    throw Failure(ExitCode::kUsage, fmt::format("{} needs {}: {}", verb.name(), name, remedy));
  }
}

void refuse_overwriting(const std::string& path, const Common& common) {
  namespace fs = std::filesystem;
  io::require_output_place(path);
  std::error_code ignored;  // require_output_place has already thrown for inaccessible paths
  if (common.force || !fs::exists(path, ignored)) return;
  if (fs::is_directory(path, ignored) && fs::is_empty(path, ignored)) return;
  throw Failure(ExitCode::kUsage, fmt::format("{} exists: choose another place, or overwrite it with --force", path));
}

void print_json(const Json& object) {
  std::cout << object.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n" << std::flush;
}

void remark(const Common& common, const std::string& line) {
  if (common.talkative()) write_to_stderr(line + "\n");
}

}  // namespace shcnn::program
