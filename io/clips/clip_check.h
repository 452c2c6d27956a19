// Whether every frame of a set of clips can be used: it can be decoded, and the frames of one clip have one size.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "io/clips/clip_set.h"

namespace shcnn::io {

struct FrameCheck {
  std::int64_t frames = 0;        ///< that were decoded
  std::int64_t unreadable = 0;    ///< of these, that cannot be decoded
  std::int64_t other_size = 0;    ///< of these, that differ in size from most frames of their clip
  std::int64_t clips = 0;         ///< that have such frames
  std::vector<Problem> problems;  ///< one a frame, at most ten a clip and the number of the rest

  std::int64_t bad() const { return unreadable + other_size; }
};

/// Decodes every frame of `clips` on several threads. `on_frame(done, total)` is called after each, by one thread at a
/// time; it may be empty.
FrameCheck check_frames(const ClipSet& clips, const std::function<void(std::int64_t, std::int64_t)>& on_frame);

}  // namespace shcnn::io
