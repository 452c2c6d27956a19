// Folders are listed and sorted completely; frames are decoded on demand.
#include "io/clips/frames.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "io/clips/frame_names.h"
#include "io/files/folder_entries.h"
#include "io/files/natural_less.h"
#include "io/files/text.h"
#include "io/images/image.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

class ImageReader final : public FrameReader {
 public:
  explicit ImageReader(std::vector<fs::path> files) : files_(std::move(files)) {}
  VideoCounts counts() const override {
    const auto all = static_cast<int64_t>(files_.size());
    return {.announced = all, .estimated = all, .decoded = static_cast<int64_t>(next_)};
  }

 private:
  bool read(Frame& frame) override {
    if (next_ == files_.size()) return false;
    const fs::path& file = files_[next_++];
    Image image = read_image(file, 1);
    frame = {file.string(), image.width, image.height, std::move(image.pixels)};
    return true;
  }

  std::vector<fs::path> files_;
  size_t next_ = 0;
};

class VideoReader final : public FrameReader {
 public:
  explicit VideoReader(const fs::path& path) : path_(path), video_(path) {}
  VideoCounts counts() const override { return video_.counts(); }

 private:
  bool read(Frame& frame) override {
    Image image;
    if (!video_.next(image, 1)) return false;
    frame = {path_.string() + ", frame " + std::to_string(index_++), image.width, image.height,
             std::move(image.pixels)};
    return true;
  }

  fs::path path_;
  Video video_;
  int64_t index_ = 0;
};

/// Minimum length of a sequence; fewer names may contain numbers by chance.
constexpr size_t kLeastSequence = 3;

/// If the names form a sequence, throws if a file is not one of its frames or the steps are not equal.
void check_sequence(const fs::path& folder, const FrameSequences& found) {
  const std::vector<NumberedFile>& frames = found.frames;
  if (frames.size() < kLeastSequence) return;
  const std::string range = frames.front().name() + " to " + frames.back().name();
  if (!found.copies.empty()) {
    throw Error(ErrorKind::kBadData, found.copies.front().path, "", "is named like a copy of a frame of " + range,
                "remove it, or rename it where it stands for a missing frame");
  }
  if (!found.others.empty() || !found.unnumbered.empty()) {
    throw Error(ErrorKind::kBadData,
                found.others.empty() ? found.unnumbered.front() : found.others.front().front().path, "",
                "is no frame of the sequence " + range, "move it to another folder, or name the frames one by one");
  }
  int64_t step = frames[1].number - frames[0].number;
  for (size_t i = 1; i < frames.size(); ++i) {
    if (frames[i].number == frames[i - 1].number) {
      throw Error(ErrorKind::kBadData, frames[i].path, "", "has the number of " + frames[i - 1].name(),
                  "remove one of them");
    }
    step = std::min(step, frames[i].number - frames[i - 1].number);
  }
  for (size_t i = 1; i < frames.size(); ++i) {
    const NumberedFile &before = frames[i - 1], &after = frames[i];
    if (after.number - before.number == step) continue;
    std::string number = std::to_string(before.number + step);
    if (number.size() < before.digits) number.insert(0, before.digits - number.size(), '0');
    throw Error(
        ErrorKind::kBadData, folder / (before.before + number + before.after + before.path.extension().string()), "",
        "is missing between " + before.name() + " and " + after.name(), "copy it again, or name the frames one by one");
  }
}

}  // namespace

bool FrameReader::next(Frame& frame) {
  if (!read(frame)) return false;
  if (width_ == 0) {
    width_ = frame.width;
    height_ = frame.height;
  } else if (frame.width != width_ || frame.height != height_) {
    throw Error(ErrorKind::kBadData, frame.name, "",
                "has " + std::to_string(frame.width) + " x " + std::to_string(frame.height) +
                    " pixels, the first frame " + std::to_string(width_) + " x " + std::to_string(height_),
                "frames of a clip have one size: resize it");
  }
  return true;
}

bool is_video_name(const fs::path& path) {
  constexpr std::array<const char*, 8> kEndings{".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".m4v", ".gif"};
  return std::find(kEndings.begin(), kEndings.end(), lower_case(path.extension().string())) != kEndings.end();
}

std::unique_ptr<FrameReader> open_images(std::vector<fs::path> files) {
  return std::make_unique<ImageReader>(std::move(files));
}

std::unique_ptr<FrameReader> open_clip(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) throw Error(ErrorKind::kBadData, path, "", "does not exist", "check the path");
  if (fs::is_directory(path, error)) return open_images(numbered_images(path));
  if (is_image_name(path) && !is_video_name(path)) {
    throw Error(ErrorKind::kUsage, path, "", "is one image", "name two frames, a folder of frames, or a video");
  }
  return std::make_unique<VideoReader>(path);
}

std::vector<fs::path> numbered_images(const fs::path& folder) {
  std::vector<fs::path> files = folder_entries(folder);
  std::erase_if(files, [](const fs::path& path) { return !is_image_name(path); });
  if (files.empty()) {
    throw Error(ErrorKind::kBadData, folder, "", "this folder holds no image (png, jpg, bmp, webp, tif, gif)",
                "is it the right folder?");
  }
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
  check_sequence(folder, sequences_of(files));
  return files;
}

}  // namespace shcnn::io
