// Order of reading: length, header (SAX parser, rejects unknown content), layout, bytes, hash, check for NaN and
// infinity. Each step relies only on what the previous steps have checked against the file size.
#include "io/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "io/files/input_file.h"
#include "io/files/memory.h"
#include "io/formats/json.h"

namespace shcnn::io {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian and copied as it is");

using Json = nlohmann::json;

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kDataAlignment = 8;

struct DTypeRow {
  DType dtype;
  std::string_view name;
  size_t size;
};
constexpr std::array<DTypeRow, 8> kDTypes{{{DType::kF32, "F32", 4},
                                           {DType::kF64, "F64", 8},
                                           {DType::kU8, "U8", 1},
                                           {DType::kI32, "I32", 4},
                                           {DType::kI64, "I64", 8},
                                           {DType::kU64, "U64", 8},
                                           {DType::kF16, "F16", 2},
                                           {DType::kBF16, "BF16", 2}}};

const DTypeRow& row_of(DType dtype) {
  return *std::find_if(kDTypes.begin(), kDTypes.end(), [&](const DTypeRow& row) { return row.dtype == dtype; });
}

std::string tensor_place(std::string_view name) { return "tensor '" + printable(name, 100) + "'"; }

std::string shape_text(std::span<const uint64_t> shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

/// Size of a tensor in bytes; std::nullopt if the product overflows.
std::optional<uint64_t> byte_count(DType dtype, std::span<const uint64_t> shape) {
  uint64_t bytes = dtype_size(dtype);
  for (const uint64_t extent : shape) {
    if (extent != 0 && bytes > std::numeric_limits<uint64_t>::max() / extent) return std::nullopt;
    bytes *= extent;
  }
  return bytes;
}

std::string hex(XXH128_hash_t hash) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const uint64_t half : {hash.high64, hash.low64}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kHex[(half >> shift) & 15];
  }
  return out;
}

/// xxh3-128 of the content. Strings and lists are preceded by their length, so that different contents never give the
/// same input.
class ContentHash {
 public:
  ContentHash() { XXH3_128bits_reset(&state_); }
  void number(uint64_t value) { XXH3_128bits_update(&state_, &value, sizeof value); }
  void text(std::string_view value) {
    number(value.size());
    XXH3_128bits_update(&state_, value.data(), value.size());
  }
  void metadata(const Metadata& entries) {
    number(entries.size());
    for (const auto& [key, value] : entries) {
      text(key);
      text(value);
    }
  }
  void tensor(std::string_view name, DType dtype, std::span<const uint64_t> shape) {
    text(name);
    text(dtype_name(dtype));
    number(shape.size());
    for (const uint64_t extent : shape) number(extent);
  }
  void bytes(std::span<const std::byte> data) { XXH3_128bits_update(&state_, data.data(), data.size()); }
  std::string digest() const { return hex(XXH3_128bits_digest(&state_)); }

 private:
  XXH3_state_t state_;
};

/// SAX callbacks that parse the header. A callback that returns false stops the parser; problem() gives the reason.
class HeaderReader {
 public:
  std::vector<TensorInfo> tensors;
  Metadata metadata;

  const std::string& problem() const { return problem_; }
  const std::string& tensor() const { return name_; }

  bool start_object(size_t) {
    switch (state_) {
      case State::kStart:
        state_ = State::kNames;
        return true;
      case State::kNameValue:
        state_ = name_ == kMetadataKey ? State::kMetadataKeys : State::kFields;
        has_dtype_ = has_shape_ = false;
        offsets_.clear();
        return true;
      default:
        return refuse("an object where none may be");
    }
  }
  bool key(std::string& text) {
    switch (state_) {
      case State::kNames:
        name_ = text;
        if (!names_.insert(text).second) return refuse("this name is given twice");
        if (names_.size() > kMaxTensors + 1) return refuse("more than " + std::to_string(kMaxTensors) + " tensors");
        if (text.empty()) return refuse("a tensor without a name");
        state_ = State::kNameValue;
        return true;
      case State::kMetadataKeys:
        metadata_key_ = text;
        if (metadata.contains(text)) return refuse("metadata '" + printable(text, 100) + "' is given twice");
        state_ = State::kMetadataValue;
        return true;
      case State::kFields:
        return field(text);
      default:
        return refuse("a key where none may be");
    }
  }
  bool end_object() {
    switch (state_) {
      case State::kNames:
        state_ = State::kDone;
        return true;
      case State::kMetadataKeys:
        state_ = State::kNames;
        name_.clear();
        return true;
      case State::kFields:
        return finish_tensor();
      default:
        return refuse("an object ends too early");
    }
  }
  bool start_array(size_t) {
    if (state_ == State::kShape) return state_ = State::kShapeValues, true;
    if (state_ == State::kOffsets) return state_ = State::kOffsetValues, true;
    return refuse("a list where none may be");
  }
  bool end_array() {
    state_ = State::kFields;  // reached only from one of the two lists
    return true;
  }
  bool number_unsigned(uint64_t value) {
    if (state_ == State::kShapeValues) {
      if (current_.shape.size() == kMaxRank) return refuse("more than " + std::to_string(kMaxRank) + " dimensions");
      current_.shape.push_back(value);
      return true;
    }
    if (state_ == State::kOffsetValues) {
      if (offsets_.size() == 2) return refuse("data_offsets has more than two numbers");
      offsets_.push_back(value);
      return true;
    }
    return refuse("a number where none may be");
  }
  bool string(std::string& text) {
    if (state_ == State::kMetadataValue) {
      metadata.emplace(std::move(metadata_key_), text);
      state_ = State::kMetadataKeys;
      return true;
    }
    if (state_ == State::kDType) {
      const auto row = std::find_if(kDTypes.begin(), kDTypes.end(), [&](const DTypeRow& r) { return r.name == text; });
      if (row == kDTypes.end())
        return refuse("dtype '" + printable(text, 20) + "' is none of F32 F64 F16 BF16 U8 I32 I64 U64");
      current_.dtype = row->dtype;
      has_dtype_ = true;
      state_ = State::kFields;
      return true;
    }
    return refuse("a string where none may be");
  }
  bool null() { return refuse("null where a value is due"); }
  bool boolean(bool) { return refuse("true or false where none may be"); }
  bool number_integer(int64_t) { return refuse("a negative number"); }
  bool number_float(double, const std::string&) { return refuse("a number that is no whole number of 64 bits"); }
  bool binary(Json::binary_t&) { return refuse("binary data"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) {
    if (problem_.empty()) problem_ = "no JSON from byte " + std::to_string(kLengthBytes + position) + " on";
    return false;
  }

 private:
  enum class State {
    kStart,          // before the outer {
    kNames,          // in the outer object, a name is expected
    kNameValue,      // its object is expected
    kMetadataKeys,   // in __metadata__, a key is expected
    kMetadataValue,  // its text is expected
    kFields,         // in a tensor, a key is expected
    kDType,
    kShape,
    kShapeValues,
    kOffsets,
    kOffsetValues,
    kDone,
  };

  bool refuse(std::string why) {
    if (problem_.empty()) problem_ = std::move(why);
    return false;
  }
  bool field(const std::string& text) {
    if (text == "dtype" && !has_dtype_) return state_ = State::kDType, true;
    if (text == "shape" && !has_shape_) return has_shape_ = true, state_ = State::kShape, true;
    if (text == "data_offsets" && offsets_.empty()) return state_ = State::kOffsets, true;
    const bool known = text == "dtype" || text == "shape" || text == "data_offsets";
    return refuse("field '" + printable(text, 50) + (known ? "' is given twice" : "' is unknown"));
  }
  bool finish_tensor() {
    if (!has_dtype_ || !has_shape_ || offsets_.size() != 2) return refuse("it lacks dtype, shape or data_offsets");
    current_.begin = offsets_[0];
    current_.end = offsets_[1];
    const std::optional<uint64_t> bytes = byte_count(current_.dtype, current_.shape);
    if (!bytes) return refuse("shape " + shape_text(current_.shape) + " is impossibly large");
    if (*bytes == 0) return refuse("shape " + shape_text(current_.shape) + " has no elements");
    if (current_.end < current_.begin || current_.end - current_.begin != *bytes) {
      return refuse("data_offsets [" + std::to_string(current_.begin) + ", " + std::to_string(current_.end) +
                    "] do not hold the " + std::to_string(*bytes) + " bytes of its shape " +
                    shape_text(current_.shape));
    }
    current_.name = name_;
    tensors.push_back(std::exchange(current_, {}));
    if (tensors.size() > kMaxTensors) return refuse("more than " + std::to_string(kMaxTensors) + " tensors");
    name_.clear();
    state_ = State::kNames;
    return true;
  }

  State state_ = State::kStart;
  std::string problem_;
  std::string name_;
  std::string metadata_key_;
  std::set<std::string> names_;
  TensorInfo current_;
  std::vector<uint64_t> offsets_;
  bool has_dtype_ = false;
  bool has_shape_ = false;
};

/// Index of the first NaN or infinity (all exponent bits set); std::nullopt if all elements are finite.
template <class Bits>
std::optional<size_t> first_non_finite(std::span<const std::byte> bytes, Bits exponent_mask) {
  constexpr size_t kBlock = 4096;  // elements; no early exit within a block, so that the loop vectorises
  const size_t count = bytes.size() / sizeof(Bits);
  std::array<Bits, kBlock> block;
  for (size_t start = 0; start < count; start += kBlock) {
    const size_t n = std::min(kBlock, count - start);
    std::memcpy(block.data(), bytes.data() + start * sizeof(Bits), n * sizeof(Bits));
    bool bad = false;
    for (size_t i = 0; i < n; ++i) bad |= (block[i] & exponent_mask) == exponent_mask;
    if (!bad) continue;
    for (size_t i = 0; i < n; ++i) {
      if ((block[i] & exponent_mask) == exponent_mask) return start + i;
    }
  }
  return std::nullopt;
}

std::optional<size_t> first_non_finite(DType dtype, std::span<const std::byte> bytes) {
  if (dtype == DType::kF32) return first_non_finite<uint32_t>(bytes, 0x7f800000u);
  if (dtype == DType::kF64) return first_non_finite<uint64_t>(bytes, 0x7ff0000000000000u);
  if (dtype == DType::kF16) return first_non_finite<uint16_t>(bytes, 0x7c00u);
  if (dtype == DType::kBF16) return first_non_finite<uint16_t>(bytes, 0x7f80u);
  return std::nullopt;
}

constexpr const char* kForeignMend = "give a .safetensors file written by shcnn or by the safetensors library";
constexpr const char* kDamagedMend = "the file is damaged: copy or make it again";

}  // namespace

size_t dtype_size(DType dtype) { return row_of(dtype).size; }
std::string_view dtype_name(DType dtype) { return row_of(dtype).name; }

float float_of_bf16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

float float_of_f16(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 0x1fu, fraction = bits & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24, a normal number in float
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 0x1f ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

Safetensors Safetensors::read(const std::filesystem::path& path, const SafetensorsOptions& options) {
  try {
    return read_whole(path, options);
  } catch (const std::bad_alloc&) {
    throw Error(options.bad, path, "", "needs more memory than there is", "free some memory, or give another file");
  }
}

Safetensors Safetensors::read_whole(const std::filesystem::path& path, const SafetensorsOptions& options) {
  const auto bad = [&](const std::string& place, const std::string& message, const char* remedy) {
    return Error(options.bad, path, place, message, remedy);
  };
  InputFile file(path, options.bad);
  if (file.size() > options.max_file_bytes) {
    throw bad("", "has " + std::to_string(file.size()) + " bytes, more than a file of this kind can have",
              kForeignMend);
  }
  if (file.size() < kLengthBytes + 2) {
    throw bad("", "has only " + std::to_string(file.size()) + " bytes, no safetensors file", kForeignMend);
  }
  uint64_t header_bytes = 0;
  file.read_exactly(std::as_writable_bytes(std::span(&header_bytes, 1)));
  if (header_bytes < 2 || header_bytes > kMaxHeaderBytes) {
    throw bad("byte 0", "gives its header " + std::to_string(header_bytes) + " bytes, no safetensors file",
              kForeignMend);
  }
  if (header_bytes > file.size() - kLengthBytes) {
    throw bad("byte 0",
              "gives its header " + std::to_string(header_bytes) + " bytes, but the file ends after " +
                  std::to_string(file.size()),
              kDamagedMend);
  }
  std::string header(static_cast<size_t>(header_bytes), '\0');
  file.read_exactly(std::as_writable_bytes(std::span(header)));
  if (header.front() != '{') throw bad("byte 8", "no JSON header, no safetensors file", kForeignMend);

  check_json_limits(header, {path, "header", options.bad, kDamagedMend, kLengthBytes},
                    {.bytes = kMaxHeaderBytes, .values = kMaxTensors * 2 * (kMaxRank + 8)});

  HeaderReader reader;
  if (!Json::sax_parse(header, &reader)) {
    throw bad(reader.tensor().empty() ? "header" : tensor_place(reader.tensor()), reader.problem(), kForeignMend);
  }

  Safetensors out;
  out.path_ = path;
  out.bad_ = options.bad;
  out.tensors_ = std::move(reader.tensors);
  out.metadata_ = std::move(reader.metadata);
  out.data_bytes_ = file.size() - kLengthBytes - header_bytes;
  std::sort(out.tensors_.begin(), out.tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.begin < b.begin; });
  uint64_t end = 0;
  for (const TensorInfo& tensor : out.tensors_) {
    if (tensor.begin != end) {
      throw bad(tensor_place(tensor.name),
                "starts at byte " + std::to_string(tensor.begin) + " of the data, but the tensor before it ends at " +
                    std::to_string(end),
                kForeignMend);
    }
    if (tensor.end > out.data_bytes_) {
      throw bad(tensor_place(tensor.name),
                "ends at byte " + std::to_string(tensor.end) + " of the data, but the file holds only " +
                    std::to_string(out.data_bytes_),
                kDamagedMend);
    }
    end = tensor.end;
    out.index_.emplace(tensor.name, out.index_.size());
  }
  if (end != out.data_bytes_) {
    throw bad("byte " + std::to_string(kLengthBytes + header_bytes + end),
              std::to_string(out.data_bytes_ - end) + " bytes follow the last tensor", kDamagedMend);
  }

  if (const auto entry = out.metadata_.find(std::string(kHashKey)); entry != out.metadata_.end()) {
    out.hash_ = entry->second;
    out.metadata_.erase(entry);
    if (out.hash_.empty()) throw bad("header", "metadata '" + std::string(kHashKey) + "' is empty", kDamagedMend);
  } else if (options.require_hash) {
    throw bad("header", "lacks metadata '" + std::string(kHashKey) + "'", "give a file written by shcnn");
  }
  if (options.accept) options.accept(out);

  const auto size = static_cast<size_t>(out.data_bytes_);
  out.data_ = with_memory_for(path, [&] { return std::make_unique_for_overwrite<std::byte[]>(size); });
  file.read_exactly({out.data_.get(), size});

  if (!out.hash_.empty()) {
    ContentHash hash;
    hash.metadata(out.metadata_);
    for (const TensorInfo& tensor : out.tensors_) hash.tensor(tensor.name, tensor.dtype, tensor.shape);
    hash.bytes({out.data_.get(), size});
    if (hash.digest() != out.hash_) {
      throw bad("", "its content does not match the hash stored in it", kDamagedMend);
    }
  }

  if (options.check_finite) {
    for (const TensorInfo& tensor : out.tensors_) {
      if (const auto index = first_non_finite(tensor.dtype, out.bytes(tensor))) {
        throw bad(tensor_place(tensor.name), "element " + std::to_string(*index) + " is NaN or infinite",
                  "use a file saved before the numbers broke");
      }
    }
  }
  return out;
}

const TensorInfo* Safetensors::find(std::string_view name) const noexcept {
  const auto entry = index_.find(name);
  return entry == index_.end() ? nullptr : &tensors_[entry->second];
}

std::span<const std::byte> Safetensors::bytes(const TensorInfo& tensor) const {
  return {data_.get() + tensor.begin, static_cast<size_t>(tensor.end - tensor.begin)};
}

const TensorInfo& Safetensors::require(std::string_view name, DType dtype) const {
  const TensorInfo* tensor = find(name);
  if (tensor == nullptr) {
    throw Error(bad_, path_, tensor_place(name), "is missing", "give a file of the same kind of network and task");
  }
  const bool half = tensor->dtype == DType::kF16 || tensor->dtype == DType::kBF16;
  if (tensor->dtype != dtype && !(half && dtype == DType::kF32)) {
    throw Error(
        bad_, path_, tensor_place(name),
        "is of type " + std::string(dtype_name(tensor->dtype)) + ", " + std::string(dtype_name(dtype)) + " is expected",
        "give a file of the same kind of network and task");
  }
  return *tensor;
}

const std::string& Safetensors::require_metadata(const std::string& key) const {
  const auto entry = metadata_.find(key);
  if (entry == metadata_.end()) {
    throw Error(bad_, path_, "header", "lacks metadata '" + key + "'", "give a file written by shcnn for this purpose");
  }
  return entry->second;
}

const TensorInfo& Safetensors::require(std::string_view name, DType dtype, std::span<const uint64_t> shape) const {
  const TensorInfo& tensor = require(name, dtype);
  if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end())) {
    throw Error(bad_, path_, tensor_place(name),
                "has shape " + shape_text(tensor.shape) + ", " + shape_text(shape) + " is expected",
                "give a file of the same kind of network and task");
  }
  return tensor;
}

void Safetensors::copy_bytes(std::string_view name, DType dtype, std::span<const uint64_t> shape,
                             std::span<std::byte> out) const {
  const TensorInfo& tensor = require(name, dtype, shape);
  const std::span<const std::byte> from = bytes(tensor);
  const size_t count = from.size() / dtype_size(tensor.dtype);
  if (count * dtype_size(dtype) != out.size()) {
    throw Error(ErrorKind::kUsage, path_, tensor_place(name),
                "takes " + std::to_string(count * dtype_size(dtype)) + " bytes, the place for it has " +
                    std::to_string(out.size()),
                "pass a place of the tensor's size");
  }
  if (tensor.dtype != dtype) {
    const auto widen = tensor.dtype == DType::kF16 ? float_of_f16 : float_of_bf16;
    for (size_t i = 0; i < count; ++i) {
      uint16_t bits = 0;
      std::memcpy(&bits, from.data() + i * sizeof bits, sizeof bits);
      const float value = widen(bits);
      std::memcpy(out.data() + i * sizeof value, &value, sizeof value);
    }
    return;
  }
  std::memcpy(out.data(), from.data(), from.size());
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors, const Metadata& metadata,
                       Overwrite overwrite) {
  const auto refuse = [&](const std::string& place, const std::string& message, const char* remedy) {
    return Error(ErrorKind::kUsage, path, place, message, remedy);
  };
  if (tensors.size() > kMaxTensors) throw refuse("", "more than 4096 tensors", "write fewer tensors");
  if (metadata.contains(std::string(kHashKey))) {
    throw refuse("", "metadata '" + std::string(kHashKey) + "' is set by the writer", "leave it out");
  }
  // Larger elements first, so that every tensor starts at a multiple of its element size.
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const size_t size_a = dtype_size(tensors[a].dtype), size_b = dtype_size(tensors[b].dtype);
    return size_a != size_b ? size_a > size_b : tensors[a].name < tensors[b].name;
  });

  ContentHash hash;
  hash.metadata(metadata);
  std::set<std::string_view> names;
  for (const size_t i : order) {
    const TensorView& tensor = tensors[i];
    if (tensor.name.empty() || tensor.name == kMetadataKey || !names.insert(tensor.name).second) {
      throw refuse(tensor_place(tensor.name), "is no name, or given twice", "give every tensor a name of its own");
    }
    const std::optional<uint64_t> bytes = byte_count(tensor.dtype, tensor.shape);
    if (!bytes || *bytes == 0 || *bytes != tensor.bytes.size() || tensor.shape.size() > kMaxRank) {
      throw refuse(
          tensor_place(tensor.name),
          "shape " + shape_text(tensor.shape) + " does not fit its " + std::to_string(tensor.bytes.size()) + " bytes",
          "pass at least one element, at most 8 dimensions, and as many bytes as the shape says");
    }
    hash.tensor(tensor.name, tensor.dtype, tensor.shape);
  }
  for (const size_t i : order) hash.bytes(tensors[i].bytes);

  // The header is assembled here, in the order of the bytes; nlohmann::json only writes (and checks) the strings.
  std::string header;
  try {
    Metadata entries = metadata;
    entries.emplace(kHashKey, hash.digest());
    header = "{\"" + std::string(kMetadataKey) + "\":" + Json(entries).dump();
    uint64_t begin = 0;
    for (const size_t i : order) {
      const TensorView& tensor = tensors[i];
      const uint64_t end = begin + tensor.bytes.size();
      header += "," + Json(tensor.name).dump() + ":{\"dtype\":\"" + std::string(dtype_name(tensor.dtype)) +
                "\",\"shape\":" + Json(tensor.shape).dump() + ",\"data_offsets\":[" + std::to_string(begin) + "," +
                std::to_string(end) + "]}";
      begin = end;
    }
    header += "}";
  } catch (const Json::exception&) {
    throw refuse("header", "a name or a metadata text is not UTF-8", "use UTF-8 text");
  }
  header.append((kDataAlignment - header.size() % kDataAlignment) % kDataAlignment, ' ');
  if (header.size() > kMaxHeaderBytes) {
    throw refuse("header", "names and metadata take more than 16 MiB", "store large things as tensors");
  }

  AtomicFile file(path, overwrite);
  const uint64_t header_bytes = header.size();
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const size_t i : order) file.write(tensors[i].bytes);
  file.commit();
}

}  // namespace shcnn::io
