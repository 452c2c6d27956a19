// Finds upright faces in pictures with OpenCV's Haar cascade (file from the package opencv-data). The OpenCV code is in
// the module shcnn_faces.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "io/files/module.h"
#include "tools/program/faces_module.h"

namespace shcnn::program {

class FaceDetector {
 public:
  /// Loads the cascade file `cascade`; if empty, haarcascade_frontalface_default.xml from where OpenCV installs it.
  /// Failure(kUsage) if the file is not found (names the package to install) or is not a cascade.
  explicit FaceDetector(const std::string& cascade = {});
  ~FaceDetector();
  FaceDetector(const FaceDetector&) = delete;
  FaceDetector& operator=(const FaceDetector&) = delete;
  /// Bounding squares of the faces, largest first.
  std::vector<cv::Rect> find(const cv::Mat& gray);

 private:
  io::Module module_;
  const FaceFunctions& functions_;
  void* detector_ = nullptr;
};

}  // namespace shcnn::program
