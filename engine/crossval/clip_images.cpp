#include "engine/crossval/clip_images.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <string_view>

#include "engine/files/exact_text.h"
#include "engine/files/range_lock.h"
#include "engine/net/resize.h"
#include "io/files/input_file.h"
#include "io/files/parallel.h"
#include "io/formats/safetensors.h"
#include "io/images/image.h"
#include "kernels/error.h"
#include "shcnn/shcnn.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace shcnn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "shcnn-clip-images-1";  ///< part of the key, so that a new format uses new files
constexpr std::string_view kAnyFormat = "\"format\":\"shcnn-clip-images-";  ///< in the headers of all versions
constexpr std::string_view kLockName = "cache.lock";
constexpr std::string_view kExtension = ".safetensors";
constexpr std::size_t kKeyDigits = 32;
constexpr int kFaceSize = 48;
/// The folder is listed only when it is full or has grown by 1 / kLooks of its limit, not for each file.
constexpr std::uint64_t kLooks = 8;
constexpr std::uint64_t kHeader = 1024;      ///< maximum bytes of a file other than pixels
constexpr std::uint64_t kMarkWithin = 4096;  ///< number of header bytes that are searched for kAnyFormat
constexpr std::uint64_t kMostFrameBytes = std::uint64_t{64} << 20;
constexpr const char* kCacheRemedy = "name another folder with --cache";

std::string hex(XXH128_hash_t hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

std::string name_of(flow::FlowOrder order) {
  return order == flow::FlowOrder::kResizeThenFlow   ? "resize-then-flow"
         : order == flow::FlowOrder::kFlowThenResize ? "flow-then-resize"
                                                     : "as-is";
}

/// True for names of the form KEY.safetensors, which a store may have written.
bool is_cache_name(const fs::path& path) {
  const std::string name = path.stem().string();
  return path.extension() == kExtension && name.size() == kKeyDigits &&
         name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// True if the file's header shows that a store wrote it. Only such files may be removed. False if it cannot be read.
bool has_cache_mark(const fs::path& path) {
  try {
    io::InputFile file(path, io::ErrorKind::kBadData);
    std::uint64_t header_bytes = 0;
    if (file.size() < sizeof header_bytes) return false;
    file.read_exactly(std::as_writable_bytes(std::span(&header_bytes, 1)));
    std::string header(static_cast<std::size_t>(std::min(header_bytes, kMarkWithin)), '\0');
    header.resize(file.read_some(std::as_writable_bytes(std::span(header))));
    return header.find(kAnyFormat) != std::string::npos;
  } catch (const io::Error&) {
    return false;
  }
}

}  // namespace

ClipInput clip_input_from_string(const std::string& name) {
  if (name == "flow") return ClipInput::kFlow;
  if (name == "frames") return ClipInput::kFrames;
  throw Error(ErrorKind::kUsage, "input", "'" + name + "' is neither 'flow' nor 'frames'");
}

std::string to_string(ClipInput input) { return input == ClipInput::kFlow ? "flow" : "frames"; }

std::vector<std::pair<std::string, std::string>> ClipImageOptions::fields() const {
  std::vector<std::pair<std::string, std::string>> out = {{"input", to_string(input)},
                                                          {"images", std::to_string(most)}};
  if (input == ClipInput::kFrames) return out;
  const flow::Tvl1Params& p = flow.tvl1;
  const std::pair<std::string, std::string> more[] = {
      {"flow-order", name_of(flow.order)},
      {"flow-colors", std::to_string(static_cast<int>(flow.colors))},
      {"flow-scale", exact_text(flow.full_scale)},
      {"flow-side", std::to_string(flow.side)},
      {"flow-border", std::to_string(flow.border)},
      {"tau", exact_text(p.tau)},
      {"lambda", exact_text(p.lambda)},
      {"theta", exact_text(p.theta)},
      {"gamma", exact_text(p.gamma)},
      {"scales", std::to_string(p.scales)},
      {"warps", std::to_string(p.warps)},
      {"epsilon", exact_text(p.epsilon)},
      {"inner-iterations", std::to_string(p.inner_iterations)},
      {"outer-iterations", std::to_string(p.outer_iterations)},
      {"scale-step", exact_text(p.scale_step)},
      {"median", std::to_string(p.median_filter)},
      {"early-stop", p.early_stop ? "true" : "false"},
  };
  out.insert(out.end(), std::begin(more), std::end(more));
  return out;
}

int image_side(const ClipImageOptions& options) {
  return options.input == ClipInput::kFlow ? options.flow.side : kFaceSize;
}

std::uint64_t ClipCacheOptions::bytes_of(const char* field, double gigabytes) {
  constexpr double kMost = 1e6;
  if (!(gigabytes >= 0 && gigabytes <= kMost)) {
    throw Error(ErrorKind::kUsage, field, message("must be 0 to ", kMost, " GB, got ", gigabytes));
  }
  return static_cast<std::uint64_t>(gigabytes * 1e9);
}

std::vector<int> chosen_frames(const ClipImageOptions& options, int frames, int apex) {
  const int first = options.input == ClipInput::kFlow ? 1 : 0;
  const int there = frames - first;
  std::vector<int> out;
  if (options.most <= 0 || there <= options.most) {
    for (int f = first; f < frames; ++f) out.push_back(f);
    return out;
  }
  for (int i = 0; i < options.most; ++i) {  // the middle of each of `most` equal parts
    out.push_back(first + static_cast<int>((std::int64_t{2} * i + 1) * there / (2 * options.most)));
  }
  if (apex >= first && apex < frames) {
    const auto nearest =
        std::min_element(out.begin(), out.end(), [&](int a, int b) { return std::abs(a - apex) < std::abs(b - apex); });
    *nearest = apex;
    std::sort(out.begin(), out.end());
  }
  return out;
}

std::string clip_content_hash(const io::Clip& clip) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (const fs::path& frame : clip.frames) {
    const std::string bytes = io::read_text(frame, kMostFrameBytes, io::ErrorKind::kBadData);
    const std::uint64_t size = bytes.size();
    XXH3_128bits_update(&state, &size, sizeof size);
    XXH3_128bits_update(&state, bytes.data(), bytes.size());
  }
  return hex(XXH3_128bits_digest(&state));
}

/// Computes flow images. Must not be used by two threads at the same time, because the flow solver reuses its memory.
struct ClipImageStore::Maker {
  std::string device;
  BackendOptions backend;
  std::unique_ptr<flow::ClipFlow> flow;
  flow::ClipSize size;

  /// Computes the flow images from frame 0 to the frames `chosen`.
  void flows(const io::Clip& clip, const ClipImageOptions& options, const std::vector<int>& chosen, ClipImages& out) {
    const io::Image first = io::read_image(clip.frames.front(), 1);
    if (!flow || size.width != first.width || size.height != first.height) {
      size = {first.width, first.height};
      flow.reset();  // release its memory before allocating a new solver
      flow = flow::make_clip_flow(device, backend, options.flow, size);
    }
    flow->set_first(flow::GrayImage::bytes(first.pixels.data(), first.width, first.height));
    const std::size_t batch = std::max<std::size_t>(static_cast<std::size_t>(flow->batch()), 8);
    const auto bytes = static_cast<std::size_t>(out.image_bytes());
    for (std::size_t begin = 0; begin < chosen.size(); begin += batch) {
      const std::size_t count = std::min(batch, chosen.size() - begin);
      std::vector<io::Image> frames(count);
      std::vector<flow::GrayImage> later(count);
      for (std::size_t i = 0; i < count; ++i) {
        const fs::path& path = clip.frames[static_cast<std::size_t>(chosen[begin + i])];
        frames[i] = io::read_image(path, 1);
        if (frames[i].width != first.width || frames[i].height != first.height) {
          throw io::Error(io::ErrorKind::kBadData, path, "",
                          "has " + std::to_string(frames[i].width) + " x " + std::to_string(frames[i].height) +
                              " pixels, the clip's first frame " + std::to_string(first.width) + " x " +
                              std::to_string(first.height),
                          "copy the clip again, or crop its frames alike");
        }
        later[i] = flow::GrayImage::bytes(frames[i].pixels.data(), frames[i].width, frames[i].height);
      }
      flow::ClipFlowOutput output;
      output.images = out.pixels.data() + begin * bytes;
      flow->solve(later, output);
    }
  }
};

ClipImageStore::ClipImageStore(const io::ClipSet& clips, std::vector<std::string> hashes,
                               const ClipImageOptions& options, const ClipCacheOptions& cache,
                               const std::string& device, const BackendOptions& backend)
    : clips_(clips), options_(options), cache_(cache), maker_(std::make_unique<Maker>()) {
  if (options.input == ClipInput::kFlow) {
    flow::check(options.flow);
    if (options.flow.order == flow::FlowOrder::kAsIs) {
      throw Error(ErrorKind::kUsage, "flow-order", "'as-is' images differ in size; use one that resizes");
    }
  }
  if (hashes.size() != clips.clips.size()) {
    throw Error(ErrorKind::kInternal, "ClipImageStore",
                message(hashes.size(), " hashes for ", clips.clips.size(), " clips"));
  }
  maker_->device = device;
  maker_->backend = backend;
  // Rounding differs between executors, so the executor is part of the key. The thread count does not change results.
  // Instruction sets of a CPU may change a pixel by one level: machines that share a cache and must produce identical
  // bytes set SHCNN_ISA.
  std::string settings(kFormat);
  const std::string executor = device.substr(0, device.find(':'));
  for (const auto& [name, value] : options_.fields()) settings += "\n" + name + "=" + value;
  if (options.input == ClipInput::kFlow) settings += "\ndevice=" + executor;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::string text = settings + "\napex=" + std::to_string(clips.clips[i].apex) + "\n" + hashes[i];
    keys_.push_back(hex(XXH3_128bits(text.data(), text.size())));
  }
  check_folder();
}

ClipImageStore::~ClipImageStore() = default;

void ClipImageStore::check_folder() {
  std::error_code error;
  const fs::file_status status = fs::status(cache_.folder, error);
  if (!fs::exists(status)) return;  // created with the first file
  if (!fs::is_directory(status)) {
    throw io::Error(io::ErrorKind::kUsage, cache_.folder, "", "is no folder", kCacheRemedy);
  }
  fs::directory_iterator entry(cache_.folder, error);
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == kLockName || name.starts_with('.') || is_cache_name(entry->path())) continue;
    throw io::Error(io::ErrorKind::kUsage, cache_.folder, "",
                    "holds '" + name + "', which is no image of a clip; images are kept in a folder of their own",
                    kCacheRemedy);
  }
  if (error) stop_writing("the folder cannot be listed: " + error.message());
}

void ClipImageStore::stop_writing(const std::string& why) {
  if (writing_stopped_.exchange(true) || !cache_.note) return;
  cache_.note(cache_.folder.string() + ": images of clips are no longer kept here (" + why +
              "); those that do not fit into memory are made again whenever they are needed");
}

int ClipImageStore::height() const { return image_side(options_); }
int ClipImageStore::width() const { return height(); }
int ClipImageStore::channels() const { return options_.input == ClipInput::kFlow ? 3 : 1; }

fs::path ClipImageStore::file(std::size_t index) const {
  return cache_.folder / (keys_[index] + std::string(kExtension));
}

std::int64_t ClipImageStore::count(std::size_t index) const {
  const io::Clip& clip = clips_.clips[index];
  return static_cast<std::int64_t>(chosen_frames(options_, clip.span(), clip.apex).size());
}

std::shared_ptr<const ClipImages> ClipImageStore::read(std::size_t index) const {
  std::error_code ignored;
  if (!fs::exists(file(index), ignored)) return nullptr;
  try {
    io::SafetensorsOptions options;
    options.require_hash = true;
    options.bad = io::ErrorKind::kBadData;
    const io::Safetensors stored = io::Safetensors::read(file(index), options);
    auto images = std::make_shared<ClipImages>();
    images->height = height();
    images->width = width();
    images->channels = channels();
    const auto n = static_cast<std::uint64_t>(count(index));
    images->pixels.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(images->image_bytes()));
    const std::array<std::uint64_t, 4> shape = {n, static_cast<std::uint64_t>(height()),
                                                static_cast<std::uint64_t>(width()),
                                                static_cast<std::uint64_t>(channels())};
    stored.copy_to<std::uint8_t>("images", shape, images->pixels);
    const io::Clip& clip = clips_.clips[index];
    const std::vector<int> chosen = chosen_frames(options_, clip.span(), clip.apex);
    const auto apex = std::find(chosen.begin(), chosen.end(), clip.apex);
    images->apex = apex == chosen.end() ? -1 : static_cast<int>(apex - chosen.begin());
    fs::last_write_time(file(index), fs::file_time_type::clock::now(), ignored);  // mark as recently used
    return images;
  } catch (const io::Error&) {
    return nullptr;  // damaged or just removed: the caller computes it again
  }
}

std::shared_ptr<const ClipImages> ClipImageStore::make(std::size_t index) {
  const io::Clip& clip = clips_.clips[index];
  const std::vector<int> chosen = chosen_frames(options_, clip.span(), clip.apex);
  auto images = std::make_shared<ClipImages>();
  images->height = height();
  images->width = width();
  images->channels = channels();
  const auto bytes = static_cast<std::size_t>(images->image_bytes());
  images->pixels.resize(chosen.size() * bytes);
  const auto apex = std::find(chosen.begin(), chosen.end(), clip.apex);
  images->apex = apex == chosen.end() ? -1 : static_cast<int>(apex - chosen.begin());
  if (options_.input == ClipInput::kFlow) {
    const std::lock_guard<std::mutex> lock(making_);
    maker_->flows(clip, options_, chosen, *images);
  } else {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const io::Image frame = io::read_image(clip.frames[static_cast<std::size_t>(chosen[i])], 1);
      resize({frame.pixels.data(), frame.width, frame.height, frame.width}, 1, kFaceSize, kFaceSize,
             images->pixels.data() + i * bytes);
    }
  }
  const std::vector<std::uint64_t> shape = {chosen.size(), static_cast<std::uint64_t>(height()),
                                            static_cast<std::uint64_t>(width()),
                                            static_cast<std::uint64_t>(channels())};
  const std::vector<io::TensorView> tensors = {
      io::tensor_view<std::uint8_t>("images", shape, std::span<const std::uint8_t>(images->pixels))};
  try {
    write(index, tensors, images->pixels.size() + kHeader);
  } catch (const io::Error& error) {  // a full or read-only disk: the images are valid but cannot be cached
    stop_writing(error.what());
  }
  return images;
}

void ClipImageStore::write(std::size_t index, std::span<const io::TensorView> tensors, std::uint64_t size) {
  if (size > cache_.disk_bytes || writing_stopped_) return;
  make_folder();
  {
    const std::lock_guard<std::mutex> lock(folder_mutex_);
    if (size > until_look_) {
      const std::uint64_t used = std::min(make_room(size), cache_.disk_bytes);
      until_look_ = std::min(cache_.disk_bytes - used, cache_.disk_bytes / kLooks);
    }
    until_look_ -= std::min(size, until_look_);
  }
  io::write_safetensors(file(index), tensors, {{"format", std::string(kFormat)}, {"clip", clips_.clips[index].name}},
                        io::Overwrite::kYes);
}

void ClipImageStore::make_folder() const {
  std::error_code error;
  fs::create_directories(cache_.folder, error);
  if (error) {
    throw io::Error(io::ErrorKind::kDisk, cache_.folder, "", "cannot be made: " + error.message(), kCacheRemedy);
  }
}

void ClipImageStore::prepare(const std::function<void(std::int64_t, std::int64_t)>& progress,
                             const std::function<bool()>& stop) {
  std::unique_ptr<RangeLock> locks;  // null: the folder cannot be written to, so every process computes its own images
  if (cache_.disk_bytes > 0) {
    try {
      make_folder();
      locks = std::make_unique<RangeLock>(cache_.folder / kLockName);
      locks->try_hold(0);  // throws if the file system has no locks
    } catch (const io::Error& error) {
      locks.reset();
      stop_writing(error.what());
    }
  }
  const auto clips = static_cast<std::int64_t>(keys_.size());
  std::int64_t done = 0;
  std::vector<std::size_t> elsewhere;  // clips that another process is computing
  const auto there = [&](std::size_t i) {
    std::error_code ignored;
    return fs::exists(file(i), ignored);
  };
  const auto report = [&] {
    if (progress) progress(++done, clips);
  };
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (stop && stop()) return;
    if (there(i)) {
      report();
      continue;
    }
    const std::optional<RangeLock::Held> held =
        locks ? locks->try_hold(static_cast<std::int64_t>(i)) : std::optional<RangeLock::Held>();
    if (locks && !held) {
      elsewhere.push_back(i);
      continue;
    }
    if (!there(i)) keep(i, make(i));
    report();
  }
  for (const std::size_t i : elsewhere) {
    const RangeLock::Held held = locks->hold(static_cast<std::int64_t>(i));
    if (!there(i)) keep(i, make(i));  // that process ended without writing the file
    report();
  }
  make_room(0);
}

std::shared_ptr<const ClipImages> ClipImageStore::get(std::size_t index) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = in_memory_.find(index);
    if (found != in_memory_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->second;
    }
  }
  std::shared_ptr<const ClipImages> images = read(index);
  if (!images) images = make(index);
  keep(index, images);
  return images;
}

void ClipImageStore::keep(std::size_t index, const std::shared_ptr<const ClipImages>& images) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (in_memory_.contains(index)) return;
  recent_.emplace_front(index, images);
  in_memory_[index] = recent_.begin();
  memory_used_ += images->pixels.size();
  while (memory_used_ > cache_.memory_bytes && recent_.size() > 1) {
    memory_used_ -= recent_.back().second->pixels.size();
    in_memory_.erase(recent_.back().first);
    recent_.pop_back();
  }
}

std::uint64_t ClipImageStore::make_room(std::uint64_t room) const {
  struct File {
    fs::path path;
    std::uint64_t bytes;
    fs::file_time_type used;
  };
  std::vector<File> files;
  std::uint64_t sum = 0;
  std::error_code error;
  for (fs::directory_iterator entry(cache_.folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!is_cache_name(entry->path()) || !has_cache_mark(entry->path())) continue;
    std::error_code gone;
    const std::uint64_t bytes = entry->file_size(gone);
    const fs::file_time_type used = entry->last_write_time(gone);
    if (gone) continue;
    files.push_back({entry->path(), bytes, used});
    sum += bytes;
  }
  if (sum + room <= cache_.disk_bytes) return sum;
  const std::uint64_t spare = room > 0 ? cache_.disk_bytes / kLooks : 0;  // also for the next files
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (sum + room + spare <= cache_.disk_bytes) break;
    if (fs::remove(file.path, error)) sum -= file.bytes;
  }
  return sum;
}

}  // namespace shcnn
