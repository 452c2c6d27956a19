// What the network sees of a clip: its flow images (the first frame against every later one, flow/clip_flow.h) or its
// frames themselves. Made once and kept in files by content, so that every fold and every later run reads them.
//
// Cache: one safetensors file a clip, FOLDER/<key>.safetensors; key = hash of the frames' bytes, of their order and of
// every setting that an image depends on. Files can be removed at any time, one or all; a damaged one is made anew.
// The folder's size is bounded: the least recently used files go first. Only files that a store has written, by their
// name and by what their header says, are ever removed; a folder that holds anything else is refused. Where the folder
// cannot be written to, the images are used without being kept. In memory there are at most `memory_bytes` of images,
// whatever the number of clips.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "flow/clip_flow.h"
#include "io/clips/clip_set.h"
#include "io/formats/safetensors.h"
#include "kernels/backend.h"

namespace shcnn {

enum class ClipInput {
  kFlow,    ///< flow images, (112, 112, 3): the micro variant
  kFrames,  ///< gray frames, (48, 48): the static variant, as faces of FER2013
};
ClipInput clip_input_from_string(const std::string& name);  ///< "flow" or "frames"; Error(kUsage) else
std::string to_string(ClipInput input);

struct ClipImageOptions {
  ClipInput input = ClipInput::kFlow;
  flow::ClipFlowOptions flow;
  int most = 0;  ///< images of a clip at most, evenly spaced, the apex frame's among them; 0 = all

  /// Every setting that an image depends on, as name and exact text.
  std::vector<std::pair<std::string, std::string>> fields() const;
};

/// Height and width of the images, px.
int image_side(const ClipImageOptions& options);

/// All images of one clip.
struct ClipImages {
  int height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  ///< (count, height, width, channels)
  int apex = -1;                     ///< the apex frame's image; -1 where the clip has none

  std::int64_t image_bytes() const { return std::int64_t{height} * width * channels; }
  std::int64_t count() const { return static_cast<std::int64_t>(pixels.size()) / image_bytes(); }
};

/// Positions of the frames that have an image (flow: from 1 on; frames: from 0 on), in order: all of them, or `most` of
/// them evenly spaced with the apex's put in the place nearest to it.
std::vector<int> chosen_frames(const ClipImageOptions& options, int frames, int apex);

/// 32 hexadecimal digits over the bytes of a clip's frames, in order. Errors of io/.
std::string clip_content_hash(const io::Clip& clip);

struct ClipCacheOptions {
  std::filesystem::path folder;
  std::uint64_t disk_bytes = std::uint64_t{8} << 30;  ///< of the folder's images at most; 0 keeps none on disk
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  /// `gigabytes` (decimal) as bytes. Error(kUsage) naming `field` where it is out of range, NaN included.
  static std::uint64_t bytes_of(const char* field, double gigabytes);
  /// Receives one line, once, where images cannot be kept in the folder. Called from whichever thread meets it.
  std::function<void(const std::string&)> note;
};

/// The images of a set of clips, on demand. Safe for several threads, and for several processes on one folder.
class ClipImageStore {
 public:
  /// `hashes` of clip_content_hash, one a clip. `clips` must outlive this. Writes nothing. io::Error (kUsage) where the
  /// folder holds other things than images of clips.
  ClipImageStore(const io::ClipSet& clips, std::vector<std::string> hashes, const ClipImageOptions& options,
                 const ClipCacheOptions& cache, const std::string& device, const BackendOptions& backend);
  ~ClipImageStore();
  ClipImageStore(const ClipImageStore&) = delete;
  ClipImageStore& operator=(const ClipImageStore&) = delete;

  /// Makes what the folder lacks. Several processes share the work; `progress(done, clips)`; `stop()` true ends early.
  void prepare(const std::function<void(std::int64_t, std::int64_t)>& progress, const std::function<bool()>& stop);

  /// Clip `index`, from memory, else from its file, else made.
  std::shared_ptr<const ClipImages> get(std::size_t index);
  /// How many images clip `index` has, without reading any.
  std::int64_t count(std::size_t index) const;
  /// Extents of every image.
  int height() const, width() const, channels() const;

 private:
  struct Maker;
  std::filesystem::path file(std::size_t index) const;
  std::shared_ptr<const ClipImages> read(std::size_t index) const;
  std::shared_ptr<const ClipImages> make(std::size_t index);
  void write(std::size_t index, std::span<const io::TensorView> tensors, std::uint64_t size);
  void check_folder();
  void make_folder() const;
  void stop_writing(const std::string& why);
  void keep(std::size_t index, const std::shared_ptr<const ClipImages>& images);
  /// Bytes of the images in the folder, after the longest unused ones were removed where `room` more would not fit.
  std::uint64_t make_room(std::uint64_t room) const;

  const io::ClipSet& clips_;
  std::vector<std::string> keys_;
  ClipImageOptions options_;
  ClipCacheOptions cache_;
  std::unique_ptr<Maker> maker_;
  std::mutex mutex_, making_, folder_mutex_;
  std::list<std::pair<std::size_t, std::shared_ptr<const ClipImages>>> recent_;  ///< the latest first
  std::map<std::size_t, decltype(recent_)::iterator> in_memory_;
  std::uint64_t memory_used_ = 0;
  std::atomic<bool> writing_stopped_{false};
  std::uint64_t until_look_ = 0;  ///< bytes that may be written before the folder is listed; guarded by folder_mutex_
};

}  // namespace shcnn
