// Wrappers for system calls: they are repeated if interrupted by a signal, and errors have a suitable remedy.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <filesystem>

namespace shcnn::io {

/// Repeats `call` while it fails with EINTR. A negative result means failure, with the reason in errno.
template <class Call>
auto retrying(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// open(2) with O_CLOEXEC. Returns the descriptor, or -1 with errno set.
int open_file(const std::filesystem::path& path, int flags, mode_t mode = 0666);

/// fsync(2) of a folder, which makes the names of its entries durable. Returns 0, or -1 with errno set.
int sync_folder(const std::filesystem::path& folder);

/// Renames a file within one folder, replacing an existing `to`, and makes the new name durable.
/// @throws Error kDisk, naming `to`
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// What the user can do about an errno value from opening, writing or renaming a file.
const char* remedy_for(int error_number);

}  // namespace shcnn::io
