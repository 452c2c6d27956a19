// Sequence: create the temporary file, write, fsync, rename, fsync the folder.
//
// The temporary file is named `.NAME.PID.N.shcnn-tmp` and locked (flock) by its writer. If another writer gets the lock
// without waiting, it takes the owner for dead and unlinks the file while holding the lock. If that happens to a living
// writer between creating and locking its file, it finds that the file has no name left (link count 0) and tries again.
#include "io/files/atomic_file.h"

#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "io/files/input_file.h"
#include "io/files/system_calls.h"

namespace shcnn::io {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;  // small writes are combined into calls of this size
constexpr size_t kMaxWriteCall = size_t{1} << 30;
constexpr std::string_view kSuffix = ".shcnn-tmp";
constexpr int kCreateTries = 16;

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::string temporary_prefix(const std::filesystem::path& path) {
  std::string prefix = path.filename().string();
  prefix.insert(prefix.begin(), '.');
  prefix.push_back('.');
  return prefix;
}

Error exists_already(const std::filesystem::path& path) {
  return Error(ErrorKind::kUsage, path, "", "the file is already there", "allow overwriting or choose another name");
}

// rename(2), but fails with EEXIST if `to` exists. On file systems that cannot do this atomically, `to` is checked
// first, and a file that appears between check and rename is replaced.
int rename_without_replacing(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  struct stat status {};
  if (::lstat(to.c_str(), &status) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::rename(from.c_str(), to.c_str());
}

}  // namespace

int remove_stale_temporaries(const std::filesystem::path& path) noexcept {
  int removed = 0;
  try {
    const std::string prefix = temporary_prefix(path);
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_of(path), error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (!name.starts_with(prefix) || !name.ends_with(kSuffix)) continue;
      const int fd = open_file(entry->path(), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
      if (fd < 0) continue;
      if (retrying([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0 && ::unlink(entry->path().c_str()) == 0)
        ++removed;
      ::close(fd);
    }
  } catch (const std::exception&) {
    // out of memory for a name: leave the file for the next writer
  }
  return removed;
}

AtomicFile::AtomicFile(std::filesystem::path path, Overwrite overwrite)
    : path_(std::move(path)), overwrite_(overwrite) {
  static std::atomic<unsigned> counter{0};
  if (!path_.has_filename()) throw Error(ErrorKind::kUsage, path_, "", "is no file name", "name a file");
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) throw Error(ErrorKind::kUsage, path_, "", "is a folder", "name a file");
    if (overwrite_ == Overwrite::kNo) throw exists_already(path_);
  }
  remove_stale_temporaries(path_);
  buffer_.reserve(kBufferBytes);
  for (int tries = 0; tries < kCreateTries; ++tries) {
    temporary_ = folder_of(path_) / (temporary_prefix(path_) + std::to_string(::getpid()) + "." +
                                     std::to_string(counter.fetch_add(1)) + std::string(kSuffix));
    fd_ = open_file(temporary_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    if (fd_ < 0 && errno == EEXIST) continue;
    if (fd_ < 0) fail(errno, "cannot make a file in its folder");
    // If the file system does not support locks (ENOLCK, EOPNOTSUPP), the writer continues without one. This is safe:
    // no other writer gets a lock there either, so the temporary file is not taken for stale.
    retrying([&] { return ::flock(fd_, LOCK_EX); });
    if (::fstat(fd_, &status) == 0 && status.st_nlink > 0) return;
    ::close(std::exchange(fd_, -1));
  }
  fail(EEXIST, "cannot make a temporary file in its folder");
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ < 0) return;
  ::unlink(temporary_.c_str());  // before close, which releases the lock
  ::close(std::exchange(fd_, -1));
}

void AtomicFile::fail(int error_number, const char* doing) {
  discard();
  throw Error(ErrorKind::kDisk, path_, written_ > 0 ? "byte " + std::to_string(written_) : "",
              std::string(doing) + ": " + system_message(error_number), remedy_for(error_number));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_through(bytes);
  } else {
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
}

void AtomicFile::flush() {
  write_through(std::as_bytes(std::span(buffer_)));
  buffer_.clear();
}

void AtomicFile::write_through(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = retrying([&] { return ::write(fd_, bytes.data(), std::min(bytes.size(), kMaxWriteCall)); });
    if (put <= 0) fail(put < 0 ? errno : ENOSPC, "cannot write it");
    written_ += static_cast<uint64_t>(put);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void AtomicFile::commit() {
  flush();
  if (retrying([&] { return ::fsync(fd_); }) != 0) fail(errno, "cannot bring it to the disk");
  const int renamed = retrying([&] {
    return overwrite_ == Overwrite::kYes ? ::rename(temporary_.c_str(), path_.c_str())
                                         : rename_without_replacing(temporary_, path_);
  });
  if (renamed != 0) {
    const int error = errno;
    if (error == EEXIST) {
      discard();
      throw exists_already(path_);
    }
    fail(error, "cannot give it its name");
  }
  // The path now has the new content. On network file systems, close may report a delayed write error.
  if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) fail(errno, "cannot close it");

  if (sync_folder(folder_of(path_)) != 0) fail(errno, "cannot make the new name durable");
}

void write_file(const std::filesystem::path& path, std::string_view text, Overwrite overwrite) {
  AtomicFile file(path, overwrite);
  file.write(text);
  file.commit();
}

}  // namespace shcnn::io
