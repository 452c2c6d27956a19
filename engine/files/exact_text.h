// Converts numbers to text without loss, for configurations that must read back to the same values.
#pragma once

#include <string>

namespace shcnn {

/// The shortest decimal text that parses to the same double.
std::string exact_text(double value);

}  // namespace shcnn
