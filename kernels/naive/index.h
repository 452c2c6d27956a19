// Row-major offsets into views, spelled once for the plain loops of this folder.
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

/// Throws unless `holds`; `rule` says what the op asked for.
inline void require(bool holds, const char* op, const char* rule) {
  if (!holds) throw Error(ErrorKind::kInternal, op, rule);
}

}  // namespace shcnn::naive
