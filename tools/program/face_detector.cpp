#include "tools/program/face_detector.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <opencv2/imgproc.hpp>

#include "tools/program/exit_code.h"

namespace shcnn::program {
namespace {

constexpr const char* kFile = "haarcascade_frontalface_default.xml";
constexpr std::array<const char*, 4> kFolders{"/usr/share/opencv4/haarcascades",
                                              "/usr/local/share/opencv4/haarcascades", "/usr/share/opencv/haarcascades",
                                              "/usr/share/OpenCV/haarcascades"};
constexpr int kSmallestFace = 24;  ///< pixels; the cascade's own window

std::string find_cascade() {
  for (const char* folder : kFolders) {
    const std::filesystem::path path = std::filesystem::path(folder) / kFile;
    if (std::filesystem::exists(path)) return path.string();
  }
  throw Failure(
      ExitCode::kUsage,
      fmt::format("--detect needs {}: install the package opencv-data, or name the file with --cascade", kFile));
}

}  // namespace

FaceDetector::FaceDetector(const std::string& cascade) {
  const std::string path = cascade.empty() ? find_cascade() : cascade;
  bool loaded = false;
  try {
    loaded = cascade_.load(path);
  } catch (const cv::Exception&) {  // not even XML; said below
  }
  if (!loaded) throw Failure(ExitCode::kUsage, fmt::format("{}: no face cascade of OpenCV", path));
}

std::vector<cv::Rect> FaceDetector::find(const cv::Mat& gray) {
  cv::Mat even;
  cv::equalizeHist(gray, even);
  std::vector<cv::Rect> faces;
  cascade_.detectMultiScale(even, faces, 1.1, 5, 0, cv::Size(kSmallestFace, kSmallestFace));
  std::sort(faces.begin(), faces.end(), [](const cv::Rect& a, const cv::Rect& b) {
    return a.area() != b.area() ? a.area() > b.area() : a.x != b.x ? a.x < b.x : a.y < b.y;
  });
  return faces;
}

}  // namespace shcnn::program
