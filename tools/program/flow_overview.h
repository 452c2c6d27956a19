// An overview picture of optical flow: the first frame, the later frame with the most movement, its flow image with a
// colour key, and the vector lengths; for several frame pairs also a curve of the mean vector length over the frames.
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

/// Colour key of flow directions: a disc in which every pixel has the colour of moving away from the centre.
/// (56, 56) BGR
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
  /// Adds one pair. Keeps only the data of the pair with the most movement, and one number per pair for the curve.
  void add(const Pair& pair);
  /// Writes a PNG. @throws io::Error like AtomicFile
  void write(const std::filesystem::path& path) const;

 private:
  cv::Mat first_, later_;  // gray bytes
  cv::Mat colors_;         // the flow image, BGR
  cv::Mat lengths_;        // px, float
  double mean_ = -1, max_ = 0;
  int strongest_ = 0;  // number of the later frame that is shown, from 1
  std::vector<float> means_;
};

}  // namespace shcnn::program
