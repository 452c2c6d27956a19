#include "tools/program/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <set>

#include "io/clips/frames.h"
#include "io/files/folder_entries.h"
#include "io/files/natural_less.h"
#include "io/formats/csv.h"
#include "tools/program/exit_code.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
  throw Failure(ExitCode::kBadData, path.string() + ": " + what);
}

cv::Mat read_picture(const std::string& file, int channels) {
  io::Image image = io::read_image(file, channels);
  if (channels == 3) require_colours(file, image);
  return cv::Mat(image.height, image.width, channels == 1 ? CV_8UC1 : CV_8UC3, image.pixels.data()).clone();
}

VideoRead use_video(const fs::path& path, const std::function<void(const Picture&)>& use) {
  const auto video = io::open_clip(path);
  io::Frame frame;
  for (int index = 0; video->next(frame); ++index) {
    use({path.string(), index, cv::Mat(frame.height, frame.width, CV_8UC1, frame.pixels.data()).clone()});
  }
  return {path.string(), video->counts()};
}

/// Adds the files in `folder` and its subfolders. `entered` holds the visited folders, because links can form cycles.
void add_files(const fs::path& folder, bool (*wanted)(const fs::path&), std::set<fs::path>& entered, FolderFiles& out) {
  if (!entered.insert(fs::canonical(folder)).second) return;
  for (const fs::path& entry : io::folder_entries(folder)) {
    std::error_code ignored;
    if (fs::is_directory(entry, ignored)) {
      add_files(entry, wanted, entered, out);
    } else {
      (wanted(entry) ? out.files : out.skipped).push_back(entry.string());
    }
  }
}

FolderFiles files_in(const fs::path& folder, bool (*wanted)(const fs::path&), const char* kinds) {
  FolderFiles out;
  std::set<fs::path> entered;
  add_files(folder, wanted, entered, out);
  if (out.files.empty()) refuse(folder, fmt::format("this folder holds no {}", kinds));
  std::sort(out.files.begin(), out.files.end(), io::natural_less);
  return out;
}

bool is_picture_name(const fs::path& path) { return io::is_image_name(path) || io::is_video_name(path); }

}  // namespace

std::string incomplete(const VideoRead& video) {
  const io::VideoCounts& c = video.counts;
  std::string what;
  if (c.announced > c.decoded) {
    what = fmt::format("announces {} frames, {} could be decoded", c.announced, c.decoded);
  } else if (c.ends_early) {
    what = fmt::format("ends before its announced duration, after {} frames", c.decoded);
  }
  if (c.damaged > 0) what += fmt::format("{}{} frames are damaged", what.empty() ? "" : "; ", c.damaged);
  return what.empty() ? what : fmt::format("{}: {}: copy or make it again", video.input, what);
}

Json counts_of(const VideoRead& video) {
  const io::VideoCounts& c = video.counts;
  Json counts = {{"frames_announced", nullptr}, {"frames_decoded", c.decoded}, {"frames_damaged", c.damaged}};
  if (c.announced > 0) counts["frames_announced"] = c.announced;
  return counts;
}

io::Image image_of(const cv::Mat& picture) {
  cv::Mat dense = picture;
  if (picture.channels() == 3) {
    cv::cvtColor(picture, dense, cv::COLOR_BGR2RGB);
  } else if (!picture.isContinuous()) {
    dense = picture.clone();
  }
  return {dense.rows, dense.cols, dense.channels(), {dense.ptr(), dense.ptr() + dense.total() * dense.elemSize()}};
}

FolderFiles images_in(const fs::path& folder) { return files_in(folder, io::is_image_name, "image"); }

PicturesSeen for_each_picture(const std::vector<std::string>& inputs, int channels,
                              const std::function<void(const Picture&)>& use) {
  PicturesSeen seen;
  const auto try_input = [&seen](const std::string& input, const std::function<void()>& read) {
    const auto unread = [&](const std::exception& e) {
      seen.unread.push_back({input, e.what(), std::current_exception()});
    };
    ++seen.inputs;
    try {
      read();
    } catch (const io::Error& e) {
      unread(e);
    } catch (const Failure& e) {
      if (e.code() != ExitCode::kBadData) throw;
      unread(e);
    }
  };
  for (const std::string& input : inputs) {
    std::error_code ignored;
    FolderFiles found;
    const bool in_folder = fs::is_directory(input, ignored);
    if (in_folder) {
      try_input(input, [&] { found = files_in(input, is_picture_name, "image and no video"); });
      if (!found.files.empty()) --seen.inputs;  // each file is counted instead
    } else {
      found.files = {input};
    }
    seen.skipped.insert(seen.skipped.end(), found.skipped.begin(), found.skipped.end());
    for (const std::string& file : found.files) {
      try_input(file, [&] {
        if (!fs::exists(file)) refuse(file, "does not exist");
        const bool video = in_folder ? !io::is_image_name(file) : io::is_video_name(file);
        if (!video) {
          use({file, -1, read_picture(file, channels)});
        } else if (channels == 1) {
          seen.videos.push_back(use_video(file, use));
        } else {
          refuse(file, "is a video, and these weights classify flow images");
        }
      });
    }
  }
  return seen;
}

void require_colours(const std::string& file, const io::Image& image) {
  bool black = true;
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    const std::uint8_t red = image.pixels[i], green = image.pixels[i + 1], blue = image.pixels[i + 2];
    if (red != green || green != blue) return;
    black = black && red == 0;
  }
  if (black) return;  // a flow image without motion
  refuse(file,
         "is a gray picture, and these weights classify flow images: make one with shcnn flow, or name weights "
         "that were trained on faces");
}

std::string skipped_text(const std::vector<std::string>& skipped) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> names;
  for (const std::string& path : skipped) {
    if (names.size() < kNamed) names.push_back(io::printable(fs::path(path).filename().string(), 60));
  }
  return fmt::format("{} files are no pictures and are skipped: {}{}", skipped.size(), fmt::join(names, ", "),
                     skipped.size() > kNamed ? ", ..." : "");
}

}  // namespace shcnn::program
