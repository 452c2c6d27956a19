// The options of a verb. Only option_set.cpp includes CLI11, which is header-only: when every verb's file included it,
// option parsing took half of the program's compile time.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace shcnn::program {

/// An option or its value is invalid; what() names the option.
class OptionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Handle to one option of an OptionSet, returned by add_option to configure it further. Copies refer to the same
/// option.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  /// Shows the variable's current value as default in --help and in the configuration.
  Option& show_default();
  /// Rejects values outside [low, high].
  Option& range(int low, int high);
  Option& range(double low, double high);
  Option& at_least(int low) { return range(low, std::numeric_limits<int>::max()); }
  /// Sets the heading under which --help lists the option.
  Option& group(const std::string& heading);
  /// Sets the placeholder for the value in --help.
  Option& value_name(const std::string& name);
  /// The option takes exactly `count` values.
  Option& values(int count);
  /// The option may be given several times and collects all values; by default the last one wins.
  Option& repeatable();
  /// As repeatable, but each occurrence takes one value; what follows is a positional argument.
  Option& one_value_each();

 private:
  CLI::Option* option_;
};

/// State of an option, for configuration files.
struct Setting {
  std::string name;  ///< without dashes
  std::string group;
  bool given = false;               ///< on the command line or by assign()
  bool number = false;              ///< values are numbers or booleans; otherwise text
  bool list = false;                ///< accepts several values
  std::vector<std::string> values;  ///< given values, else the shown default; empty if there is neither
};

/// Options of the program or of a verb, and its sub-verbs.
class OptionSet {
 public:
  explicit OptionSet(const std::string& name, const std::string& what = {});
  ~OptionSet();
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  const std::string& name() const;

  /// Adds a sub-verb; its --help shows `examples` first, one per line. The result lives as long as this object.
  OptionSet& add_verb(const std::string& name, const std::string& what, const std::vector<std::string>& examples);
  /// Requires that one of the sub-verbs is given.
  void require_verb();
  /// Whether this verb was given on the command line.
  bool asked_for() const;

  /// Adds an option "--name" or a positional argument "name". T: bool, int, std::int64_t, std::uint64_t, double,
  /// std::string, and vectors of int, double and std::string. `value` must outlive this object.
  template <class T>
  Option add_option(const std::string& name, T& value, const std::string& what);
  /// As add_option, but passes the value to `take`. T: bool, int, std::int64_t, double, std::string.
  template <class T>
  Option add_option_function(const std::string& name, const std::function<void(const T&)>& take,
                             const std::string& what);
  /// Adds a flag "--name" without value; "--name,!--no-name" also adds a negated form.
  Option add_flag(const std::string& name, bool& value, const std::string& what);
  /// Adds --version, which prints `text`.
  void add_version(const std::string& text);
  /// Shows `examples` at the top of --help.
  void show_examples(const std::vector<std::string>& examples);

  /// Parses the command line. Returns false if --help or --version was given; the text has then been printed.
  /// @throws OptionError
  bool parse(int argc, char** argv);

  /// Whether option `name` ("--out") has a value from the command line or by assign().
  bool given(const std::string& name) const;
  /// All options with a long name except --help.
  std::vector<Setting> settings() const;
  /// Whether an option with this long name (without dashes) exists.
  bool has(const std::string& name) const;
  /// Sets the values of an option, as the command line would. @throws OptionError
  void assign(const std::string& name, const std::vector<std::string>& values);
  /// Sets the default that --help and the configuration show if no value was given.
  void set_default_text(const std::string& name, const std::string& text);

 private:
  OptionSet(CLI::App& app, const std::vector<std::string>& examples);

  std::unique_ptr<CLI::App> root_;  ///< set only for the program itself; it owns the apps of all verbs
  CLI::App* app_;
  std::vector<std::unique_ptr<OptionSet>> verbs_;
};

}  // namespace shcnn::program
