// The options of a verb. Only option_set.cpp sees CLI11, whose headers define everything inline: with them in every
// verb's file, parsing options was half of what the program took to compile.
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

/// What was given for an option cannot be used; what() names the option.
class OptionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One option of an OptionSet, as add_option returns it, to say more about it. A handle: copies speak of the same
/// option.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  /// --help and the configuration show the value that the variable holds now.
  Option& show_default();
  /// Values outside [low, high] are refused.
  Option& range(int low, int high);
  Option& range(double low, double high);
  Option& at_least(int low) { return range(low, std::numeric_limits<int>::max()); }
  /// The heading in --help.
  Option& group(const std::string& heading);
  /// What --help calls the value.
  Option& value_name(const std::string& name);
  /// Exactly `count` values follow the name.
  Option& values(int count);
  /// The option may be given several times, and its values add up; without this the last one counts.
  Option& repeatable();
  /// As repeatable, with one value behind each name: what follows it is a positional argument.
  Option& one_value_each();

 private:
  CLI::Option* option_;
};

/// An option's state, for configuration files.
struct Setting {
  std::string name;  ///< without dashes
  std::string group;
  bool given = false;               ///< on the command line or by assign()
  bool number = false;              ///< values are numbers, true or false; else text
  bool list = false;                ///< takes several values
  std::vector<std::string> values;  ///< given, or the default that is shown; empty where there is neither
};

/// A program's or a verb's options, and the verbs below it.
class OptionSet {
 public:
  explicit OptionSet(const std::string& name, const std::string& what = {});
  ~OptionSet();
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  const std::string& name() const;

  /// A verb below this one; `examples` are shown first in its --help, one a line. Lives as long as this.
  OptionSet& add_verb(const std::string& name, const std::string& what, const std::vector<std::string>& examples);
  /// One of the verbs below must be given.
  void require_verb();
  /// Whether this verb was asked for.
  bool asked_for() const;

  /// Adds an option "--name" or a positional argument "name". T: bool, int, std::int64_t, std::uint64_t, double,
  /// std::string, and vectors of int, double and std::string. `value` must outlive this.
  template <class T>
  Option add_option(const std::string& name, T& value, const std::string& what);
  /// As add_option, for a value that goes to a function. T: bool, int, std::int64_t, double, std::string.
  template <class T>
  Option add_option_function(const std::string& name, const std::function<void(const T&)>& take,
                             const std::string& what);
  /// Adds "--name" without a value; "--name,!--no-name" has a form for false too.
  Option add_flag(const std::string& name, bool& value, const std::string& what);
  /// --version prints `text`.
  void add_version(const std::string& text);
  /// Examples at the head of --help.
  void show_examples(const std::vector<std::string>& examples);

  /// Reads the command line. False where it asked for --help or --version, which have then been printed.
  /// @throws OptionError
  bool parse(int argc, char** argv);

  /// Whether option `name` ("--out") has a value from the command line or by assign().
  bool given(const std::string& name) const;
  /// Every option but --help.
  std::vector<Setting> settings() const;
  /// Whether there is an option of this long name (without dashes).
  bool has(const std::string& name) const;
  /// Gives an option its values, as the command line would. @throws OptionError
  void assign(const std::string& name, const std::vector<std::string>& values);
  /// What --help and the configuration show where no value was given.
  void set_default_text(const std::string& name, const std::string& text);

 private:
  OptionSet(CLI::App& app, const std::vector<std::string>& examples);

  std::unique_ptr<CLI::App> root_;  ///< of the program alone; verbs belong to it
  CLI::App* app_;
  std::vector<std::unique_ptr<OptionSet>> verbs_;
};

}  // namespace shcnn::program
