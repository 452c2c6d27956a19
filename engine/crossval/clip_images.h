// The network's input images of a clip: its flow images (from the first frame to every later one, flow/clip_flow.h) or
// the frames themselves. They are computed once and cached in files, so that all folds and later runs read them.
//
// Cache: one safetensors file per clip, FOLDER/<key>.safetensors; key = hash of the frames' bytes, their order and all
// settings that an image depends on. Any file can be removed at any time; a damaged file is computed again. The size of
// the folder is bounded: the least recently used files are removed first. Only files that a store has written, as shown
// by their name and header, are ever removed. A folder that contains other files is rejected. If the folder cannot be
// written to, images are used without being cached. At most `memory_bytes` of images are kept in memory, for any number
// of clips (but always those of the last clip used).
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
  kFlow,    ///< flow images, (112, 112, 3), for the micro variant
  kFrames,  ///< gray frames, (48, 48), like the faces of FER2013, for the static variant
};
ClipInput clip_input_from_string(const std::string& name);  ///< "flow" or "frames"; otherwise throws Error(kUsage)
std::string to_string(ClipInput input);

struct ClipImageOptions {
  ClipInput input = ClipInput::kFlow;
  flow::ClipFlowOptions flow;
  int most = 0;  ///< maximum number of images per clip, evenly spaced, including that of the apex frame; 0 = all

  /// Name and exact value of every setting that an image depends on.
  std::vector<std::pair<std::string, std::string>> fields() const;
};

/// Height and width of the images in pixels.
int image_side(const ClipImageOptions& options);

/// All images of one clip.
struct ClipImages {
  int height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  ///< (count, height, width, channels)
  int apex = -1;                     ///< index of the apex frame's image; -1 if the clip has none

  std::int64_t image_bytes() const { return std::int64_t{height} * width * channels; }
  std::int64_t count() const { return static_cast<std::int64_t>(pixels.size()) / image_bytes(); }
};

/// Indices of the frames whose images are used, in order (flow: starting at 1; frames: starting at 0). These are all
/// frames, or `most` evenly spaced ones of which the one nearest to the apex is replaced by the apex.
std::vector<int> chosen_frames(const ClipImageOptions& options, int frames, int apex);

/// Hash of the bytes of a clip's frames, in order, as 32 hexadecimal digits. Throws io::Error if a frame cannot be
/// read.
std::string clip_content_hash(const io::Clip& clip);

struct ClipCacheOptions {
  std::filesystem::path folder;
  std::uint64_t disk_bytes = std::uint64_t{8} << 30;  ///< maximum size of the folder's images; 0 = no cache on disk
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;
  /// Converts decimal gigabytes to bytes. Throws Error(kUsage) that names `field` if the value is not in 0..1e6 or is
  /// NaN.
  static std::uint64_t bytes_of(const char* field, double gigabytes);
  /// Called once, with a one-line message, if images cannot be cached in the folder. May be called from any thread.
  std::function<void(const std::string&)> note;
};

/// Provides the images of a set of clips on demand. Several threads may use a store, and several processes one folder.
class ClipImageStore {
 public:
  /// `hashes` are the clips' clip_content_hash values. `clips` must outlive this object. Writes nothing. Throws
  /// io::Error (kUsage) if the folder contains anything but images of clips.
  ClipImageStore(const io::ClipSet& clips, std::vector<std::string> hashes, const ClipImageOptions& options,
                 const ClipCacheOptions& cache, const std::string& device, const BackendOptions& backend);
  ~ClipImageStore();
  ClipImageStore(const ClipImageStore&) = delete;
  ClipImageStore& operator=(const ClipImageStore&) = delete;

  /// Computes all images that the folder lacks. Several processes share the work. Calls `progress(done, clips)` after
  /// each clip; ends early if `stop()` returns true.
  void prepare(const std::function<void(std::int64_t, std::int64_t)>& progress, const std::function<bool()>& stop);

  /// The images of clip `index`: from memory, from its file, or computed.
  std::shared_ptr<const ClipImages> get(std::size_t index);
  /// The number of images of clip `index`, found without reading any.
  std::int64_t count(std::size_t index) const;
  /// Size of every image.
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
  /// Removes the least recently used images if another `room` bytes would not fit. Returns the bytes of the images
  /// left.
  std::uint64_t make_room(std::uint64_t room) const;

  const io::ClipSet& clips_;
  std::vector<std::string> keys_;
  ClipImageOptions options_;
  ClipCacheOptions cache_;
  std::unique_ptr<Maker> maker_;
  std::mutex mutex_, making_, folder_mutex_;
  std::list<std::pair<std::size_t, std::shared_ptr<const ClipImages>>> recent_;  ///< most recently used first
  std::map<std::size_t, decltype(recent_)::iterator> in_memory_;
  std::uint64_t memory_used_ = 0;
  std::atomic<bool> writing_stopped_{false};
  std::uint64_t until_look_ = 0;  ///< bytes to write before the folder is listed again; guarded by folder_mutex_
};

}  // namespace shcnn
