// How the program ends: one number per kind of ending, and one line on stderr for every ending that is not kDone.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace shcnn::program {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,     ///< something that has no code of its own, a bug of shcnn among them
  kUsage = 2,      ///< arguments or configuration that make no sense, or output that exists already
  kBadData = 3,    ///< input data
  kBadModel = 4,   ///< weights or state file
  kDevice = 5,     ///< device absent or out of memory
  kNonFinite = 6,  ///< NaN or infinity
  kDisk = 7,       ///< a file could not be read or written
  kStopped = 8,    ///< stopped on request, state saved
};

/// An ending that the program itself decides on. `what()` is the whole line.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& line) : std::runtime_error(line), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// What to tell the user about `error`, and how to end.
struct Ending {
  ExitCode code;
  std::string line;  ///< without a line break
};
Ending ending_of(std::exception_ptr error);

}  // namespace shcnn::program
