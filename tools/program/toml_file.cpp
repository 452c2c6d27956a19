// toml++ limits the nesting of values but not of tables, whose destructor is recursive: [a.a.a.a.a ...] causes a stack
// overflow. Therefore nesting is checked before parsing.
#include "tools/program/toml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/files/input_file.h"

namespace shcnn::program {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;
constexpr int kMostDepth = 16;

/// Number of the first line in which arrays, inline tables or dotted keys are nested deeper than kMostDepth; 0 if there
/// is none. Text that is not valid TOML may pass; the parser rejects it.
int line_nested_too_deep(std::string_view text) {
  int line = 1, brackets = 0, dots = 0;  // dots in the current key or number
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {  // a string: skip to its end
      const std::string_view rest = text.substr(i);
      const bool long_string = rest.size() >= 3 && rest[1] == c && rest[2] == c;
      const std::string_view end = rest.substr(0, long_string ? 3 : 1);
      for (i += end.size(); i < text.size() && text.substr(i, end.size()) != end; ++i) {
        if (text[i] == '\\' && c == '"') ++i;
        if (i < text.size() && text[i] == '\n') {
          ++line;
          if (!long_string) break;  // invalid TOML: the parser reports it
        }
      }
      i += end.size() - 1;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '.') {
      ++dots;
    } else if (c == '[' || c == '{') {
      ++brackets;
      dots = 0;
    } else if (c == ']' || c == '}') {
      brackets -= brackets > 0;
      dots = 0;
    } else if (c == '=' || c == ',' || c == '\n') {
      dots = 0;
      line += c == '\n';
    }
    if (brackets > kMostDepth || dots > kMostDepth) return line;
  }
  return 0;
}

}  // namespace

toml::table read_toml(const std::filesystem::path& path, io::ErrorKind bad, const std::string& remedy) {
  const std::string text = io::read_text(path, kMostBytes, bad);
  if (const int line = line_nested_too_deep(text); line > 0) {
    throw io::Error(bad, fmt::format("{}:{}", path.string(), line), "",
                    fmt::format("is nested more than {} deep", kMostDepth), remedy);
  }
  try {
    return toml::parse(text, path.string());
  } catch (const toml::parse_error& e) {
    throw io::Error(bad, fmt::format("{}:{}", path.string(), e.source().begin.line), "",
                    fmt::format("no valid TOML: {}", e.description()), remedy);
  }
}

}  // namespace shcnn::program
