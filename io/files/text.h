// Helpers for text fields, used by the file readers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shcnn::io {

/// True for a space, a tab or a carriage return.
inline bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
/// `text` without spaces, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);
/// `text` with ASCII letters in lower case.
std::string lower_case(std::string_view text);
/// Parses `text`, which must be a decimal integer and nothing else; returns false if it is not or is outside
/// [`low`, `high`].
bool parse_integer(std::string_view text, int64_t low, int64_t high, int64_t& value);

}  // namespace shcnn::io
