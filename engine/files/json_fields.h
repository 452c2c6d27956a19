// Reads number fields of untrusted JSON. nlohmann's get<int>() wraps values that do not fit and truncates fractions;
// these functions throw. Exceptions are std::out_of_range or nlohmann's own; the caller adds the name of the file.
#pragma once

#include <cstdint>
#include <exception>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace shcnn {

/// An integer in low..high.
template <class Json>
std::int64_t whole_number(const Json& json, const char* field, std::int64_t low,
                          std::int64_t high = std::numeric_limits<std::int64_t>::max()) {
  const Json& value = json.at(field);
  const bool fits = value.is_number_unsigned() ? value.template get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                                               : value.is_number_integer();
  const std::int64_t number = fits ? value.template get<std::int64_t>() : 0;
  if (!fits || number < low || number > high) {
    throw std::out_of_range("'" + std::string(field) + "' is no whole number from " + std::to_string(low) + " to " +
                            std::to_string(high));
  }
  return number;
}

/// Any unsigned 64-bit number.
template <class Json>
std::uint64_t unsigned_number(const Json& json, const char* field) {
  const Json& value = json.at(field);
  if (!value.is_number_unsigned()) throw std::out_of_range("'" + std::string(field) + "' is no unsigned whole number");
  return value.template get<std::uint64_t>();
}

/// The message of an exception, without nlohmann's prefix such as "[json.exception.type_error.302] ".
inline std::string plain_reason(const std::exception& error) {
  const std::string text = error.what();
  const std::size_t end = text.starts_with("[json.exception") ? text.find("] ") : std::string::npos;
  return end == std::string::npos ? text : text.substr(end + 2);
}

}  // namespace shcnn
