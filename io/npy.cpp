// A .npy file: "\x93NUMPY", version 1 0, the header's length (2 bytes, little-endian), the header (a Python dict,
// padded with spaces and closed by a line feed so that the data begin at a multiple of 64), the data.
#include "io/npy.h"

#include <bit>
#include <stdexcept>
#include <string>

namespace shcnn::io {
namespace {

constexpr size_t kAlignment = 64, kPreamble = 10;
static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

template <class T>
void write(const std::filesystem::path& path, const std::vector<int64_t>& shape, const T* values, size_t count,
           const char* type, Overwrite overwrite) {
  size_t product = 1;
  std::string extents;
  for (const int64_t extent : shape) {
    product *= static_cast<size_t>(extent);
    extents += std::to_string(extent) + ", ";
  }
  if (product != count) throw std::invalid_argument("write_npy: the shape does not hold that many values");
  if (shape.size() > 1) extents.erase(extents.size() - 2);  // (3, 4), but (3, )
  std::string header = std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (" + extents + "), }";
  header.append(kAlignment - (kPreamble + header.size() + 1) % kAlignment, ' ');
  header += '\n';

  AtomicFile file(path, overwrite);
  std::string preamble("\x93NUMPY\x01\x00", 8);
  preamble += static_cast<char>(header.size() & 0xff);
  preamble += static_cast<char>(header.size() >> 8);
  file.write(preamble);
  file.write(header);
  file.write(std::string_view(reinterpret_cast<const char*>(values), count * sizeof(T)));
  file.commit();
}

}  // namespace

void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape, const float* values, size_t count,
               Overwrite overwrite) {
  write(path, shape, values, count, "<f4", overwrite);
}

void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape, const double* values, size_t count,
               Overwrite overwrite) {
  write(path, shape, values, count, "<f8", overwrite);
}

}  // namespace shcnn::io
