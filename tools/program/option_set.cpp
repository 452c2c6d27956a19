#include "tools/program/option_set.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <iostream>
#include <limits>
#include <type_traits>
#include <utility>

namespace shcnn::program {
namespace {

/// Order of --help: examples, description, options; sub-verbs take one line each.
class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return CLI::Formatter::make_help(app, name, mode);
    return app->get_footer() + "\n\n" + make_description(app) + "\n" + make_usage(app, name) + make_positionals(app) +
           make_groups(app, mode) + make_subcommands(app, mode);
  }
};

/// Error message if `text` is not a decimal integer of at least `least`, otherwise empty. Needed because CLI11 also
/// accepts octal and hexadecimal, and converts -1 to 2^64 - 1. The maximum is that of a TOML integer, 2^63 - 1.
std::string integer_problem(const std::string& text, std::int64_t least) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && text == std::to_string(value) && value >= least) return {};
  return "'" + text + "' is no whole number from " + std::to_string(least) + " to " +
         std::to_string(std::numeric_limits<std::int64_t>::max()) + " in decimal digits";
}

/// Returns the option; if T is an integer or a vector of integers, adds the check integer_problem.
template <class T>
CLI::Option* with_strict_integers(CLI::Option* option) {
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    option->check([](const std::string& text) { return integer_problem(text, 0); });
  } else if constexpr (std::is_same_v<T, int> || std::is_same_v<T, std::int64_t> ||
                       std::is_same_v<T, std::vector<int>>) {
    option->check(
        [](const std::string& text) { return integer_problem(text, std::numeric_limits<std::int64_t>::min()); });
  }
  return option;
}

bool is_number(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  for (const char* number : {"INT", "UINT", "FLOAT", "BOOLEAN"}) {
    if (type.rfind(number, 0) == 0) return true;
  }
  return option.get_items_expected_max() == 0;  // a flag is a boolean
}

}  // namespace

// --- Option ---------------------------------------------------------------------------------------------------------

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::range(int low, int high) {
  option_->check(CLI::Range(low, high));
  return *this;
}

Option& Option::range(double low, double high) {
  option_->check(CLI::Range(low, high));
  return *this;
}

Option& Option::group(const std::string& heading) {
  option_->group(heading);
  return *this;
}

Option& Option::value_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::values(int count) {
  option_->expected(count);
  return *this;
}

Option& Option::repeatable() {
  option_->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Option& Option::one_value_each() {
  option_->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
  return *this;
}

// --- OptionSet ------------------------------------------------------------------------------------------------------

OptionSet::OptionSet(const std::string& name, const std::string& what)
    : root_(std::make_unique<CLI::App>(what, name)), app_(root_.get()) {}

OptionSet::OptionSet(CLI::App& app, const std::vector<std::string>& examples) : app_(&app) {
  show_examples(examples);
  app_->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // usual for command-line programs
}

OptionSet::~OptionSet() = default;

const std::string& OptionSet::name() const { return app_->get_name(); }

OptionSet& OptionSet::add_verb(const std::string& name, const std::string& what,
                               const std::vector<std::string>& examples) {
  verbs_.emplace_back(new OptionSet(*app_->add_subcommand(name, what), examples));
  return *verbs_.back();
}

void OptionSet::require_verb() { app_->require_subcommand(1); }

bool OptionSet::asked_for() const { return app_->parsed(); }

template <class T>
Option OptionSet::add_option(const std::string& name, T& value, const std::string& what) {
  return Option(*with_strict_integers<T>(app_->add_option(name, value, what)));
}
template Option OptionSet::add_option<int>(const std::string&, int&, const std::string&);
template Option OptionSet::add_option<std::int64_t>(const std::string&, std::int64_t&, const std::string&);
template Option OptionSet::add_option<std::uint64_t>(const std::string&, std::uint64_t&, const std::string&);
template Option OptionSet::add_option<double>(const std::string&, double&, const std::string&);
template Option OptionSet::add_option<std::string>(const std::string&, std::string&, const std::string&);
template Option OptionSet::add_option<std::vector<int>>(const std::string&, std::vector<int>&, const std::string&);
template Option OptionSet::add_option<std::vector<double>>(const std::string&, std::vector<double>&,
                                                           const std::string&);
template Option OptionSet::add_option<std::vector<std::string>>(const std::string&, std::vector<std::string>&,
                                                                const std::string&);

template <class T>
Option OptionSet::add_option_function(const std::string& name, const std::function<void(const T&)>& take,
                                      const std::string& what) {
  return Option(*with_strict_integers<T>(app_->add_option_function<T>(name, take, what)));
}
template Option OptionSet::add_option_function<bool>(const std::string&, const std::function<void(const bool&)>&,
                                                     const std::string&);
template Option OptionSet::add_option_function<int>(const std::string&, const std::function<void(const int&)>&,
                                                    const std::string&);
template Option OptionSet::add_option_function<std::int64_t>(const std::string&,
                                                             const std::function<void(const std::int64_t&)>&,
                                                             const std::string&);
template Option OptionSet::add_option_function<double>(const std::string&, const std::function<void(const double&)>&,
                                                       const std::string&);
template Option OptionSet::add_option_function<std::string>(const std::string&,
                                                            const std::function<void(const std::string&)>&,
                                                            const std::string&);

Option OptionSet::add_flag(const std::string& name, bool& value, const std::string& what) {
  return Option(*app_->add_flag(name, value, what));
}

void OptionSet::add_version(const std::string& text) { app_->set_version_flag("--version", text); }

void OptionSet::show_examples(const std::vector<std::string>& examples) {
  std::string text = "Examples:";
  for (const std::string& example : examples) text += "\n  " + example;
  app_->footer(text);
  app_->formatter(std::make_shared<ExamplesFirst>());
  app_->get_formatter()->column_width(34);
}

bool OptionSet::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    app_->exit(e, std::cout, std::cerr);
    return false;
  } catch (const CLI::ParseError& e) {
    throw OptionError(e.what());
  }
  return true;
}

bool OptionSet::given(const std::string& name) const { return !app_->get_option(name)->empty(); }

std::vector<Setting> OptionSet::settings() const {
  std::vector<Setting> out;
  for (const CLI::Option* option : std::as_const(*app_).get_options()) {
    if (option->get_lnames().empty() || option == app_->get_help_ptr()) continue;
    Setting setting;
    setting.name = option->get_lnames().front();
    setting.group = option->get_group();
    setting.given = !option->empty();
    setting.number = is_number(*option);
    setting.list = option->get_items_expected_max() > 1;
    setting.values = option->reduced_results();
    if (setting.values.empty() && !setting.list && !option->get_default_str().empty()) {
      setting.values = {option->get_default_str()};
    }
    out.push_back(std::move(setting));
  }
  return out;
}

bool OptionSet::has(const std::string& name) const { return app_->get_option_no_throw("--" + name) != nullptr; }

void OptionSet::assign(const std::string& name, const std::vector<std::string>& values) {
  if (values.empty()) throw OptionError("needs a value");
  CLI::Option* option = app_->get_option("--" + name);
  if (values.size() > 1 && option->get_items_expected_max() <= 1) {
    throw OptionError("takes one value, not " + std::to_string(values.size()));
  }
  try {
    for (const std::string& value : values) option->add_result(value);
    option->run_callback();
  } catch (const CLI::ParseError& e) {
    throw OptionError(e.what());
  }
}

void OptionSet::set_default_text(const std::string& name, const std::string& text) {
  app_->get_option("--" + name)->default_str(text);
}

}  // namespace shcnn::program
