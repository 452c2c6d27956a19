// The frames of a clip, one after the other: images named one by one, a folder of numbered images, or a video. Only the
// frame that is being read is in memory, so a video's length does not matter.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/files/error.h"
#include "io/images/video.h"

namespace shcnn::io {

/// One frame, 8-bit gray.
struct Frame {
  std::string name;  ///< the file, or "clip.mp4, frame 12"
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;  ///< (height, width)
};

/// Reads the frames of one clip. All have one size, that of the first; another is an Error that names the file.
class FrameReader {
 public:
  virtual ~FrameReader() = default;
  FrameReader() = default;
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// The next frame; false after the last. @throws Error kBadData: missing, not decodable, of another size
  bool next(Frame& frame);
  /// How many frames there are in all; of a video what it says of itself, 0 where it says nothing.
  int64_t expected() const { return counts().estimated; }
  /// Of images: all announced, none damaged.
  virtual VideoCounts counts() const = 0;

 protected:
  virtual bool read(Frame& frame) = 0;

 private:
  int width_ = 0, height_ = 0;  // 0 before the first frame
};

/// Whether the name ends like a video's, in letters of either case. A GIF, which may be an animation, counts.
bool is_video_name(const std::filesystem::path& path);

/// Images by name, in the order given.
std::unique_ptr<FrameReader> open_images(std::vector<std::filesystem::path> files);

/// A folder of images or a video file.
/// @throws Error kBadData: not there, a folder without images or with a hole in its numbers, no video
std::unique_ptr<FrameReader> open_clip(const std::filesystem::path& path);

/// The images of a folder (not of folders in it) by name, numbers in counting order: image9 before image10. Where three
/// or more names differ in one number alone, they are the frames: its steps must be equal, and no other image may lie
/// beside them.
/// @throws Error kBadData: no images, a missing one, or one that is no frame; it is named
std::vector<std::filesystem::path> numbered_images(const std::filesystem::path& folder);

}  // namespace shcnn::io
