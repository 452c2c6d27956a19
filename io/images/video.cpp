// The module reads through callbacks to InputFile, so that a video is opened like any other file: pipes and devices are
// rejected, and a read error is reported as such and not taken for the end of the file.
#include "io/images/video.h"

#include <exception>
#include <new>
#include <utility>

#include "io/files/input_file.h"
#include "io/files/module.h"
#include "io/images/image_decoders.h"
#include "io/media/video.h"

namespace shcnn::io {
namespace {

/// The file that a decoder reads, and the exception of a failed read, which must not pass through the decoder.
struct DecodedFile {
  InputFile file;
  std::exception_ptr failure;
};

int64_t read_bytes(void* file, uint8_t* out, size_t count) {
  auto& from = *static_cast<DecodedFile*>(file);
  try {
    return static_cast<int64_t>(from.file.read_some({reinterpret_cast<std::byte*>(out), count}));
  } catch (...) {
    from.failure = std::current_exception();
    return -1;
  }
}

bool seek_to(void* file, int64_t position) {
  auto& from = *static_cast<DecodedFile*>(file);
  try {
    from.file.seek(static_cast<uint64_t>(position));
    return true;
  } catch (...) {
    from.failure = std::current_exception();
    return false;
  }
}

Image image_of(const VideoFrame& frame, int channels) {
  Image image{frame.height, frame.width, channels, {}};
  image.pixels.resize(static_cast<size_t>(frame.height) * static_cast<size_t>(frame.width) *
                      static_cast<size_t>(channels));
  uint8_t* to = image.pixels.data();
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* from = frame.bgr + y * frame.stride;
    for (int x = 0; x < frame.width; ++x, from += 3) {
      if (channels == 1) {
        *to++ = converted_gray_of(from[2], from[1], from[0]);
      } else {
        for (int c = 2; c >= 0; --c) *to++ = from[c];
      }
    }
  }
  return image;
}

int orientation_of(int rotation) { return rotation == 90 ? 6 : rotation == 180 ? 3 : rotation == 270 ? 8 : 1; }

}  // namespace

struct Video::Decoder {
  explicit Decoder(const std::filesystem::path& path)
      : source{InputFile(path, ErrorKind::kBadData), nullptr},
        module("shcnn_video", "videos and GIF images", "libavformat-dev, libavcodec-dev and libswscale-dev"),
        functions(module.functions<VideoFunctions>(kVideoFunctionsSymbol)) {
    const VideoBytes bytes{&source, static_cast<int64_t>(source.file.size()), read_bytes, seek_to};
    VideoFrame frame{};
    const VideoStatus status = functions.open(&bytes, kMaxImagePixels, &video, &frame);
    if (status == VideoStatus::kFrame) return;
    const std::string message = video ? functions.message(video) : "";
    functions.close(video);
    fail(status, frame, message);
  }
  ~Decoder() { functions.close(video); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Throws the error for `status`, or the stored exception of a failed read.
  [[noreturn]] void fail(VideoStatus status, const VideoFrame& frame, const std::string& message) {
    if (source.failure) std::rethrow_exception(std::exchange(source.failure, nullptr));
    if (status == VideoStatus::kNoMemory) throw std::bad_alloc();
    if (status == VideoStatus::kTooLarge) check_image_size(source.file.path(), frame.width, frame.height);
    throw Error(ErrorKind::kBadData, source.file.path(), "", message, "copy or make it again, as mp4 say");
  }

  DecodedFile source;
  Module module;
  const VideoFunctions& functions;
  void* video = nullptr;
  int64_t decoded = 0;
};

Video::Video(const std::filesystem::path& path) : decoder_(std::make_unique<Decoder>(path)) {}
Video::~Video() = default;

bool Video::next(Image& image, int channels) {
  Decoder& d = *decoder_;
  VideoFrame frame{};
  const VideoStatus status = d.functions.next(d.video, &frame);
  if (status == VideoStatus::kFrame) {
    image = upright(image_of(frame, channels), orientation_of(frame.rotation));
    ++d.decoded;
    return true;
  }
  if (status != VideoStatus::kEnd || d.source.failure) d.fail(status, frame, d.functions.message(d.video));
  if (d.decoded == 0) d.fail(VideoStatus::kBad, frame, "holds no frame that can be decoded");
  return false;
}

VideoCounts Video::counts() const {
  VideoFacts facts{};
  decoder_->functions.facts(decoder_->video, &facts);
  return {facts.announced, facts.estimated, decoder_->decoded, facts.damaged, facts.ends_early};
}

}  // namespace shcnn::io
