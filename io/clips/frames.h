// Reads the frames of a clip one by one from a list of images, a folder of numbered images, or a video. Only the
// current frame is in memory, so a video may have any length.
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
  std::string name;  ///< the file name, or "clip.mp4, frame 12"
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;  ///< (height, width)
};

/// Reads the frames of one clip. All must have the size of the first.
class FrameReader {
 public:
  virtual ~FrameReader() = default;
  FrameReader() = default;
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  /// Reads the next frame; returns false after the last.
  /// @throws Error kBadData naming the file: missing, not decodable, or of another size than the first
  bool next(Frame& frame);
  /// Total number of frames. For a video this is VideoCounts::estimated, 0 if unknown.
  int64_t expected() const { return counts().estimated; }
  /// For images: all files are announced, none is damaged.
  virtual VideoCounts counts() const = 0;

 protected:
  virtual bool read(Frame& frame) = 0;

 private:
  int width_ = 0, height_ = 0;  // 0 before the first frame
};

/// Whether the name has a video's extension, ignoring case. GIF is included because it may be an animation.
bool is_video_name(const std::filesystem::path& path);

/// Opens a list of images, read in the given order.
std::unique_ptr<FrameReader> open_images(std::vector<std::filesystem::path> files);

/// Opens a folder of images or a video file.
/// @throws Error kBadData: does not exist, a folder without images or with a missing number, not a video; kUsage: a
/// single image
std::unique_ptr<FrameReader> open_clip(const std::filesystem::path& path);

/// The images in a folder (not in its subfolders), sorted by name with numbers in numeric order: image9 before image10.
/// If three or more names differ only in one number, they are the frames: the numbers must have equal steps, and the
/// folder must not contain other images.
/// @throws Error kBadData: no images, a missing frame, or an image that is not a frame; it is named
std::vector<std::filesystem::path> numbered_images(const std::filesystem::path& folder);

}  // namespace shcnn::io
