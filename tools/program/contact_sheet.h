// A picture of small pictures with a line of text below each: what was predicted, to look at.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace shcnn::program {

class ContactSheet {
 public:
  /// Keeps the first kMost of them; `score` is 0..1.
  void add(const cv::Mat& gray, const std::string& label, float score);
  /// Writes a PNG. Failure(kUsage) where `path` does not end in .png; io::Error (kDisk) where it cannot be written.
  void write(const std::string& path) const;

  static constexpr std::size_t kMost = 60;

 private:
  std::vector<cv::Mat> tiles_;
};

}  // namespace shcnn::program
