// One picture of a clip's flow for people: the first frame, the later frame with the most movement, its flow image with
// the colours' key, the length of the vectors; and, of a clip, how far frames have moved over time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

#include "flow/flow_color.h"
#include "io/clips/frames.h"
#include "io/images/image.h"

namespace shcnn::program {

/// Which colour means which direction: a disc, as if every pixel had moved away from its middle. (56, 56) BGR
cv::Mat flow_color_key(flow::FlowColors colors);

class FlowOverview {
 public:
  struct Pair {
    const io::Frame* later;
    std::span<const float> flow;  ///< (height, width, 2) px
    const io::Image* image;       ///< (height, width) RGB
    double mean, max;             ///< px
  };

  void set_first(const io::Frame& first);
  /// Keeps what the picture needs, which does not grow with the clip but for a number a pair.
  void add(const Pair& pair);
  /// Writes a PNG. @throws io::Error as AtomicFile
  void write(const std::filesystem::path& path) const;

 private:
  cv::Mat first_, later_;  // gray bytes
  cv::Mat colors_;         // the flow image, BGR
  cv::Mat lengths_;        // px, float
  double mean_ = -1, max_ = 0;
  int strongest_ = 0;  // the later frame shown, counted from 1
  std::vector<float> means_;
};

}  // namespace shcnn::program
