// System calls as this library makes them: repeated where a signal interrupts them, and with advice that fits the
// error.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <filesystem>

namespace shcnn::io {

/// Repeats `call` while it fails with EINTR. Its result is negative where it failed; errno then says why.
template <class Call>
auto retrying(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// open(2) with O_CLOEXEC. Returns the descriptor, or -1 with errno set.
int open_file(const std::filesystem::path& path, int flags, mode_t mode = 0666);

/// fsync(2) of a folder, so that the names in it are durable. Returns 0, or -1 with errno set.
int sync_folder(const std::filesystem::path& folder);

/// Renames a file within one folder, replacing what has the name, and makes the new name durable.
/// @throws Error kDisk that names `to`
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// What the user can do about an errno value of opening, writing or renaming a file.
const char* remedy_for(int error_number);

}  // namespace shcnn::io
