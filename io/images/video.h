// Reads a video file frame by frame with the module shcnn_video.
#pragma once

#include <filesystem>
#include <memory>

#include "io/images/image.h"

namespace shcnn::io {

/// Frame counts from a video's header and from decoding so far.
struct VideoCounts {
  int64_t announced = 0;  ///< total number of frames according to the header; 0 if not stored
  int64_t estimated = 0;  ///< as `announced`, or else duration times frame rate; 0 if unknown
  int64_t decoded = 0;
  int64_t damaged = 0;      ///< decoded frames that contain errors
  bool ends_early = false;  ///< valid after the last frame: the frames cover less than the announced duration
};

class Video {
 public:
  /// @throws Error kBadData if it is not a regular file, not a video, or has more than kMaxImagePixels per frame;
  ///         kUsage if the module is missing
  explicit Video(const std::filesystem::path& path);
  ~Video();
  Video(const Video&) = delete;
  Video& operator=(const Video&) = delete;

  /// Decodes the next frame, upright, as gray (channels 1) or red, green, blue (3); returns false after the last one.
  /// @throws Error kBadData if no frame at all can be decoded, or a frame has more than kMaxImagePixels
  bool next(Image& frame, int channels);
  VideoCounts counts() const;

 private:
  struct Decoder;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace shcnn::io
