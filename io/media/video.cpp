// The module shcnn_video, which uses FFmpeg's libraries. Frames are converted as in OpenCV 4.6 (libswscale, bicubic, to
// blue, green, red), so that a video gives the same bytes as with cv::VideoCapture.
//
// FFmpeg reads only through the caller's functions: it opens no files by name and follows no playlists. Its log is
// discarded for the whole process. Decoding uses one thread, so that the content of damaged frames is reproducible.
#include "io/media/video.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <new>
#include <string_view>
#include <vector>

namespace {

using shcnn::io::VideoBytes;
using shcnn::io::VideoFacts;
using shcnn::io::VideoFrame;
using shcnn::io::VideoStatus;

constexpr int kIoBytes = 1 << 16;
constexpr int64_t kPixelsAtOnce = 64;  ///< maximum that libswscale's vector code writes; rows are padded to multiples
/// Maximum number of consecutive failed decoding steps without a frame before the file is rejected.
constexpr int kMaxFruitless = 4096;
constexpr double kMissingSeconds = 0.5, kMissingShare = 0.05;  ///< tolerated difference from the announced duration

void ignore_log(void*, int, const char*, va_list) {}

int refuse_other_files(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) { return AVERROR(EPERM); }

/// Whether files of this format refer to other files.
bool is_playlist(const AVInputFormat& format) {
  constexpr std::string_view kPlaylists[] = {"hls", "concat", "dash", "imf"};
  return std::find(std::begin(kPlaylists), std::end(kPlaylists), format.name) != std::end(kPlaylists);
}

class Video {
 public:
  Video(const VideoBytes& bytes, int64_t max_pixels) : bytes_(bytes), max_pixels_(max_pixels) {}
  ~Video() {
    sws_freeContext(scaler_);
    av_frame_free(&frame_);
    av_packet_free(&packet_);
    avcodec_free_context(&codec_);
    avformat_close_input(&format_);
    if (io_) av_freep(&io_->buffer);
    avio_context_free(&io_);
    av_free(converted_);
  }
  Video(const Video&) = delete;
  Video& operator=(const Video&) = delete;

  /// Finds the video stream and opens its decoder; kFrame on success.
  VideoStatus open(VideoFrame* out) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBytes));
    io_ = buffer ? avio_alloc_context(buffer, kIoBytes, 0, this, read, nullptr, seek) : nullptr;
    if (!io_) av_free(buffer);
    format_ = io_ ? avformat_alloc_context() : nullptr;
    frame_ = av_frame_alloc();
    packet_ = av_packet_alloc();
    if (!format_ || !frame_ || !packet_) return VideoStatus::kNoMemory;
    format_->pb = io_;
    format_->flags |= AVFMT_FLAG_CUSTOM_IO;
    format_->io_open = refuse_other_files;
    const AVInputFormat* container = nullptr;
    const int probed = av_probe_input_buffer2(io_, &container, nullptr, nullptr, 0, 0);
    if (probed == AVERROR(ENOMEM)) return VideoStatus::kNoMemory;
    if (probed < 0 || is_playlist(*container)) return bad("cannot be read as a video");
    const int opened = avformat_open_input(&format_, nullptr, container, nullptr);
    if (opened == AVERROR(ENOMEM)) return VideoStatus::kNoMemory;
    if (opened < 0) return bad("cannot be read as a video");
    // check sizes before probe(), which decodes frames
    for (unsigned i = 0; i < format_->nb_streams; ++i) {
      const AVCodecParameters& parameters = *format_->streams[i]->codecpar;
      if (parameters.codec_type != AVMEDIA_TYPE_VIDEO) continue;
      const VideoStatus size = check_size(parameters.width, parameters.height, out);
      if (size != VideoStatus::kFrame) return size;
    }
    const VideoStatus known = probe();
    if (known != VideoStatus::kFrame) return known;
    const AVCodec* decoder = nullptr;
    const int index = av_find_best_stream(format_, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (index == AVERROR_DECODER_NOT_FOUND) return bad("is of a kind of video that cannot be decoded");
    if (index < 0) return bad("cannot be read as a video");
    stream_ = format_->streams[index];
    const VideoStatus size = check_size(stream_->codecpar->width, stream_->codecpar->height, out);
    if (size != VideoStatus::kFrame) return size;
    codec_ = avcodec_alloc_context3(decoder);
    if (!codec_ || avcodec_parameters_to_context(codec_, stream_->codecpar) < 0) return VideoStatus::kNoMemory;
    codec_->max_pixels = max_pixels_;
    codec_->thread_count = 1;
    codec_->pkt_timebase = stream_->time_base;
    const int codec_opened = avcodec_open2(codec_, decoder, nullptr);
    if (codec_opened == AVERROR(ENOMEM)) return VideoStatus::kNoMemory;
    return codec_opened < 0 ? bad("is of a kind of video that cannot be decoded") : VideoStatus::kFrame;
  }

  VideoStatus next(VideoFrame* out) {
    for (int fruitless = 0; fruitless < kMaxFruitless;) {
      const int received = avcodec_receive_frame(codec_, frame_);
      if (received >= 0) return give(out);
      if (received == AVERROR(ENOMEM)) return VideoStatus::kNoMemory;
      if (received == AVERROR_EOF) return VideoStatus::kEnd;
      if (received != AVERROR(EAGAIN)) ++fruitless;
      const int fed = feed();
      if (fed == AVERROR(ENOMEM)) return VideoStatus::kNoMemory;
      if (fed < 0) ++fruitless;
    }
    return bad("holds data that give no frame");
  }

  VideoFacts facts() const {
    VideoFacts facts{0, 0, damaged_, false};
    if (!stream_) return facts;
    facts.announced = std::max<int64_t>(0, stream_->nb_frames - discarded_);
    facts.estimated = facts.announced;
    const double duration = seconds_announced(), rate = av_q2d(stream_->avg_frame_rate);
    if (facts.estimated == 0 && duration > 0 && rate > 0 && duration * rate < 1e9) {
      facts.estimated = std::llround(duration * rate);
    }
    const double missing = duration - end_seconds_;
    facts.ends_early = stream_->nb_frames <= 0 && duration > 0 && end_seconds_ > 0 &&
                       missing > std::max(kMissingSeconds, kMissingShare * duration);
    return facts;
  }

  const char* message() const { return message_; }

 private:
  VideoStatus bad(const char* message) {
    message_ = message;
    return VideoStatus::kBad;
  }

  static int read(void* self, uint8_t* out, int count) {
    const VideoBytes& bytes = static_cast<Video*>(self)->bytes_;
    const int64_t got = bytes.read(bytes.file, out, static_cast<size_t>(count));
    return got > 0 ? static_cast<int>(got) : got == 0 ? AVERROR_EOF : AVERROR(EIO);
  }

  static int64_t seek(void* self, int64_t offset, int whence) {
    Video& video = *static_cast<Video*>(self);
    if (whence == AVSEEK_SIZE) return video.bytes_.size;
    const int from = whence & ~AVSEEK_FORCE;
    const int64_t position = from == SEEK_END ? video.bytes_.size + offset : offset;
    if (from == SEEK_CUR || position < 0) return AVERROR(EINVAL);
    return video.bytes_.seek(video.bytes_.file, position) ? position : AVERROR(EIO);
  }

  /// kFrame if the size is allowed; otherwise kTooLarge with the size in `out`.
  VideoStatus check_size(int width, int height, VideoFrame* out) const {
    if (width <= 0 || height <= 0 || int64_t{width} * height <= max_pixels_) return VideoStatus::kFrame;
    out->width = width;
    out->height = height;
    return VideoStatus::kTooLarge;
  }

  /// Determines properties that the header does not give. FFmpeg decodes some frames for this, under the same limit.
  VideoStatus probe() {
    std::vector<AVDictionary*> options(format_->nb_streams, nullptr);
    for (AVDictionary*& one : options) av_dict_set_int(&one, "max_pixels", max_pixels_, 0);
    const int found = avformat_find_stream_info(format_, options.data());
    for (AVDictionary*& one : options) av_dict_free(&one);
    if (found == AVERROR(ENOMEM)) return VideoStatus::kNoMemory;
    return found < 0 ? bad("cannot be read as a video") : VideoStatus::kFrame;
  }

  /// Sends one packet to the decoder, or the end of the stream. Returns 0 or an FFmpeg error code; a packet that the
  /// decoder rejects is skipped.
  int feed() {
    if (drained_) return avcodec_send_packet(codec_, nullptr);
    const int read = av_read_frame(format_, packet_);
    if (read == AVERROR(ENOMEM)) return read;
    if (read == AVERROR(EAGAIN)) return read;
    if (read < 0) {
      drained_ = true;
      return avcodec_send_packet(codec_, nullptr);
    }
    int sent = 0;
    if (packet_->stream_index == stream_->index) {
      if (packet_->flags & AV_PKT_FLAG_DISCARD) ++discarded_;
      sent = avcodec_send_packet(codec_, packet_);
    }
    av_packet_unref(packet_);
    return sent;
  }

  VideoStatus give(VideoFrame* out) {
    const int width = frame_->width, height = frame_->height;
    const VideoStatus size = check_size(width, height, out);
    if (size != VideoStatus::kFrame) return size;
    if ((frame_->flags & AV_FRAME_FLAG_CORRUPT) || frame_->decode_error_flags != 0) ++damaged_;
    if (frame_->best_effort_timestamp != AV_NOPTS_VALUE) {
      const int64_t start = stream_->start_time != AV_NOPTS_VALUE ? stream_->start_time : 0;
      const auto ticks = static_cast<double>(frame_->best_effort_timestamp - start + frame_->pkt_duration);
      end_seconds_ = std::max(end_seconds_, ticks * av_q2d(stream_->time_base));
    }
    const auto format = static_cast<AVPixelFormat>(frame_->format);
    if (!converted_ || width != width_ || height != height_ || format != pixel_format_) {
      av_freep(&converted_);
      stride_ = 3 * ((width + kPixelsAtOnce - 1) / kPixelsAtOnce * kPixelsAtOnce);
      converted_ = static_cast<uint8_t*>(av_malloc(static_cast<size_t>(stride_ * height)));
      if (!converted_) return VideoStatus::kNoMemory;
      scaler_ = sws_getCachedContext(scaler_, width, height, format, width, height, AV_PIX_FMT_BGR24, SWS_BICUBIC,
                                     nullptr, nullptr, nullptr);
      if (!scaler_) return bad("has frames of a kind that cannot be converted");
      width_ = width;
      height_ = height;
      pixel_format_ = format;
    }
    uint8_t* planes[] = {converted_, nullptr, nullptr, nullptr};
    const int strides[] = {static_cast<int>(stride_), 0, 0, 0};
    sws_scale(scaler_, frame_->data, frame_->linesize, 0, height, planes, strides);
    *out = {converted_, stride_, width, height, rotation()};
    return VideoStatus::kFrame;
  }

  int rotation() const {
    const uint8_t* matrix = av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
    if (!matrix) return 0;
    const double degrees = -av_display_rotation_get(reinterpret_cast<const int32_t*>(matrix));
    if (!std::isfinite(degrees)) return 0;
    const int whole = (static_cast<int>(std::lround(degrees)) % 360 + 360) % 360;
    return whole % 90 == 0 ? whole : 0;
  }

  double seconds_announced() const {
    if (stream_->duration != AV_NOPTS_VALUE) return static_cast<double>(stream_->duration) * av_q2d(stream_->time_base);
    if (format_->duration != AV_NOPTS_VALUE && format_->nb_streams == 1) {
      return static_cast<double>(format_->duration) / AV_TIME_BASE;
    }
    return 0;
  }

  const VideoBytes bytes_;
  const int64_t max_pixels_;
  bool drained_ = false;
  const char* message_ = "";
  AVIOContext* io_ = nullptr;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;  // owned by format_
  AVCodecContext* codec_ = nullptr;
  AVPacket* packet_ = nullptr;
  AVFrame* frame_ = nullptr;
  SwsContext* scaler_ = nullptr;
  uint8_t* converted_ = nullptr;
  int64_t stride_ = 0;
  int width_ = 0, height_ = 0;
  AVPixelFormat pixel_format_ = AV_PIX_FMT_NONE;
  int64_t damaged_ = 0, discarded_ = 0;
  double end_seconds_ = 0;
};

VideoStatus open_video(const VideoBytes* bytes, int64_t max_pixels, void** video, VideoFrame* frame) {
  av_log_set_callback(ignore_log);
  auto* made = new (std::nothrow) Video(*bytes, max_pixels);
  *video = made;
  if (!made) return VideoStatus::kNoMemory;
  try {
    return made->open(frame);
  } catch (const std::bad_alloc&) {  // no exception may leave the module
    return VideoStatus::kNoMemory;
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const shcnn::io::VideoFunctions* shcnn_video_functions_1() {
  static const shcnn::io::VideoFunctions functions = {
      open_video, [](void* video, VideoFrame* frame) { return static_cast<Video*>(video)->next(frame); },
      [](const void* video, VideoFacts* facts) { *facts = static_cast<const Video*>(video)->facts(); },
      [](const void* video) { return static_cast<const Video*>(video)->message(); },
      [](void* video) { delete static_cast<Video*>(video); }};
  return &functions;
}
