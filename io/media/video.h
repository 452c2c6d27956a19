// The interface of the module shcnn_video: decodes the frames of a video. The caller supplies the file's bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shcnn::io {

/// The source of a video's bytes.
struct VideoBytes {
  void* file;
  int64_t size;
  int64_t (*read)(void* file, uint8_t* out, size_t count);  ///< number of bytes read; 0 at the end, -1 on failure
  bool (*seek)(void* file, int64_t position);
};

enum class VideoStatus : int32_t {
  kFrame,     ///< success; next() has returned a frame
  kEnd,       ///< there are no more frames
  kBad,       ///< the file cannot be used; VideoFunctions::message gives the reason
  kTooLarge,  ///< a frame has more pixels than allowed; `frame` holds the size
  kNoMemory,
};

struct VideoFrame {
  const uint8_t* bgr;  ///< rows of blue, green, red; valid until the next call
  int64_t stride;      ///< distance between rows in bytes
  int32_t width, height;
  int32_t rotation;  ///< 0, 90, 180 or 270: clockwise rotation in degrees that makes the frame upright
};

struct VideoFacts {
  int64_t announced;  ///< number of frames according to the file; 0 if not stored
  int64_t estimated;  ///< as `announced`, or else computed from duration and frame rate; 0 if unknown
  int64_t damaged;    ///< frames so far that contain errors according to the decoder
  bool ends_early;    ///< valid after the last frame: the frames cover less than the duration in the file
};

struct VideoFunctions {
  /// Opens a video with at most `max_pixels` per frame. Returns kFrame on success, otherwise the error. `video` is the
  /// handle for the other functions; it is null if memory for it could not be allocated.
  VideoStatus (*open)(const VideoBytes* bytes, int64_t max_pixels, void** video, VideoFrame* frame);
  VideoStatus (*next)(void* video, VideoFrame* frame);
  void (*facts)(const void* video, VideoFacts* facts);
  const char* (*message)(const void* video);
  void (*close)(void* video);
};

inline constexpr const char* kVideoFunctionsSymbol = "shcnn_video_functions_1";

}  // namespace shcnn::io
