// Open file description locks (F_OFD_SETLK): owned by the descriptor, not by the process as POSIX's classic ones are.
#include "engine/range_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/error.h"
#include "io/input_file.h"

namespace shcnn {
namespace {

int set_lock(int fd, int command, short type, std::int64_t byte) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  int result = 0;
  do {
    result = ::fcntl(fd, command, &range);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

RangeLock::RangeLock(std::filesystem::path path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    throw io::Error(io::ErrorKind::kDisk, path_, "", "cannot be opened: " + io::system_message(errno),
                    "check the folder's permissions");
  }
}

RangeLock::~RangeLock() { ::close(fd_); }

RangeLock::Held::~Held() {
  if (lock_ != nullptr) set_lock(lock_->fd_, F_OFD_SETLK, F_UNLCK, byte_);
}

std::optional<RangeLock::Held> RangeLock::try_hold(std::int64_t byte) const {
  if (set_lock(fd_, F_OFD_SETLK, F_WRLCK, byte) == 0) return Held(this, byte);
  if (errno == EAGAIN || errno == EACCES) return std::nullopt;
  throw io::Error(io::ErrorKind::kDisk, path_, "", "cannot be locked: " + io::system_message(errno),
                  "use a file system that knows locks");
}

RangeLock::Held RangeLock::hold(std::int64_t byte) const {
  if (set_lock(fd_, F_OFD_SETLKW, F_WRLCK, byte) != 0) {
    throw io::Error(io::ErrorKind::kDisk, path_, "", "cannot be locked: " + io::system_message(errno),
                    "use a file system that knows locks");
  }
  return Held(this, byte);
}

}  // namespace shcnn
