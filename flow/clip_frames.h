// Frame checks shared by all ClipFlow implementations.
#pragma once

#include <cstddef>
#include <string>

#include "flow/clip_flow.h"
#include "kernels/error.h"

namespace shcnn::flow {

[[noreturn]] inline void refuse(ErrorKind kind, const std::string& what) { throw Error(kind, "clip flow", what); }

inline std::size_t area(ClipSize size) {
  return static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
}

/// Throws Error(kUsage) unless `frame` is 8-bit gray and Error(kBadData) unless it has the clip's size. `what` names
/// the frame in the message.
inline void check_frame(const GrayImage& frame, ClipSize clip, const std::string& what) {
  if (!frame.data || frame.is_float) refuse(ErrorKind::kUsage, what + " is not 8-bit gray");
  if (frame.width != clip.width || frame.height != clip.height) {
    refuse(ErrorKind::kBadData, message(what, " has ", frame.width, " x ", frame.height, " pixels, the clip ",
                                        clip.width, " x ", clip.height, "; frames of a clip have one size"));
  }
}

}  // namespace shcnn::flow
