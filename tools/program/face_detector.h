// Finds upright faces in larger pictures with OpenCV's Haar cascade (the package opencv-data brings the file).
#pragma once

#include <opencv2/core.hpp>
#include <opencv2/objdetect.hpp>
#include <string>
#include <vector>

namespace shcnn::program {

class FaceDetector {
 public:
  /// Looks for haarcascade_frontalface_default.xml in `cascade` if it is given, else where OpenCV installs it.
  /// Failure(kUsage) that says what to install if there is none, or that the file is no cascade.
  explicit FaceDetector(const std::string& cascade = {});
  /// Squares around faces, largest first.
  std::vector<cv::Rect> find(const cv::Mat& gray);

 private:
  cv::CascadeClassifier cascade_;
};

}  // namespace shcnn::program
