// JSON from files, parsed under limits: a text of a few MB must not become gigabytes of values.
//
// A parsed value takes up to 64 bytes where its text takes two, so the number of values is limited beside the text's
// length, and nesting, on which parsers and destructors recurse, is limited too. All three are checked before anything
// is parsed. The JSON class is the caller's: this header needs none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "io/files/error.h"
#include "io/files/input_file.h"

namespace shcnn::io {

/// The largest text of a kind of file, and what it may hold.
struct JsonLimits {
  uint64_t bytes = uint64_t{64} << 20;
  size_t values = 2'000'000;  ///< elements of arrays and objects, together
  size_t depth = 16;          ///< objects and arrays within each other
};
/// One value in a file's metadata: a number, a list of names.
inline constexpr JsonLimits kMetadataJson{.bytes = uint64_t{1} << 20, .values = 100'000};

/// Where a JSON text came from: what its errors name.
struct JsonSource {
  std::filesystem::path file;
  std::string place = {};               ///< "metadata 'class_names'"; empty: the whole file
  ErrorKind bad = ErrorKind::kBadData;  ///< the kind of error a bad text is
  std::string remedy = "the file is damaged: copy or make it again";
  size_t begin = 0;  ///< byte of the file, or of the place, at which the text begins
};

/// The error of a text that is no valid JSON at its byte `offset`.
Error json_error(const JsonSource& source, size_t offset, std::string_view message);
/// @throws Error (source.bad) naming the byte where `text` goes beyond `limits` or holds a zero byte
void check_json_limits(std::string_view text, const JsonSource& source, const JsonLimits& limits);

/// The value of `text`. @throws Error (source.bad), naming the byte, where it is no JSON or goes beyond `limits`
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

/// The value in the file `source.file`. @throws as parse_json, and as read_text
template <class Json>
Json read_json(const JsonSource& source, const JsonLimits& limits = {}) {
  return parse_json<Json>(read_text(source.file, limits.bytes, source.bad), source, limits);
}

}  // namespace shcnn::io
