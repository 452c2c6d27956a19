// The exception type of io/: which file is affected, the place in it, what is wrong, and what the user can do about it.
//
// what() is always a single line, `FILE: PLACE: MESSAGE; REMEDY`, that a program can print without further text. Names
// read from a file or a disk may contain any bytes, so control characters are shown as \xHH and long parts are cut.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace shcnn::io {

/// The category of an error, from which a program derives its exit code (docs/architecture.md, "Errors").
enum class ErrorKind {
  kUsage,     ///< invalid request by the caller: overwriting an existing file, an unknown rule name
  kBadData,   ///< input data cannot be used
  kBadModel,  ///< a weights or state file cannot be used
  kDisk,      ///< disk error: path missing, disk full, I/O error, no permission
  kMemory,    ///< a file needs more memory than is available
};

/// `text` for use in a one-line message: control bytes as \xHH, cut after `limit` bytes.
inline std::string printable(std::string_view text, size_t limit = 400) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  if (text.size() > limit) out += "...";
  return out;
}

/// The exception that all functions in io/ throw.
class Error : public std::runtime_error {
 public:
  /// @param kind    category, determines the program's exit code
  /// @param file    the file or folder concerned
  /// @param place   "row 12", "byte 4096", "tensor 'fc1.w'"; empty for the whole file
  /// @param message what is wrong
  /// @param remedy  what the user can do about it
  Error(ErrorKind kind, const std::filesystem::path& file, std::string_view place, std::string_view message,
        std::string_view remedy)
      : std::runtime_error(line(file, place, message, remedy)),
        kind_(kind),
        file_(file),
        place_(place),
        message_(message),
        remedy_(remedy) {}

  ErrorKind kind() const noexcept { return kind_; }
  const std::filesystem::path& file() const noexcept { return file_; }
  const std::string& place() const noexcept { return place_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& remedy() const noexcept { return remedy_; }

 private:
  static std::string line(const std::filesystem::path& file, std::string_view place, std::string_view message,
                          std::string_view remedy) {
    std::string out = printable(file.string(), 4096);
    if (!place.empty()) out += ": " + printable(place);
    out += ": " + printable(message);
    if (!remedy.empty()) out += "; " + printable(remedy);
    return out;
  }

  ErrorKind kind_;
  std::filesystem::path file_;
  std::string place_;
  std::string message_;
  std::string remedy_;
};

}  // namespace shcnn::io
