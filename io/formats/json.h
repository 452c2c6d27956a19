// Parses JSON files under limits, so that a text of a few MB cannot expand to gigabytes of values.
//
// A value of two bytes of text takes up to 64 bytes when parsed, so the number of values is limited in addition to the
// length of the text. Nesting is limited because parsers and destructors recurse. All three are checked before parsing.
// The JSON class is a template parameter, so this header does not include a JSON library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "io/files/error.h"
#include "io/files/input_file.h"

namespace shcnn::io {

/// Limits for one kind of JSON text.
struct JsonLimits {
  uint64_t bytes = uint64_t{64} << 20;
  size_t values = 2'000'000;  ///< total number of elements of arrays and objects
  size_t depth = 16;          ///< nesting of objects and arrays
};
/// Limits for one metadata value of a file, such as a number or a list of names.
inline constexpr JsonLimits kMetadataJson{.bytes = uint64_t{1} << 20, .values = 100'000};

/// The origin of a JSON text, for error messages.
struct JsonSource {
  std::filesystem::path file;
  std::string place = {};               ///< such as "metadata 'class_names'"; empty for the whole file
  ErrorKind bad = ErrorKind::kBadData;  ///< error kind if the text is invalid
  std::string remedy = "the file is damaged: copy or make it again";
  size_t begin = 0;  ///< offset of the text in the file, or in the place, in bytes
};

/// The error for a text that is invalid at byte `offset`.
Error json_error(const JsonSource& source, size_t offset, std::string_view message);
/// @throws Error (source.bad) with the byte offset, if `text` exceeds `limits` or contains a zero byte
void check_json_limits(std::string_view text, const JsonSource& source, const JsonLimits& limits);

/// Parses `text`. @throws Error (source.bad), with the byte offset, if it is not valid JSON or exceeds `limits`
/// @tparam Json nlohmann::json or nlohmann::ordered_json
template <class Json>
Json parse_json(std::string_view text, const JsonSource& source, const JsonLimits& limits = {}) {
  check_json_limits(text, source, limits);
  try {
    return Json::parse(text);
  } catch (const typename Json::parse_error& error) {
    throw json_error(source, error.byte > 0 ? error.byte - 1 : 0, "is no valid JSON");
  } catch (const typename Json::out_of_range&) {
    throw json_error(source, 0, "holds a number that is out of range");
  }
}

/// Reads and parses the file `source.file`. @throws as parse_json and read_text
template <class Json>
Json read_json(const JsonSource& source, const JsonLimits& limits = {}) {
  return parse_json<Json>(read_text(source.file, limits.bytes, source.bad), source, limits);
}

}  // namespace shcnn::io
