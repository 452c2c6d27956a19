// Numbers as text that loses nothing: for configurations, which must read back as what they were.
#pragma once

#include <string>

namespace shcnn {

/// Shortest decimal text that reads back as the same double.
std::string exact_text(double value);

}  // namespace shcnn
