// Pictures as users have them: files, folders, videos; and faces found in them. OpenCV stays behind this header's
// functions and cv::Mat.
#pragma once

#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

namespace shcnn::program {

/// One picture, or one frame of a video.
struct Picture {
  std::string input;  ///< the file
  int frame = -1;     ///< of a video, from 0; -1 for an image
  cv::Mat gray;       ///< 8-bit
};

/// The images in a folder and in folders below it, by name with numbers in counting order. Failure(kBadData) if none.
std::vector<std::string> images_in(const std::filesystem::path& folder);

/// Every picture that `inputs` (images, videos, folders: their images, by name with numbers in counting order) lead to,
/// one after the other. Failure(kBadData) on a path that does not exist, a video that cannot be decoded, or a folder
/// without images; io::Error (kBadData) as io::read_image on a file that is no image.
void for_each_picture(const std::vector<std::string>& inputs, const std::function<void(const Picture&)>& use);

/// What a decoder thinks of a file is no line of ours on stderr.
void silence_decoders();

}  // namespace shcnn::program
