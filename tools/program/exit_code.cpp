// Converts exceptions to an exit code and a one-line message.
#include "tools/program/exit_code.h"

#include <filesystem>
#include <new>
#include <opencv2/core.hpp>
#include <stdexcept>

#include "io/files/error.h"
#include "kernels/error.h"

namespace shcnn::program {
namespace {

ExitCode code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return ExitCode::kUsage;
    case ErrorKind::kBadData:
      return ExitCode::kBadData;
    case ErrorKind::kBadModel:
      return ExitCode::kBadModel;
    case ErrorKind::kDevice:
      return ExitCode::kDevice;
    case ErrorKind::kNonFinite:
      return ExitCode::kNonFinite;
    case ErrorKind::kDisk:
      return ExitCode::kDisk;
    case ErrorKind::kInternal:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

ExitCode code_of(io::ErrorKind kind) {
  switch (kind) {
    case io::ErrorKind::kUsage:
      return ExitCode::kUsage;
    case io::ErrorKind::kBadData:
      return ExitCode::kBadData;
    case io::ErrorKind::kBadModel:
      return ExitCode::kBadModel;
    case io::ErrorKind::kDisk:
      return ExitCode::kDisk;
    case io::ErrorKind::kMemory:
      return ExitCode::kDevice;
  }
  return ExitCode::kFailed;
}

/// Library messages may have several lines; the program prints one.
std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

/// For allocations not caused by the size of a file; for those, io/files/memory.h throws an error that names the file.
Ending out_of_memory() {
  return {ExitCode::kDevice,
          "out of host memory: free some, raise the limit of this process, or ask for less at once (--batch, --jobs, "
          "fewer images)"};
}

}  // namespace

Ending ending_of(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const Failure& e) {
    return {e.code(), one_line(e.what())};
  } catch (const Error& e) {
    return {code_of(e.kind()), one_line(e.what())};
  } catch (const io::Error& e) {
    return {code_of(e.kind()), one_line(e.what())};
  } catch (const std::filesystem::filesystem_error& e) {
    return {ExitCode::kDisk, one_line(e.path1().string() + ": " + e.code().message())};
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::length_error&) {
    return out_of_memory();
  } catch (const cv::Exception& e) {
    return e.code == cv::Error::StsNoMem ? out_of_memory() : Ending{ExitCode::kFailed, one_line("OpenCV: " + e.err)};
  } catch (const std::exception& e) {
    return {ExitCode::kFailed, one_line(e.what())};
  } catch (...) {
    return {ExitCode::kFailed, "an unknown exception"};
  }
}

}  // namespace shcnn::program
