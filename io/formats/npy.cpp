// The header is a Python literal. Only the subset that numpy writes is accepted: three known keys with a string, True
// or False, and a tuple of non-negative integers.
#include "io/formats/npy.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "io/files/input_file.h"
#include "io/files/memory.h"

namespace shcnn::io {
namespace {

static_assert(std::endian::native == std::endian::little, "npy.cpp copies floats as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint64_t kMaxHeader = 1 << 16;
constexpr size_t kMaxDimensions = 8;
constexpr size_t kAlignment = 64;

struct Header {
  std::string descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

/// Parses the header's text; at() is the position for error messages.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}
  size_t at() const { return at_; }

  bool parse(Header& header) {
    if (!take('{')) return false;
    while (!take('}')) {
      std::string key;
      if (!quoted(key) || !take(':')) return false;
      if (key == "descr") {
        if (!header.descr.empty() || !quoted(header.descr)) return false;
      } else if (key == "fortran_order") {
        if (header.fortran_order || !truth(header.fortran_order)) return false;
      } else if (key == "shape") {
        if (header.shape || !tuple(header.shape)) return false;
      } else {
        return false;
      }
      if (!take(',') && peek() != '}') return false;
    }
    skip_space();
    return at_ == text_.size() && !header.descr.empty() && header.fortran_order && header.shape;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  bool quoted(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool truth(std::optional<bool>& out) {
    skip_space();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      out = value;
      return true;
    }
    return false;
  }
  bool tuple(std::optional<std::vector<int64_t>>& out) {
    if (!take('(')) return false;
    out.emplace();
    while (!take(')')) {
      int64_t value = 0;
      size_t digits = 0;
      for (skip_space(); at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
        if (digits == 18) return false;  // more digits may not fit into int64_t
        value = 10 * value + (text_[at_] - '0');
      }
      if (digits == 0 || out->size() == kMaxDimensions) return false;
      out->push_back(value);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

/// Number of elements of a shape; std::nullopt if a side is negative or their size in bytes exceeds 2^63 - 1.
std::optional<uint64_t> elements(std::span<const int64_t> shape) {
  constexpr uint64_t kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / sizeof(float);
  uint64_t count = 1;
  for (const int64_t side : shape) {
    if (side < 0 || (side > 0 && count > kMost / static_cast<uint64_t>(side))) return std::nullopt;
    count *= static_cast<uint64_t>(side);
  }
  return count;
}

}  // namespace

NpyArray read_npy(const std::filesystem::path& path) {
  const auto bad = [&](const std::string& place, const std::string& message, const char* remedy) {
    return Error(ErrorKind::kBadData, path, place, message, remedy);
  };
  InputFile file(path, ErrorKind::kBadData);
  std::array<char, 8> start{};
  if (file.size() < start.size() + 2) throw bad("", "is too short for a .npy file", "copy or make it again");
  file.read_exactly(std::as_writable_bytes(std::span(start)));
  if (std::string_view(start.data(), 6) != kMagic) throw bad("byte 0", "is no .npy file", "save it with numpy.save");
  const int version = start[6];
  if (version != 1 && version != 2) {
    throw bad("byte 6", "is of version " + std::to_string(version) + ", 1 and 2 are read", "save it with numpy.save");
  }
  const size_t length_bytes = version == 1 ? 2 : 4;
  std::array<unsigned char, 4> length_text{};
  file.read_exactly(std::as_writable_bytes(std::span(length_text)).subspan(0, length_bytes));
  uint64_t length = 0;
  for (size_t i = length_bytes; i-- > 0;) length = length << 8 | length_text[i];
  const uint64_t header_end = start.size() + length_bytes + length;
  if (length > kMaxHeader || header_end > file.size()) {
    throw bad("byte 8", "a header of " + std::to_string(length) + " bytes does not fit the file",
              "copy or make it again");
  }
  std::string text(length, '\0');
  file.read_exactly(std::as_writable_bytes(std::span(text)));
  Header header;
  Parser parser(text);
  if (!parser.parse(header)) {
    throw bad("byte " + std::to_string(start.size() + length_bytes + parser.at()),
              "the header is not as numpy writes it", "save it with numpy.save");
  }
  if (header.descr != "<f4") {
    throw bad("", "holds elements of type '" + header.descr + "', '<f4' is read", "save it as numpy.float32");
  }
  if (*header.fortran_order) throw bad("", "is in Fortran order", "save numpy.ascontiguousarray of it");
  const std::optional<uint64_t> count = elements(*header.shape);
  if (!count || file.size() - header_end != *count * sizeof(float)) {
    throw bad("", "has " + std::to_string(file.size() - header_end) + " bytes of elements, not those of its shape",
              "it was cut short or is damaged: copy or make it again");
  }
  NpyArray array{*header.shape, with_memory_for(path, [&] { return std::vector<float>(*count); })};
  file.read_exactly(std::as_writable_bytes(std::span(array.values)));
  for (size_t i = 0; i < array.values.size(); ++i) {
    if (std::isnan(array.values[i])) {
      throw bad("byte " + std::to_string(header_end + sizeof(float) * i), "holds NaN in element " + std::to_string(i),
                "make it again");
    }
  }
  return array;
}

namespace {

template <class T>
void write_values(const std::filesystem::path& path, std::span<const int64_t> shape, std::span<const T> values,
                  std::string_view descr, Overwrite overwrite) {
  const std::optional<uint64_t> count = elements(shape);
  if (!count || *count != values.size() || shape.size() > kMaxDimensions) {
    throw Error(ErrorKind::kUsage, path, "", "the shape is not that of the values", "pass the array's shape");
  }
  std::string header = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < shape.size(); ++i) {
    header += std::to_string(shape[i]) + (shape.size() == 1 ? "," : i + 1 < shape.size() ? ", " : "");
  }
  header += "), }";
  const size_t before = kMagic.size() + 2 + 2;  // version, length
  const size_t whole = (before + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.append(whole - before - header.size() - 1, ' ');
  header += '\n';
  AtomicFile file(path, overwrite);
  file.write(kMagic);
  const std::array<unsigned char, 4> rest = {1, 0, static_cast<unsigned char>(header.size() & 255),
                                             static_cast<unsigned char>(header.size() >> 8)};
  file.write(std::as_bytes(std::span(rest)));
  file.write(header);
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace

void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape, std::span<const float> values,
               Overwrite overwrite) {
  write_values(path, shape, values, "<f4", overwrite);
}

void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape, std::span<const double> values,
               Overwrite overwrite) {
  write_values(path, shape, values, "<f8", overwrite);
}

}  // namespace shcnn::io
