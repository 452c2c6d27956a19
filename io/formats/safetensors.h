// Named tensors in one file: the safetensors format, read strictly and written deterministically.
//
// File: header length n (8 bytes, little-endian) | n bytes of JSON | the tensors' bytes, row-major, little-endian.
// JSON: {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
// ...}, padded with blanks so that the tensors' bytes start at a multiple of 8.
//
// Written: larger elements first, then by name, metadata by key, so equal content gives equal files; the metadata key
// kHashKey holds the xxh3-128 of the content (names, types, shapes, metadata and the tensors' bytes), so that no bit
// can turn unnoticed. Read: any file that keeps the rules below, ours or not; the hash is checked where there is one.
// F16 and BF16, which other programs write, are read as float.
//
// Refused: a header over 16 MiB or over 4,096 tensors, keys given twice, types outside DType, tensors without elements,
// shapes whose product overflows or does not match the offsets, gaps, overlaps, and a file longer or shorter than the
// tensors. Every size is known to fit the file before memory is taken for it.
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

/// Element types a file may hold.
enum class DType { kF32, kF64, kU8, kI32, kI64, kU64, kF16, kBF16 };

/// Bytes per element.
size_t dtype_size(DType dtype);
/// The name in the file: "F32".
std::string_view dtype_name(DType dtype);

/// IEEE 754 binary16 and bfloat16 as float. Exact: float holds each of their values.
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

/// One tensor to be written. It borrows its bytes.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;  ///< outermost first; empty: one number
  std::span<const std::byte> bytes;
};

/// A TensorView of `values`, which must outlive it.
template <class T>
TensorView tensor_view(std::string name, std::vector<uint64_t> shape, std::span<const T> values) {
  return {std::move(name), dtype_of<T>(), std::move(shape), std::as_bytes(values)};
}

/// Writes `tensors` and `metadata` safely (see AtomicFile).
/// @throws Error kUsage where a tensor breaks the rules above or `metadata` holds kHashKey; as AtomicFile otherwise
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors, const Metadata& metadata,
                       Overwrite overwrite);

/// One tensor of a file that was read.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<uint64_t> shape;
  uint64_t begin = 0;  ///< bytes from the start of the tensors' bytes
  uint64_t end = 0;
};

class Safetensors;

/// How a file is read.
struct SafetensorsOptions {
  ErrorKind bad = ErrorKind::kBadModel;         ///< the kind of error a bad file is
  bool require_hash = false;                    ///< refuse a file without kHashKey (one that must be ours)
  bool check_finite = true;                     ///< refuse NaN and infinity in tensors of floating-point types
  uint64_t max_file_bytes = uint64_t{8} << 30;  ///< refuse larger files before memory is taken
  /// Called once the header is known to fit the file and before memory is taken for the tensors; throws on a file that
  /// cannot serve. It may ask for names, types, shapes, metadata and whether there is a hash, not for bytes.
  std::function<void(const Safetensors&)> accept = {};
};

/// A file read and checked. The content lives in memory; spans given out live as long as this object.
class Safetensors {
 public:
  /// Reads and checks the whole file. @throws Error of options.bad, or kDisk
  static Safetensors read(const std::filesystem::path& path, const SafetensorsOptions& options = {});

  /// In the order of their bytes.
  const std::vector<TensorInfo>& tensors() const noexcept { return tensors_; }
  /// Without kHashKey.
  const Metadata& metadata() const noexcept { return metadata_; }
  /// The content hash, verified once read() has returned; empty where the file has none.
  const std::string& hash() const noexcept { return hash_; }

  /// nullptr where there is no such tensor.
  const TensorInfo* find(std::string_view name) const noexcept;
  /// The bytes of a tensor of this file.
  std::span<const std::byte> bytes(const TensorInfo& tensor) const;

  /// Copies tensor `name` to `out`; to float also from F16 and BF16. @throws Error (options.bad) where it is missing,
  /// of another type, or its shape is not `shape`; the message names the tensor and both shapes
  template <class T>
  void copy_to(std::string_view name, std::span<const uint64_t> shape, std::span<T> out) const {
    copy_bytes(name, dtype_of<T>(), shape, std::as_writable_bytes(out));
  }
  /// Tensor `name` of type T, any shape. @throws Error where it is missing or of another type
  template <class T>
  std::vector<T> values(std::string_view name) const {
    const TensorInfo& tensor = require(name, dtype_of<T>());
    std::vector<T> out(static_cast<size_t>((tensor.end - tensor.begin) / dtype_size(tensor.dtype)));
    copy_bytes(name, dtype_of<T>(), tensor.shape, std::as_writable_bytes(std::span(out)));
    return out;
  }
  /// Tensor `name` if it can be read as `dtype` (kF32: also F16 and BF16). @throws Error where it is missing or of
  /// another type
  const TensorInfo& require(std::string_view name, DType dtype) const;
  /// The same, of this shape.
  const TensorInfo& require(std::string_view name, DType dtype, std::span<const uint64_t> shape) const;
  /// Metadata entry `key`. @throws Error where it is missing
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
