// Pictures as users have them: files, folders, videos; and faces found in them. OpenCV stays behind this header's
// functions and cv::Mat.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "io/clips/frames.h"
#include "io/images/image.h"
#include "tools/program/common.h"

namespace shcnn::program {

/// One picture, or one frame of a video.
struct Picture {
  std::string input;  ///< the file
  int frame = -1;     ///< of a video, from 0; -1 for an image
  cv::Mat pixels;     ///< 8-bit; gray, or red, green and blue
};

/// What folders hold.
struct FolderFiles {
  std::vector<std::string> files;    ///< of the kinds wanted, by name with numbers in counting order
  std::vector<std::string> skipped;  ///< the others, hidden ones not counted
};
/// The images in a folder and in folders below it, linked ones among them. Failure(kBadData) if none; io::Error (kDisk)
/// where a folder cannot be listed.
FolderFiles images_in(const std::filesystem::path& folder);

/// A video that was read to its end.
struct VideoRead {
  std::string input;
  io::VideoCounts counts;
};

/// An input that could not be read, and why.
struct UnreadInput {
  std::string input;
  std::string message;
  std::exception_ptr error;
};
struct PicturesSeen {
  std::int64_t inputs = 0;           ///< files, and folders without any
  std::vector<std::string> skipped;  ///< files in folders that are neither image nor video
  std::vector<UnreadInput> unread;   ///< in the order of the inputs
  std::vector<VideoRead> videos;     ///< in the order of the inputs
};

/// Every picture that `inputs` (images, videos, folders of them) lead to, one after the other, with `channels` 1 (gray)
/// or 3. An input that does not exist, is no picture, is damaged or may not be read is named in the result, and the
/// others are used all the same. So is a gray picture where colours are due (require_colours). A GIF that is named is a
/// video; in a folder it is an image, its first frame.
PicturesSeen for_each_picture(const std::vector<std::string>& inputs, int channels,
                              const std::function<void(const Picture&)>& use);

/// Failure(kBadData) on a gray picture where a flow image is due; black is both.
void require_colours(const std::string& file, const io::Image& image);

/// "12 files are no pictures and are skipped: a.txt, b.csv, ..."
std::string skipped_text(const std::vector<std::string>& skipped);

/// What is missing from a video, as a line for the user; empty where nothing is.
std::string incomplete(const VideoRead& video);
/// The same as fields of --json: frames_announced (null where the file does not say), frames_decoded, frames_damaged.
Json counts_of(const VideoRead& video);

/// A gray or BGR picture of 8 bits as what io/ writes.
io::Image image_of(const cv::Mat& picture);

}  // namespace shcnn::program
