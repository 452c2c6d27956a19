#include "tools/program/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <vector>

#include "tools/program/exit_code.h"

namespace shcnn::program {
namespace {

/// Flags that speak about the configuration or the output's form are not part of it.
constexpr std::array<const char*, 6> kNotSettings{"help", "config", "print-config", "json", "quiet", "force"};

bool is_setting(const CLI::Option& option) {
  const std::vector<std::string>& names = option.get_lnames();
  return !names.empty() && std::find(kNotSettings.begin(), kNotSettings.end(), names.front()) == kNotSettings.end();
}

std::string text_of(const toml::node& node, const std::string& place) {
  if (const auto* v = node.as_string()) return v->get();
  if (const auto* v = node.as_integer()) return fmt::format("{}", v->get());
  if (const auto* v = node.as_floating_point()) return fmt::format("{}", v->get());
  if (const auto* v = node.as_boolean()) return v->get() ? "true" : "false";
  throw Failure(ExitCode::kUsage, place + ": a value must be a string, a number, true, false or an array of them");
}

void apply_table(CLI::App& verb, const toml::table& table, const std::string& path, bool top) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const std::string place = fmt::format("{}:{}: key '{}'", path, node.source().begin.line, name);
    if (node.is_table() && top) {
      if (name == verb.get_name()) apply_table(verb, *node.as_table(), path, false);
      continue;
    }
    CLI::Option* option = verb.get_option_no_throw("--" + name);
    if (!option || !is_setting(*option)) {
      throw Failure(ExitCode::kUsage,
                    fmt::format("{} is unknown to shcnn {} (its --help lists what it knows)", place, verb.get_name()));
    }
    if (!option->empty()) continue;  // the command line has spoken
    if (const toml::array* values = node.as_array()) {
      for (const toml::node& value : *values) option->add_result(text_of(value, place));
    } else {
      option->add_result(text_of(node, place));
    }
    try {
      option->run_callback();
    } catch (const CLI::ParseError& e) {
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

std::string literal(const CLI::Option& option, const std::string& value) {
  if (option.get_items_expected_max() == 0) return value;  // a flag: true or false
  const std::string type = option.get_type_name();
  const bool number = type.rfind("INT", 0) == 0 || type.rfind("UINT", 0) == 0 || type.rfind("FLOAT", 0) == 0 ||
                      type.rfind("BOOLEAN", 0) == 0;
  return number ? value : quoted(value);
}

}  // namespace

void apply_config_file(CLI::App& verb, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw Failure(ExitCode::kDisk, fmt::format("{}: cannot be read; --config wants a TOML file", path));
  }
  try {
    apply_table(verb, toml::parse(text.str(), path), path, true);
  } catch (const toml::parse_error& e) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("{}:{}: no valid TOML: {}", path, e.source().begin.line, e.description()));
  }
}

std::string config_text(const CLI::App& verb) {
  std::string text = fmt::format("# shcnn {}\n", verb.get_name());
  for (const CLI::Option* option : verb.get_options()) {
    if (!is_setting(*option)) continue;
    const std::vector<std::string> values = option->reduced_results();
    std::string value;
    if (option->get_items_expected_max() > 1) {
      for (const std::string& v : values) value += (value.empty() ? "" : ", ") + literal(*option, v);
      if (value.empty()) continue;
      value = "[" + value + "]";
    } else if (!values.empty()) {
      value = literal(*option, values.front());
    } else if (!option->get_default_str().empty()) {
      value = literal(*option, option->get_default_str());
    } else {
      continue;
    }
    text += fmt::format("{} = {}\n", option->get_lnames().front(), value);
  }
  return text;
}

}  // namespace shcnn::program
