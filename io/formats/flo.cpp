// The header is checked against the file length, which must match exactly.
#include "io/formats/flo.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "io/files/input_file.h"
#include "io/files/memory.h"

namespace shcnn::io {
namespace {

static_assert(std::endian::native == std::endian::little, "flo.cpp copies floats as they lie in memory");

constexpr char kTag[] = "PIEH";
constexpr uint64_t kHeaderBytes = 12;
constexpr int64_t kMaxSide = 1 << 20;
constexpr uint64_t kVectorBytes = 2 * sizeof(float);

}  // namespace

FlowArray read_flo(const std::filesystem::path& path) {
  const auto bad = [&](const std::string& place, const std::string& message, const char* remedy) {
    return Error(ErrorKind::kBadData, path, place, message, remedy);
  };
  InputFile file(path, ErrorKind::kBadData);
  if (file.size() < kHeaderBytes) {
    throw bad("", "has " + std::to_string(file.size()) + " bytes, a .flo file at least 12", "copy or make it again");
  }
  std::array<std::byte, kHeaderBytes> header;
  file.read_exactly(header);
  if (std::memcmp(header.data(), kTag, 4) != 0) throw bad("byte 0", "does not begin with PIEH", "is this a .flo file?");
  int32_t width = 0, height = 0;
  std::memcpy(&width, header.data() + 4, 4);
  std::memcpy(&height, header.data() + 8, 4);
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    throw bad("byte 4", "a size of " + std::to_string(width) + " x " + std::to_string(height) + " makes no sense",
              "copy or make it again");
  }
  const uint64_t vectors = static_cast<uint64_t>(width) * static_cast<uint64_t>(height);  // at most 2^40
  if (file.size() - kHeaderBytes != vectors * kVectorBytes) {
    throw bad("",
              "has " + std::to_string(file.size()) + " bytes, " +
                  std::to_string(kHeaderBytes + vectors * kVectorBytes) + " are due for " + std::to_string(width) +
                  " x " + std::to_string(height) + " vectors",
              "it was cut short or is damaged: copy or make it again");
  }
  FlowArray flow{height, width, with_memory_for(path, [&] { return std::vector<float>(2 * vectors); })};
  file.read_exactly(std::as_writable_bytes(std::span(flow.values)));
  for (size_t i = 0; i < flow.values.size(); ++i) {
    if (std::isnan(flow.values[i])) {
      throw bad("byte " + std::to_string(kHeaderBytes + 4 * i),
                "holds NaN in row " + std::to_string(i / 2 / static_cast<uint64_t>(width)) + ", column " +
                    std::to_string(i / 2 % static_cast<uint64_t>(width)),
                "make it again");
    }
  }
  return flow;
}

void write_flo(const std::filesystem::path& path, int64_t height, int64_t width, std::span<const float> values,
               Overwrite overwrite) {
  if (height < 1 || width < 1 || height > kMaxSide || width > kMaxSide ||
      values.size() != static_cast<uint64_t>(height) * static_cast<uint64_t>(width) * 2) {
    throw Error(ErrorKind::kUsage, path, "", "the values are not (height, width, 2)", "pass the flow's size");
  }
  AtomicFile file(path, overwrite);
  file.write(std::string_view(kTag, 4));
  const std::array<int32_t, 2> size = {static_cast<int32_t>(width), static_cast<int32_t>(height)};
  file.write(std::as_bytes(std::span(size)));
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace shcnn::io
