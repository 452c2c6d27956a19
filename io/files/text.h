// What readers do with the text of a field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shcnn::io {

/// Without the blanks, tabs and carriage returns at both ends.
std::string_view trimmed(std::string_view text);
/// ASCII letters in lower case.
std::string lower_case(std::string_view text);
/// A whole number from `low` to `high`, digits alone; false where `text` is none.
bool parse_integer(std::string_view text, int64_t low, int64_t high, int64_t& value);

}  // namespace shcnn::io
