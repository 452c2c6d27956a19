// Pictures that show one clip: its first frame, its apex frame, and some of the network's input images.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "engine/crossval/clip_images.h"
#include "io/clips/clip_set.h"

namespace shcnn::program {

struct ClipPictures {
  std::vector<cv::Mat> frames;  ///< first and apex frame (middle one if no apex is coded): gray, `side` x `side`
  std::vector<cv::Mat> images;  ///< distinct images, in order: BGR, or gray if the input is frames
  int apex = -1;                ///< index into `images` of the apex frame's image; -1 if unknown
};

/// Selects at most `most` (3 or 5) of the images: the first, the apex frame's (the middle one if no apex is coded) and
/// the last; with 5 also those halfway between. Errors of io::read_image.
ClipPictures clip_pictures(const io::Clip& clip, const ClipImages& images, int most, int side);

}  // namespace shcnn::program
