#include "io/clips/clip_check.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "io/files/parallel.h"
#include "io/images/image.h"

namespace shcnn::io {
namespace {

constexpr std::int64_t kShown = 10;  ///< maximum number of bad frames per clip that are reported individually

using Size = std::pair<int, int>;  // width, height

std::string text_of(Size size) { return std::to_string(size.first) + " x " + std::to_string(size.second) + " pixels"; }

/// Result of decoding a frame: its size, or the error and its remedy.
struct Decoded {
  Size size{0, 0};
  std::string error, remedy;
};

/// The most frequent frame size of a clip; on a tie, the one that occurs first.
Size usual_size(const std::vector<Decoded>& frames) {
  std::map<Size, std::int64_t> counts;
  Size best{0, 0};
  for (const Decoded& frame : frames) {
    if (frame.error.empty()) ++counts[frame.size];
  }
  for (const Decoded& frame : frames) {
    if (frame.error.empty() && (best == Size{0, 0} || counts[frame.size] > counts[best])) best = frame.size;
  }
  return best;
}

/// Adds the problems of one clip's frames to `out`.
void judge(const Clip& clip, const std::vector<Decoded>& frames, const std::filesystem::path& root, FrameCheck& out) {
  const Size usual = usual_size(frames);
  std::int64_t bad = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const Decoded& frame = frames[i];
    if (frame.error.empty() && frame.size == usual) continue;
    ++(frame.error.empty() ? out.other_size : out.unreadable);
    if (++bad > kShown) continue;
    const std::string place = clip.frames[i].lexically_relative(root).string();
    if (frame.error.empty()) {
      out.problems.push_back({place, "has " + text_of(frame.size) + ", most frames of its clip " + text_of(usual),
                              "copy the clip again, or crop its frames alike"});
    } else {
      out.problems.push_back({place, frame.error, frame.remedy});
    }
  }
  if (bad > 0) ++out.clips;
  if (bad > kShown) {
    out.problems.push_back({clip.frames.front().parent_path().lexically_relative(root).string(),
                            std::to_string(bad - kShown) + " more frames cannot be used, " + std::to_string(bad) +
                                " of " + std::to_string(frames.size()) + " in all",
                            "copy the clip again"});
  }
}

}  // namespace

FrameCheck check_frames(const ClipSet& clips, const std::function<void(std::int64_t, std::int64_t)>& on_frame) {
  std::vector<std::vector<Decoded>> decoded;
  std::vector<std::pair<std::size_t, std::size_t>> all;  // clip, frame
  for (std::size_t c = 0; c < clips.clips.size(); ++c) {
    decoded.emplace_back(clips.clips[c].frames.size());
    for (std::size_t f = 0; f < decoded.back().size(); ++f) all.emplace_back(c, f);
  }
  FrameCheck out;
  out.frames = static_cast<std::int64_t>(all.size());
  std::mutex mutex;
  std::int64_t done = 0;
  constexpr std::int64_t kBlock = 8;
  for_each_parallel(
      out.frames,
      [&](std::int64_t i) {
        const auto [c, f] = all[static_cast<std::size_t>(i)];
        Decoded& frame = decoded[c][f];
        try {
          const Image image = read_image(clips.clips[c].frames[f], 1);
          frame.size = {image.width, image.height};
        } catch (const Error& error) {
          frame.error = error.message();
          frame.remedy = error.remedy();
        }
        const std::lock_guard<std::mutex> lock(mutex);
        ++done;
        if (on_frame) on_frame(done, out.frames);
      },
      0, kBlock);
  for (std::size_t c = 0; c < decoded.size(); ++c) judge(clips.clips[c], decoded[c], clips.folder, out);
  return out;
}

}  // namespace shcnn::io
