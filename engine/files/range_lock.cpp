// Uses open file description locks (F_OFD_SETLK), which belong to the open file description, not to the process like
// POSIX record locks.
#include "engine/files/range_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/files/error.h"
#include "io/files/input_file.h"
#include "io/files/system_calls.h"

namespace shcnn {
namespace {

int set_lock(int fd, int command, short type, std::int64_t byte) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  return io::retrying([&] { return ::fcntl(fd, command, &range); });
}

}  // namespace

RangeLock::RangeLock(std::filesystem::path path) : path_(std::move(path)) {
  fd_ = io::open_file(path_, O_RDWR | O_CREAT);
  if (fd_ < 0) {
    const int error = errno;
    throw io::Error(io::ErrorKind::kDisk, path_, "", "cannot be opened: " + io::system_message(error),
                    io::remedy_for(error));
  }
}

RangeLock::~RangeLock() { ::close(fd_); }

bool RangeLock::in_place() const {
  struct stat locked {
  }, named{};
  return ::fstat(fd_, &locked) == 0 && ::stat(path_.c_str(), &named) == 0 && locked.st_dev == named.st_dev &&
         locked.st_ino == named.st_ino;
}

RangeLock::Held::~Held() {
  if (lock_ != nullptr) set_lock(lock_->fd_, F_OFD_SETLK, F_UNLCK, byte_);
}

std::optional<RangeLock::Held> RangeLock::try_hold(std::int64_t byte) const {
  if (set_lock(fd_, F_OFD_SETLK, F_WRLCK, byte) == 0) return Held(this, byte);
  if (errno == EAGAIN || errno == EACCES) return std::nullopt;
  throw io::Error(io::ErrorKind::kDisk, path_, "", "cannot be locked: " + io::system_message(errno),
                  "use a file system that knows locks");
}

RangeLock::Held RangeLock::hold(std::int64_t byte) const { return wait_for(byte, F_WRLCK); }
RangeLock::Held RangeLock::hold_shared(std::int64_t byte) const { return wait_for(byte, F_RDLCK); }

RangeLock::Held RangeLock::wait_for(std::int64_t byte, short type) const {
  if (set_lock(fd_, F_OFD_SETLKW, type, byte) != 0) {
    throw io::Error(io::ErrorKind::kDisk, path_, "", "cannot be locked: " + io::system_message(errno),
                    "use a file system that knows locks");
  }
  return Held(this, byte);
}

}  // namespace shcnn
