// Interface of the module shcnn_faces: OpenCV's face detection, loaded only for --detect.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shcnn::program {

struct FaceBox {
  std::int32_t x, y, width, height;
};

enum class FaceStatus : std::int32_t { kDone, kBadCascade, kNoMemory, kFailed };

struct FaceFunctions {
  /// Loads a cascade file. `detector` is the handle for find and close.
  FaceStatus (*open)(const char* cascade, void** detector);
  /// Finds bounding squares of faces in a gray picture, in no particular order. `boxes` stay valid until the next call.
  /// `stride` is in bytes.
  FaceStatus (*find)(void* detector, const std::uint8_t* gray, int width, int height, std::ptrdiff_t stride,
                     const FaceBox** boxes, std::size_t* count);
  void (*close)(void* detector);
};

inline constexpr const char* kFaceFunctionsSymbol = "shcnn_face_functions_1";

}  // namespace shcnn::program
