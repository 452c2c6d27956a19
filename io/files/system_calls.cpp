#include "io/files/system_calls.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "io/files/error.h"
#include "io/files/input_file.h"

namespace shcnn::io {

int open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  return retrying([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
}

int sync_folder(const std::filesystem::path& folder) {
  const int fd = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return -1;
  const int synced = retrying([&] { return ::fsync(fd); });
  const int error = errno;
  ::close(fd);
  errno = error;
  // EINVAL: the file system does not support fsync on folders
  return synced != 0 && error == EINVAL ? 0 : synced;
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  const bool renamed = retrying([&] { return ::rename(from.c_str(), to.c_str()); }) == 0;
  if (renamed && sync_folder(to.has_parent_path() ? to.parent_path() : ".") == 0) return;
  const int error = errno;
  throw Error(ErrorKind::kDisk, to, "", "cannot be replaced: " + system_message(error), remedy_for(error));
}

const char* remedy_for(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space or write elsewhere";
    case EACCES:
    case EPERM:
    case EROFS:
      return "write to a folder this user may write to";
    case ENOENT:
    case ENOTDIR:
      return "make the folder first";
    default:
      return "check the disk";
  }
}

}  // namespace shcnn::io
