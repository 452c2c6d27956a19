// The one exception of the computing parts of shcnn, and the checks that throw it.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace shcnn {

/// What went wrong, in the terms a program's exit code needs.
enum class ErrorKind {
  kUsage,      ///< the caller's arguments contradict each other
  kBadData,    ///< input data cannot be used
  kBadModel,   ///< a weights or state file cannot be used
  kDevice,     ///< the device is absent, failed, or is out of memory
  kNonFinite,  ///< NaN or infinity where a number was due
  kDisk,       ///< reading or writing a file failed
  kInternal,   ///< a broken promise of shcnn itself
};

/// Thrown by everything in kernels/, models/, flow/ and engine/. `place` is the op or file, `what()` the whole line.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string place, const std::string& message)
      : std::runtime_error(place + ": " + message), kind_(kind), place_(std::move(place)) {}
  ErrorKind kind() const noexcept { return kind_; }
  const std::string& place() const noexcept { return place_; }

 private:
  ErrorKind kind_;
  std::string place_;
};

/// Builds the message of an Error from anything that can be streamed.
template <class... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace shcnn
