// The border of the module shcnn_faces: OpenCV's face detection, which only --detect needs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shcnn::program {

struct FaceBox {
  std::int32_t x, y, width, height;
};

enum class FaceStatus : std::int32_t { kDone, kBadCascade, kNoMemory, kFailed };

struct FaceFunctions {
  /// Loads a cascade's file; `detector` is for find and close.
  FaceStatus (*open)(const char* cascade, void** detector);
  /// Squares around faces in a gray picture, in any order; `boxes` stay valid until the next call.
  FaceStatus (*find)(void* detector, const std::uint8_t* gray, int width, int height, std::ptrdiff_t stride,
                     const FaceBox** boxes, std::size_t* count);
  void (*close)(void* detector);
};

inline constexpr const char* kFaceFunctionsSymbol = "shcnn_face_functions_1";

}  // namespace shcnn::program
