// The border of the module shcnn_video: frames of a video, from bytes that the caller reads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shcnn::io {

/// Where a video's bytes come from.
struct VideoBytes {
  void* file;
  int64_t size;
  int64_t (*read)(void* file, uint8_t* out, size_t count);  ///< how many were read: 0 at the end, -1 on failure
  bool (*seek)(void* file, int64_t position);
};

enum class VideoStatus : int32_t {
  kFrame,     ///< here is a frame
  kEnd,       ///< there is no other
  kBad,       ///< the file cannot be used; VideoFunctions::message says why
  kTooLarge,  ///< frames of more pixels than allowed; `frame` holds the size
  kNoMemory,
};

struct VideoFrame {
  const uint8_t* bgr;  ///< rows of blue, green, red; valid until the next call
  int64_t stride;      ///< bytes from row to row
  int32_t width, height;
  int32_t rotation;  ///< 0, 90, 180 or 270 degrees clockwise, that the frame must be turned by to be upright
};

struct VideoFacts {
  int64_t announced;  ///< frames that the file says it holds; 0: it does not say
  int64_t estimated;  ///< the same, or computed from duration and frame rate; 0: unknown
  int64_t damaged;    ///< of the frames so far: how many the decoder had to patch up
  bool ends_early;    ///< after the last frame: the duration in the file is longer than its frames
};

struct VideoFunctions {
  /// Opens a video of at most `max_pixels` a frame: kFrame, or what is wrong. `video` is for the other functions; it is
  /// null where even its own memory was refused.
  VideoStatus (*open)(const VideoBytes* bytes, int64_t max_pixels, void** video, VideoFrame* frame);
  VideoStatus (*next)(void* video, VideoFrame* frame);
  void (*facts)(const void* video, VideoFacts* facts);
  const char* (*message)(const void* video);
  void (*close)(void* video);
};

inline constexpr const char* kVideoFunctionsSymbol = "shcnn_video_functions_1";

}  // namespace shcnn::io
