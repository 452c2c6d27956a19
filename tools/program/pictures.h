// Reads pictures given by the user: image files, folders and videos.
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
  std::string input;  ///< path of the file
  int frame = -1;     ///< frame of a video, from 0; -1 for an image
  cv::Mat pixels;     ///< 8-bit; gray or RGB
};

/// Files found in a folder.
struct FolderFiles {
  std::vector<std::string> files;    ///< files of the wanted kinds, in natural order of their names
  std::vector<std::string> skipped;  ///< all other files except hidden ones
};
/// The images in a folder and its subfolders; follows symbolic links. Failure(kBadData) if there are none; io::Error
/// (kDisk) if a folder cannot be listed.
FolderFiles images_in(const std::filesystem::path& folder);

/// Frame counts of a video that was read to its end.
struct VideoRead {
  std::string input;
  io::VideoCounts counts;
};

/// An input that could not be read, with the reason.
struct UnreadInput {
  std::string input;
  std::string message;
  std::exception_ptr error;
};
struct PicturesSeen {
  std::int64_t inputs = 0;           ///< number of files, plus folders without any usable file
  std::vector<std::string> skipped;  ///< files in folders that are neither image nor video
  std::vector<UnreadInput> unread;   ///< in the order of the inputs
  std::vector<VideoRead> videos;     ///< in the order of the inputs
};

/// Calls `use` for every picture in `inputs` (images, videos, or folders of them), in order. `channels`: 1 (gray) or 3
/// (RGB; videos are refused). An input that does not exist, is no picture, is damaged or unreadable is listed in the
/// result and the others are still processed; so is a gray picture with channels = 3 (require_colours). A GIF given by
/// name is read as a video; in a folder it is an image, of which the first frame is used.
PicturesSeen for_each_picture(const std::vector<std::string>& inputs, int channels,
                              const std::function<void(const Picture&)>& use);

/// Throws Failure(kBadData) if the image is gray and so cannot be a flow image. All-black images pass: a flow image
/// without motion is black.
void require_colours(const std::string& file, const io::Image& image);

/// Message such as "12 files are no pictures and are skipped: a.txt, b.csv, ..."
std::string skipped_text(const std::vector<std::string>& skipped);

/// Message that says what is missing from a video; empty if it is complete.
std::string incomplete(const VideoRead& video);
/// The counts as fields for --json: frames_announced (null if the file does not state it), frames_decoded,
/// frames_damaged.
Json counts_of(const VideoRead& video);

/// Converts an 8-bit gray or BGR picture to an io::Image.
io::Image image_of(const cv::Mat& picture);

}  // namespace shcnn::program
