// Named tensors in one file: the safetensors format, read strictly and written deterministically.
//
// File: header length n (8 bytes, little-endian) | n bytes of JSON | the tensors' bytes, row-major, little-endian.
// JSON: {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
// ...}, padded with blanks so that the tensors' bytes start at a multiple of 8.
//
// Writing: tensors with larger elements come first, then by name; metadata by key. Equal content thus gives equal
// files. The metadata key kHashKey holds the xxh3-128 of the content (names, types, shapes, metadata and the tensors'
// bytes), so that every changed bit is detected.
// Reading: any file that obeys the rules below, whichever program wrote it. The hash is checked if there is one. F16
// and BF16, which other programs write, can be read as float.
//
// Rejected: a header of more than 16 MiB or 4,096 tensors, duplicate keys, types outside DType, tensors without
// elements, shapes whose product overflows or does not match the offsets, gaps or overlaps between tensors, and a file
// longer or shorter than its tensors. Every size is checked against the file size before memory is allocated for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "io/files/atomic_file.h"
#include "io/files/error.h"

namespace shcnn::io {

inline constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;
inline constexpr size_t kMaxTensors = 4096;
inline constexpr size_t kMaxRank = 8;
/// Metadata key of the content hash: 32 lower-case hexadecimal digits.
inline constexpr std::string_view kHashKey = "shcnn.xxh3_128";

/// Element types that a file may contain.
enum class DType { kF32, kF64, kU8, kI32, kI64, kU64, kF16, kBF16 };

/// Bytes per element.
size_t dtype_size(DType dtype);
/// The name in the file, such as "F32".
std::string_view dtype_name(DType dtype);

/// Conversions of IEEE 754 binary16 and bfloat16 to float. They are exact.
float float_of_f16(uint16_t bits);
float float_of_bf16(uint16_t bits);

/// The DType of a C++ type.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, uint8_t>) return DType::kU8;
  if constexpr (std::is_same_v<T, int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, int64_t>) return DType::kI64;
  if constexpr (std::is_same_v<T, uint64_t>) return DType::kU64;
}

using Metadata = std::map<std::string, std::string>;

/// One tensor to be written. It does not own its bytes.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;  ///< outermost dimension first; empty for a scalar
  std::span<const std::byte> bytes;
};

/// A TensorView of `values`, which must outlive it.
template <class T>
TensorView tensor_view(std::string name, std::vector<uint64_t> shape, std::span<const T> values) {
  return {std::move(name), dtype_of<T>(), std::move(shape), std::as_bytes(values)};
}

/// Writes `tensors` and `metadata` atomically (see AtomicFile).
/// @throws Error kUsage if a tensor violates the rules above or `metadata` contains kHashKey; otherwise as AtomicFile
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors, const Metadata& metadata,
                       Overwrite overwrite);

/// Description of one tensor of a file that was read.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;
  uint64_t begin = 0;  ///< offset in bytes from the start of the tensors' bytes
  uint64_t end = 0;
};

class Safetensors;

/// Options for reading a file.
struct SafetensorsOptions {
  ErrorKind bad = ErrorKind::kBadModel;         ///< error kind if the file is invalid
  bool require_hash = false;                    ///< reject files without kHashKey, which shcnn did not write
  bool check_finite = true;                     ///< reject NaN and infinity in floating-point tensors
  uint64_t max_file_bytes = uint64_t{8} << 30;  ///< reject larger files before memory is allocated
  /// Called after the header has been checked against the file size, before memory is allocated for the tensors. It
  /// throws if the file is unsuitable. It may query names, types, shapes, metadata and whether there is a hash, but not
  /// bytes.
  std::function<void(const Safetensors&)> accept = {};
};

/// A file that has been read and checked. Its content is held in memory; spans into it are valid while this object
/// exists.
class Safetensors {
 public:
  /// Reads and checks the whole file. @throws Error (options.bad, kDisk or kMemory)
  static Safetensors read(const std::filesystem::path& path, const SafetensorsOptions& options = {});

  /// In the order of their bytes in the file.
  const std::vector<TensorInfo>& tensors() const noexcept { return tensors_; }
  /// Without kHashKey.
  const Metadata& metadata() const noexcept { return metadata_; }
  /// The content hash, verified when read() returns; empty if the file has none.
  const std::string& hash() const noexcept { return hash_; }

  /// Tensor `name`; nullptr if there is none.
  const TensorInfo* find(std::string_view name) const noexcept;
  /// The bytes of a tensor of this file.
  std::span<const std::byte> bytes(const TensorInfo& tensor) const;

  /// Copies tensor `name` to `out`; F16 and BF16 can be copied to float. @throws Error (options.bad) if it is missing,
  /// has another type, or its shape is not `shape`; the message names the tensor and both shapes
  template <class T>
  void copy_to(std::string_view name, std::span<const uint64_t> shape, std::span<T> out) const {
    copy_bytes(name, dtype_of<T>(), shape, std::as_writable_bytes(out));
  }
  /// The elements of tensor `name` as T, of any shape. @throws Error if it is missing or has another type
  template <class T>
  std::vector<T> values(std::string_view name) const {
    const TensorInfo& tensor = require(name, dtype_of<T>());
    std::vector<T> out(static_cast<size_t>((tensor.end - tensor.begin) / dtype_size(tensor.dtype)));
    copy_bytes(name, dtype_of<T>(), tensor.shape, std::as_writable_bytes(std::span(out)));
    return out;
  }
  /// Tensor `name`, which must be readable as `dtype` (kF32 also accepts F16 and BF16). @throws Error if it is missing
  /// or has another type
  const TensorInfo& require(std::string_view name, DType dtype) const;
  /// As above. @throws Error also if its shape is not `shape`
  const TensorInfo& require(std::string_view name, DType dtype, std::span<const uint64_t> shape) const;
  /// Metadata entry `key`. @throws Error if it is missing
  const std::string& require_metadata(const std::string& key) const;

 private:
  static Safetensors read_whole(const std::filesystem::path& path, const SafetensorsOptions& options);
  void copy_bytes(std::string_view name, DType dtype, std::span<const uint64_t> shape, std::span<std::byte> out) const;

  std::filesystem::path path_;
  ErrorKind bad_ = ErrorKind::kBadModel;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, size_t, std::less<>> index_;  // name -> position in tensors_
  Metadata metadata_;
  std::string hash_;
  std::unique_ptr<std::byte[]> data_;
  uint64_t data_bytes_ = 0;
};

}  // namespace shcnn::io
