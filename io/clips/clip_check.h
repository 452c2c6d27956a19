// Checks that every frame of a set of clips is usable: it can be decoded, and all frames of a clip have the same size.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "io/clips/clip_set.h"

namespace shcnn::io {

struct FrameCheck {
  std::int64_t frames = 0;        ///< frames checked
  std::int64_t unreadable = 0;    ///< frames that cannot be decoded
  std::int64_t other_size = 0;    ///< frames whose size differs from that of most frames of their clip
  std::int64_t clips = 0;         ///< clips with such frames
  std::vector<Problem> problems;  ///< one per bad frame; after ten in a clip, one that counts the rest

  std::int64_t bad() const { return unreadable + other_size; }
};

/// Decodes every frame of `clips` on several threads. `on_frame(done, total)` is called after each frame, by one thread
/// at a time; it may be empty.
FrameCheck check_frames(const ClipSet& clips, const std::function<void(std::int64_t, std::int64_t)>& on_frame);

}  // namespace shcnn::io
