#include "engine/files/exact_text.h"

#include <cstdio>

namespace shcnn {

std::string exact_text(double value) {
  char text[40];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    double back = 0;
    if (std::sscanf(text, "%lf", &back) == 1 && back == value) break;
  }
  return text;
}

}  // namespace shcnn
