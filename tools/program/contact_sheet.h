// A picture of small pictures with a line of text below each: what was predicted, to look at.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace shcnn::program {

class ContactSheet {
 public:
  /// Writes to `path`. Failure(kUsage) where that does not end in .png.
  explicit ContactSheet(std::string path);
  /// Keeps the first kMost of them; `picture` is gray or RGB, `score` is 0..1.
  void add(const cv::Mat& picture, const std::string& label, float score);
  /// io::Error (kDisk) where it cannot be written.
  void write() const;

  static constexpr std::size_t kMost = 60;

 private:
  std::string path_;
  std::vector<cv::Mat> tiles_;
};

}  // namespace shcnn::program
