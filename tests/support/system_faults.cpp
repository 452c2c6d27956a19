#include "support/system_faults.h"

#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

namespace shcnn::test {

Faults faults;
std::string call_log;

namespace {

bool must_fail(const char* name) {
  call_log += name == std::string("fsync") ? 's' : *name;
  if (!faults.only.empty() && faults.only != name) return false;
  ++faults.calls;
  if (faults.calls == faults.fail_at) faults.failing = name;
  if (faults.calls == faults.fail_at || (faults.for_ever && faults.calls > faults.fail_at && faults.failing == name)) {
    errno = faults.error;
    return faults.fail_at > 0;
  }
  return false;
}

}  // namespace
}  // namespace shcnn::test

using shcnn::test::faults;
using shcnn::test::must_fail;

extern "C" {
int __real_open(const char* path, int flags, ...);
ssize_t __real_write(int fd, const void* bytes, size_t count);
int __real_fsync(int fd);
int __real_rename(const char* from, const char* to);
int __real_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags);
int __real_close(int fd);
int __real_flock(int fd, int operation);

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return must_fail("open") ? -1 : __real_open(path, flags, mode);
}
ssize_t __wrap_write(int fd, const void* bytes, size_t count) {
  if (!must_fail("write")) return __real_write(fd, bytes, count);
  return faults.error == 0 ? __real_write(fd, bytes, (count + 1) / 2) : -1;
}
int __wrap_fsync(int fd) { return must_fail("fsync") ? -1 : __real_fsync(fd); }
int __wrap_rename(const char* from, const char* to) { return must_fail("rename") ? -1 : __real_rename(from, to); }
int __wrap_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return must_fail("rename") ? -1 : __real_renameat2(from_folder, from, to_folder, to, flags);
}
int __wrap_close(int fd) {
  if (!must_fail("close")) return __real_close(fd);
  __real_close(fd);  // as on Linux, where the descriptor is closed even if close() fails
  return -1;
}
int __wrap_flock(int fd, int operation) { return must_fail("flock") ? -1 : __real_flock(fd, operation); }
}
