// Row-major indexing of views for the plain loops of this folder.
#pragma once

#include <cstdint>

#include "kernels/view.h"

namespace shcnn::naive {

/// The cell (a, b, c, d) of a rank-4 view, usually (channel, row, column, sample).
template <class T>
T& at(const View<T>& view, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
  return view.data[((a * view[1] + b) * view[2] + c) * view[3] + d];
}

/// The cell (a, b) of a rank-2 view, usually (feature, sample).
template <class T>
T& at(const View<T>& view, std::int64_t a, std::int64_t b) {
  return view.data[a * view[1] + b];
}

/// Throws Error(kInternal) with the message `rule` unless `holds`.
inline void require(bool holds, const char* op, const char* rule) {
  if (!holds) throw Error(ErrorKind::kInternal, op, rule);
}

}  // namespace shcnn::naive
