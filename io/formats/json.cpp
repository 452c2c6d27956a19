// The limits are checked in one pass over the bytes. Outside strings, only brackets, commas and quotes are examined, so
// invalid JSON may pass this check; the parser rejects it.
#include "io/formats/json.h"

namespace shcnn::io {

Error json_error(const JsonSource& source, size_t offset, std::string_view message) {
  const std::string byte = "byte " + std::to_string(source.begin + offset);
  return Error(source.bad, source.file, source.place.empty() ? byte : source.place + ", " + byte, message,
               source.remedy);
}

void check_json_limits(std::string_view text, const JsonSource& source, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    throw json_error(source, limits.bytes,
                     "is longer than the " + std::to_string(limits.bytes) + " bytes that such a text may have");
  }
  size_t depth = 0, values = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // the parser takes a zero byte for the end of the text and would ignore the rest
    if (c == '\0') throw json_error(source, i, "a zero byte");
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limits.depth) {
        throw json_error(source, i, "is nested more than " + std::to_string(limits.depth) + " deep");
      }
      ++values;
    } else if (c == ',') {
      ++values;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
    if (values > limits.values) {
      throw json_error(source, i, "holds more than " + std::to_string(limits.values) + " values");
    }
  }
}

}  // namespace shcnn::io
