// The order in which people count: digits compare as numbers.
#pragma once

#include <string_view>

namespace shcnn::io {

/// "img9" before "img46"; names that differ in leading zeros alone are in byte order.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace shcnn::io
