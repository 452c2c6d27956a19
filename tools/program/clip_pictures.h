// One clip to look at: its first and its apex frame, and some of the images that the network sees of it.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "engine/crossval/clip_images.h"
#include "io/clips/clip_set.h"

namespace shcnn::program {

struct ClipPictures {
  std::vector<cv::Mat>
      frames;  ///< the first, and the apex's (the middle one where nobody says): gray, as large as `side`
  std::vector<cv::Mat> images;  ///< different ones, in order: BGR, or gray where the network sees frames
  int apex = -1;                ///< which of `images` is the apex frame's
};

/// At most `most` (3 or 5) of the images: the first, the apex's and the last, and where there is room those half-way
/// between. Errors of io::read_image.
ClipPictures clip_pictures(const io::Clip& clip, const ClipImages& images, int most, int side);

}  // namespace shcnn::program
