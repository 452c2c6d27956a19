// A video file, decoded by the module shcnn_video, one frame after the other.
#pragma once

#include <filesystem>
#include <memory>

#include "io/images/image.h"

namespace shcnn::io {

/// What a video says of itself, and what came of it so far.
struct VideoCounts {
  int64_t announced = 0;  ///< frames in all, by its header; 0: it does not say
  int64_t estimated = 0;  ///< the same, or duration times frame rate; 0: unknown
  int64_t decoded = 0;
  int64_t damaged = 0;      ///< of the decoded: how many had to be patched up
  bool ends_early = false;  ///< after the last frame: its duration is longer than what its frames fill
};

class Video {
 public:
  /// @throws Error kBadData: no regular file, no video, or more than kMaxImagePixels a frame; kUsage: the module is not
  ///         there
  explicit Video(const std::filesystem::path& path);
  ~Video();
  Video(const Video&) = delete;
  Video& operator=(const Video&) = delete;

  /// The next frame, upright, as gray (channels 1) or red, green, blue (3); false after the last.
  /// @throws Error kBadData: none of its frames can be decoded, or they grow beyond kMaxImagePixels
  bool next(Image& frame, int channels);
  VideoCounts counts() const;

 private:
  struct Decoder;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace shcnn::io
