// The module shcnn_faces: OpenCV's Haar cascade, applied after histogram equalisation.
#include "tools/program/faces_module.h"

#include <new>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <vector>

namespace {

using shcnn::program::FaceBox;
using shcnn::program::FaceStatus;

constexpr int kSmallestFace = 24;  ///< px; window size of the cascade

struct Detector {
  cv::CascadeClassifier cascade;
  std::vector<FaceBox> boxes;
};

/// Runs `work` and converts exceptions to a status: they must not leave the module.
template <class Work>
FaceStatus status_of(Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return FaceStatus::kNoMemory;
  } catch (const cv::Exception& error) {
    return error.code == cv::Error::StsNoMem ? FaceStatus::kNoMemory : FaceStatus::kFailed;
  } catch (...) {
    return FaceStatus::kFailed;
  }
}

FaceStatus open_cascade(const char* path, void** detector) {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  auto* made = new (std::nothrow) Detector;
  *detector = made;
  if (!made) return FaceStatus::kNoMemory;
  return status_of([&] { return made->cascade.load(path) ? FaceStatus::kDone : FaceStatus::kBadCascade; });
}

FaceStatus find_faces(void* detector, const std::uint8_t* gray, int width, int height, std::ptrdiff_t stride,
                      const FaceBox** boxes, std::size_t* count) {
  auto& self = *static_cast<Detector*>(detector);
  return status_of([&] {
    const cv::Mat picture(height, width, CV_8UC1, const_cast<std::uint8_t*>(gray), static_cast<std::size_t>(stride));
    cv::Mat even;
    cv::equalizeHist(picture, even);
    std::vector<cv::Rect> found;
    self.cascade.detectMultiScale(even, found, 1.1, 5, 0, cv::Size(kSmallestFace, kSmallestFace));
    self.boxes.clear();
    for (const cv::Rect& box : found) self.boxes.push_back({box.x, box.y, box.width, box.height});
    *boxes = self.boxes.data();
    *count = self.boxes.size();
    return FaceStatus::kDone;
  });
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const shcnn::program::FaceFunctions* shcnn_face_functions_1() {
  static const shcnn::program::FaceFunctions functions = {
      open_cascade, find_faces, [](void* detector) { delete static_cast<Detector*>(detector); }};
  return &functions;
}
