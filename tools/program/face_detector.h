// Finds upright faces in larger pictures with OpenCV's Haar cascade (the package opencv-data brings the file), in the
// module shcnn_faces.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "io/files/module.h"
#include "tools/program/faces_module.h"

namespace shcnn::program {

class FaceDetector {
 public:
  /// Looks for haarcascade_frontalface_default.xml in `cascade` if it is given, else where OpenCV installs it.
  /// Failure(kUsage) that says what to install if there is none, or that the file is no cascade.
  explicit FaceDetector(const std::string& cascade = {});
  ~FaceDetector();
  FaceDetector(const FaceDetector&) = delete;
  FaceDetector& operator=(const FaceDetector&) = delete;
  /// Squares around faces, largest first.
  std::vector<cv::Rect> find(const cv::Mat& gray);

 private:
  io::Module module_;
  const FaceFunctions& functions_;
  void* detector_ = nullptr;
};

}  // namespace shcnn::program
