#include "tools/program/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <opencv2/core/utils/logger.hpp>

#include "io/csv.h"
#include "io/frames.h"
#include "io/image.h"
#include "io/natural_less.h"
#include "tools/program/exit_code.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 7> kVideoEndings{".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".m4v"};

bool is_video_name(const fs::path& path) {
  const std::string ending = io::lower_case(path.extension().string());
  return std::find(kVideoEndings.begin(), kVideoEndings.end(), ending) != kVideoEndings.end();
}

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
  throw Failure(ExitCode::kBadData, path.string() + ": " + what);
}

cv::Mat read_gray(const fs::path& path) {
  io::Image image = io::read_image(path, 1);
  return cv::Mat(image.height, image.width, CV_8UC1, image.pixels.data()).clone();
}

void use_video(const fs::path& path, const std::function<void(const Picture&)>& use) {
  silence_decoders();
  const auto video = io::open_clip(path);
  io::Frame frame;
  for (int index = 0; video->next(frame); ++index) {
    use({path.string(), index, cv::Mat(frame.height, frame.width, CV_8UC1, frame.pixels.data()).clone()});
  }
}

}  // namespace

void silence_decoders() {
  setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", 0);  // FFmpeg's "quiet"
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
}

std::vector<std::string> images_in(const fs::path& folder) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && io::is_image_name(entry.path())) files.push_back(entry.path().string());
  }
  if (files.empty()) refuse(folder, "this folder holds no image (png, jpg, bmp)");
  std::sort(files.begin(), files.end(), io::natural_less);
  return files;
}

void for_each_picture(const std::vector<std::string>& inputs, const std::function<void(const Picture&)>& use) {
  for (const std::string& input : inputs) {
    const fs::path path(input);
    if (!fs::exists(path)) refuse(path, "does not exist");
    if (fs::is_directory(path)) {
      for (const std::string& file : images_in(path)) use({file, -1, read_gray(file)});
    } else if (is_video_name(path)) {
      use_video(path, use);
    } else {
      use({input, -1, read_gray(path)});
    }
  }
}

}  // namespace shcnn::program
