#include "tools/program/face_detector.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <new>

#include "io/files/input_file.h"
#include "tools/program/exit_code.h"

namespace shcnn::program {
namespace {

constexpr const char* kFile = "haarcascade_frontalface_default.xml";
constexpr std::array<const char*, 4> kFolders{"/usr/share/opencv4/haarcascades",
                                              "/usr/local/share/opencv4/haarcascades", "/usr/share/opencv/haarcascades",
                                              "/usr/share/OpenCV/haarcascades"};

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

FaceDetector::FaceDetector(const std::string& cascade)
    : module_("shcnn_faces", "--detect", "libopencv-dev"),
      functions_(module_.functions<FaceFunctions>(kFaceFunctionsSymbol)) {
  const std::string path = cascade.empty() ? find_cascade() : cascade;
  io::InputFile(path, io::ErrorKind::kUsage);  // throws unless it is a readable regular file; a pipe could block
  const FaceStatus status = functions_.open(path.c_str(), &detector_);
  if (status == FaceStatus::kDone) return;
  functions_.close(detector_);
  if (status == FaceStatus::kNoMemory) throw std::bad_alloc();
  throw Failure(ExitCode::kUsage, fmt::format("{}: no face cascade of OpenCV", path));
}

FaceDetector::~FaceDetector() { functions_.close(detector_); }

std::vector<cv::Rect> FaceDetector::find(const cv::Mat& gray) {
  const FaceBox* boxes = nullptr;
  std::size_t count = 0;
  const FaceStatus status = functions_.find(detector_, gray.data, gray.cols, gray.rows,
                                            static_cast<std::ptrdiff_t>(gray.step), &boxes, &count);
  if (status == FaceStatus::kNoMemory) throw std::bad_alloc();
  if (status != FaceStatus::kDone) throw Failure(ExitCode::kFailed, "face detection failed on a picture");
  std::vector<cv::Rect> faces;
  for (std::size_t i = 0; i < count; ++i) faces.emplace_back(boxes[i].x, boxes[i].y, boxes[i].width, boxes[i].height);
  std::sort(faces.begin(), faces.end(), [](const cv::Rect& a, const cv::Rect& b) {
    return a.area() != b.area() ? a.area() > b.area() : a.x != b.x ? a.x < b.x : a.y < b.y;
  });
  return faces;
}

}  // namespace shcnn::program
