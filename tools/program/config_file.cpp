#include "tools/program/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "tools/program/exit_code.h"
#include "tools/program/option_set.h"
#include "tools/program/toml_file.h"

namespace shcnn::program {
namespace {

/// Options that are not stored: they concern the configuration itself, the output format, or only this start.
constexpr std::array<const char*, 7> kNotSettings{"config", "print-config", "json",        "quiet",
                                                  "force",  "resume",       "force-resume"};

bool is_setting(const std::string& name) {
  return std::find(kNotSettings.begin(), kNotSettings.end(), name) == kNotSettings.end();
}

std::string text_of(const toml::node& node, const std::string& place) {
  if (const auto* v = node.as_string()) return v->get();
  if (const auto* v = node.as_integer()) return fmt::format("{}", v->get());
  if (const auto* v = node.as_floating_point()) return fmt::format("{}", v->get());
  if (const auto* v = node.as_boolean()) return v->get() ? "true" : "false";
  throw Failure(ExitCode::kUsage, place + ": a value must be a string, a number, true, false or an array of them");
}

void apply_table(OptionSet& verb, const toml::table& table, const std::string& path, bool top) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const std::string place = fmt::format("{}:{}: key '{}'", path, node.source().begin.line, name);
    if (node.is_table() && top) {
      if (name == verb.name()) apply_table(verb, *node.as_table(), path, false);
      continue;
    }
    if (!verb.has(name) || !is_setting(name)) {
      throw Failure(ExitCode::kUsage,
                    fmt::format("{} is unknown to shcnn {} (its --help lists what it knows)", place, verb.name()));
    }
    if (verb.given("--" + name)) continue;  // the command line takes precedence
    std::vector<std::string> values;
    if (const toml::array* list = node.as_array()) {
      for (const toml::node& value : *list) values.push_back(text_of(value, place));
    } else {
      values.push_back(text_of(node, place));
    }
    try {
      verb.assign(name, values);
    } catch (const OptionError& e) {
      throw Failure(ExitCode::kUsage, fmt::format("{}: {}", place, e.what()));
    }
  }
}

/// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string literal(const Setting& setting, const std::string& value) { return setting.number ? value : quoted(value); }

}  // namespace

void apply_config_file(OptionSet& verb, const std::string& path) {
  apply_table(verb, read_toml(path, io::ErrorKind::kUsage, "--config wants a TOML file"), path, true);
}

std::string absolute_path(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

std::string config_text(const OptionSet& verb) { return stored_config_text(verb, {}); }

std::string stored_config_text(const OptionSet& verb, const std::vector<std::string>& paths) {
  std::string text = fmt::format("# shcnn {}\n", verb.name());
  for (Setting setting : verb.settings()) {
    if (!is_setting(setting.name) || setting.values.empty()) continue;
    if (std::find(paths.begin(), paths.end(), setting.name) != paths.end()) {
      for (std::string& path : setting.values) path = absolute_path(path);
    }
    std::string value;
    if (setting.list) {
      for (const std::string& v : setting.values) value += (value.empty() ? "[" : ", ") + literal(setting, v);
      value += "]";
    } else {
      value = literal(setting, setting.values.front());
    }
    text += fmt::format("{} = {}\n", setting.name, value);
  }
  return text;
}

}  // namespace shcnn::program
