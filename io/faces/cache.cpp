// Probabilities are not stored because they can be derived from labels or votes.
#include "io/faces/cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "io/files/folder_entries.h"
#include "io/formats/json.h"
#include "io/formats/safetensors.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// Incremented whenever a reader returns different data or the cache's layout changes.
constexpr int kReaderVersion = 2;
constexpr const char* kManifestKey = "manifest";
constexpr const char* kReportKey = "report";
constexpr int kMaxDepth = 4;  // maximum folder depth of a data set; also stops cycles of symbolic links

class ManifestHash {
 public:
  ManifestHash() { XXH3_128bits_reset(&state_); }
  void number(int64_t value) { XXH3_128bits_update(&state_, &value, sizeof value); }
  void text(std::string_view value) {
    number(static_cast<int64_t>(value.size()));
    XXH3_128bits_update(&state_, value.data(), value.size());
  }
  std::string digest() const {
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&state_));
    std::string out;
    for (const unsigned char byte : bytes.digest) {
      constexpr char kHex[] = "0123456789abcdef";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    return out;
  }

 private:
  XXH3_state_t state_;
};

void add_input(ManifestHash& hash, const fs::path& path, int depth) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw Error(ErrorKind::kDisk, path, "", "cannot look at it: " + std::system_category().message(errno),
                "check the path and its rights");
  }
  hash.text(path.filename().string());
  if (!S_ISDIR(status.st_mode)) {
    hash.number(status.st_size);
    hash.number(status.st_mtim.tv_sec);
    hash.number(status.st_mtim.tv_nsec);
    return;
  }
  if (depth == kMaxDepth) return;
  const std::vector<fs::path> entries = folder_entries(path);  // without hidden files: the cache itself is one
  hash.number(static_cast<int64_t>(entries.size()));
  for (const fs::path& entry : entries) add_input(hash, entry, depth + 1);
}

std::string report_text(const FaceSet& faces) {
  Json report;
  report["height"] = faces.height;
  report["width"] = faces.width;
  report["channels"] = faces.channels;
  report["classes"] = faces.class_names;
  report["rule"] = faces.rule;
  report["source"] = faces.source;
  for (const UsageCount& count : faces.counts) {
    report["counts"].push_back({{"rows", count.rows}, {"dropped", count.dropped}});
  }
  report["problems"] = Json::array();
  for (const Problem& problem : faces.problems) {
    report["problems"].push_back({problem.place, problem.message, problem.remedy});
  }
  return report.dump(-1, ' ', false, Json::error_handler_t::replace);  // file names may not be valid UTF-8
}

void store(const fs::path& path, const std::string& manifest, const FaceSet& faces) {
  const auto m = static_cast<uint64_t>(faces.size());
  std::string names;
  for (const std::string& name : faces.names) names.append(name).push_back('\0');
  const std::span<const uint8_t> usages(reinterpret_cast<const uint8_t*>(faces.usages.data()), faces.usages.size());
  const std::span<const uint8_t> name_bytes(reinterpret_cast<const uint8_t*>(names.data()), names.size());
  const auto extent = [](int value) { return static_cast<uint64_t>(value); };
  std::vector<TensorView> tensors = {
      tensor_view<uint8_t>("pixels", {m, extent(faces.height), extent(faces.width), extent(faces.channels)},
                           faces.pixels),
      tensor_view<int32_t>("labels", {m}, faces.labels), tensor_view<uint8_t>("usages", {m}, usages),
      tensor_view<uint8_t>("names", {names.size()}, name_bytes)};
  if (!faces.votes.empty()) tensors.push_back(tensor_view<uint8_t>("votes", {m, kVoteColumns}, faces.votes));
  write_safetensors(path, tensors, {{kManifestKey, manifest}, {kReportKey, report_text(faces)}}, Overwrite::kYes);
}

/// Throws std::runtime_error if the cache's contents are not a consistent FaceSet.
void require(bool condition) {
  if (!condition) throw std::runtime_error("its parts do not fit together");
}

/// Loads the set from the cache; empty if the data have changed since. Throws if the file is damaged.
std::optional<FaceSet> load(const fs::path& path, const std::string& manifest) {
  const Safetensors file = Safetensors::read(path, {.bad = ErrorKind::kBadData, .require_hash = true});
  if (file.require_metadata(kManifestKey) != manifest) return std::nullopt;
  const Json report = parse_json<Json>(file.require_metadata(kReportKey), {path, "metadata 'report'"});
  FaceSet out;
  out.height = report.at("height").get<int>();
  out.width = report.at("width").get<int>();
  out.channels = report.at("channels").get<int>();
  out.class_names = report.at("classes").get<std::vector<std::string>>();
  out.rule = report.at("rule").get<std::string>();
  out.source = report.at("source").get<std::string>();
  for (size_t u = 0; u < kUsages.size(); ++u) {
    const Json& count = report.at("counts").at(u);
    out.counts[u].rows = count.at("rows").get<int64_t>();
    out.counts[u].dropped = count.at("dropped").get<std::map<std::string, int64_t>>();
  }
  for (const Json& problem : report.at("problems")) {
    out.problems.push_back(
        {problem.at(0).get<std::string>(), problem.at(1).get<std::string>(), problem.at(2).get<std::string>()});
  }
  out.labels = file.values<int32_t>("labels");
  const size_t m = out.labels.size(), n = out.class_names.size();
  const std::vector<uint64_t> pixel_shape = {m, static_cast<uint64_t>(out.height), static_cast<uint64_t>(out.width),
                                             static_cast<uint64_t>(out.channels)};
  require(file.require("pixels", DType::kU8).shape == pixel_shape);
  out.pixels = file.values<uint8_t>("pixels");
  for (const uint8_t usage : file.values<uint8_t>("usages")) {
    require(usage < kUsages.size());
    out.usages.push_back(static_cast<Usage>(usage));
  }
  const std::vector<uint8_t> names = file.values<uint8_t>("names");
  for (auto from = names.begin(); from != names.end();) {
    const auto end = std::find(from, names.end(), uint8_t{0});
    require(end != names.end());
    out.names.emplace_back(from, end);
    from = end + 1;
  }
  if (file.find("votes") != nullptr) out.votes = file.values<uint8_t>("votes");
  require(out.usages.size() == m && out.names.size() == m);
  require(out.votes.empty() || out.votes.size() == m * kVoteColumns);
  if (out.votes.empty()) {
    out.probabilities.resize(m * n);
    for (size_t i = 0; i < m; ++i) {
      require(out.labels[i] >= 0 && static_cast<size_t>(out.labels[i]) < n);
      out.probabilities[i * n + static_cast<size_t>(out.labels[i])] = 1;
    }
  }
  return out;
}

}  // namespace

std::string manifest_of(std::string_view kind, std::span<const fs::path> inputs) {
  ManifestHash hash;
  hash.number(kReaderVersion);
  hash.text(kind);
  for (const fs::path& input : inputs) add_input(hash, input, 0);
  return hash.digest();
}

FaceSet read_cached(std::string_view kind, const fs::path& folder, std::span<const fs::path> inputs,
                    const CacheOptions& options, const std::function<FaceSet()>& read,
                    std::vector<std::string>& notes) {
  if (!options.enabled) return read();
  const std::string name = ".shcnn-" + std::string(kind) + ".safetensors";
  const std::string manifest = manifest_of(kind, inputs);
  std::vector<fs::path> places = {(folder.empty() ? fs::path(".") : folder) / name};
  if (!options.fallback.empty()) places.push_back(options.fallback / name);
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (!fs::exists(place, ignored)) continue;
    try {
      if (std::optional<FaceSet> faces = load(place, manifest)) return *std::move(faces);
      notes.push_back(place.string() + ": the data have changed since this cache was made; it is made anew");
    } catch (const std::exception& error) {
      notes.push_back(place.string() + ": this cache is not usable and is made anew (" + error.what() + ")");
    }
  }
  FaceSet faces = read();
  // If the data changed during reading, they would be stored under the manifest of their previous state.
  if (manifest_of(kind, inputs) != manifest) {
    notes.push_back(folder.string() + ": the data changed while they were read; no cache is made");
    return faces;
  }
  std::string why;
  for (const fs::path& place : places) {
    try {
      store(place, manifest, faces);
      return faces;
    } catch (const Error& error) {
      why = error.what();
    }
  }
  notes.push_back("no cache could be written, the next reading takes as long (" + why + ")");
  return faces;
}

}  // namespace shcnn::io
