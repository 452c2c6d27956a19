// Exit codes of the program. Every exit code except kDone comes with one line on stderr.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace shcnn::program {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,     ///< any other error, including bugs in shcnn
  kUsage = 2,      ///< invalid arguments or configuration, or the output already exists
  kBadData = 3,    ///< bad input data
  kBadModel = 4,   ///< bad weights or state file
  kDevice = 5,     ///< device not available, or out of memory
  kNonFinite = 6,  ///< NaN or infinity in a result
  kDisk = 7,       ///< a file could not be read or written
  kStopped = 8,    ///< stopped on request; the state was saved
};

/// An error raised by the program itself. `what()` is the complete message.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& line) : std::runtime_error(line), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// Exit code and message for the user.
struct Ending {
  ExitCode code;
  std::string line;  ///< without line break
};
/// Converts any exception to an exit code and a one-line message.
Ending ending_of(std::exception_ptr error);

}  // namespace shcnn::program
