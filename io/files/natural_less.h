// Natural sort order: digit sequences compare as numbers.
#pragma once

#include <string_view>

namespace shcnn::io {

/// Whether `a` sorts before `b`, such as "img9" before "img46". Names that differ only in leading zeros are in byte
/// order.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace shcnn::io
