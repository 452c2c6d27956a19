// Error, the exception type of shcnn, and a helper that builds its message.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace shcnn {

/// Kind of failure; programs derive their exit code from it.
enum class ErrorKind {
  kUsage,      ///< the caller's arguments contradict each other
  kBadData,    ///< input data cannot be used
  kBadModel,   ///< a weights or state file cannot be used
  kDevice,     ///< the device is absent, failed, or is out of memory
  kNonFinite,  ///< NaN or infinity where a finite number is required
  kDisk,       ///< reading or writing a file failed
  kInternal,   ///< a bug in shcnn: an internal precondition does not hold
};

/// Thrown by everything in kernels/, models/, flow/ and engine/. `place` is the op or file; what() is "place: message".
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
