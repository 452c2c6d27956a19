#include "io/files/natural_less.h"

#include <cstddef>

namespace shcnn::io {
namespace {
bool is_digit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      size_t begin_a = i, begin_b = j;
      while (begin_a < a.size() && a[begin_a] == '0') ++begin_a;
      while (begin_b < b.size() && b[begin_b] == '0') ++begin_b;
      i = begin_a;
      j = begin_b;
      while (i < a.size() && is_digit(a[i])) ++i;
      while (j < b.size() && is_digit(b[j])) ++j;
      if (i - begin_a != j - begin_b) return i - begin_a < j - begin_b;
      const int order = a.substr(begin_a, i - begin_a).compare(b.substr(begin_b, j - begin_b));
      if (order != 0) return order < 0;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
    }
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;  // equal except for leading zeros
}

}  // namespace shcnn::io
