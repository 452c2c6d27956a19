// Allocations whose size depends on a file: if memory runs out, the error names the file.
#pragma once

#include <filesystem>
#include <new>
#include <stdexcept>

#include "io/files/error.h"

namespace shcnn::io {

/// Calls read() and converts std::bad_alloc and std::length_error to an Error (kMemory) that names `file`.
template <class Read>
auto with_memory_for(const std::filesystem::path& file, Read read) -> decltype(read()) {
  constexpr const char* kMessage = "needs more memory than this process can have";
  constexpr const char* kRemedy = "free some, raise its limit, or give less data";
  try {
    return read();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kMemory, file, "", kMessage, kRemedy);
  } catch (const std::length_error&) {
    throw Error(ErrorKind::kMemory, file, "", kMessage, kRemedy);
  }
}

}  // namespace shcnn::io
