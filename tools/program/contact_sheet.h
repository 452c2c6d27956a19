// An image of small pictures with a line of text below each, to inspect predictions.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace shcnn::program {

class ContactSheet {
 public:
  /// `path` is the output file. Failure(kUsage) if it does not end in .png.
  explicit ContactSheet(std::string path);
  /// Adds a picture, up to kMost; later ones are ignored. `picture` is gray or RGB, `score` is in 0..1.
  void add(const cv::Mat& picture, const std::string& label, float score);
  /// Throws io::Error (kDisk) if the file cannot be written.
  void write() const;

  static constexpr std::size_t kMost = 60;

 private:
  std::string path_;
  std::vector<cv::Mat> tiles_;
};

}  // namespace shcnn::program
