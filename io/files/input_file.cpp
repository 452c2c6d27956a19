// Reads with plain system calls: short reads are continued, interrupted ones are repeated.
#include "io/files/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

#include "io/files/memory.h"
#include "io/files/system_calls.h"

namespace shcnn::io {
namespace {

constexpr size_t kMaxReadCall = size_t{1} << 30;  // Linux transfers at most 2 GiB - 4 KiB per call

}  // namespace

std::string system_message(int error_number) { return std::system_category().message(error_number); }

InputFile::InputFile(std::filesystem::path path, ErrorKind bad) : path_(std::move(path)), bad_(bad) {
  // O_NONBLOCK: opening a pipe without a writer does not block; the pipe is rejected below.
  fd_ = open_file(path_, O_RDONLY | O_NONBLOCK);
  if (fd_ < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) throw Error(bad_, path_, "", "there is no such file", "check the path");
    const bool permission = error == EACCES || error == EPERM;
    throw Error(ErrorKind::kDisk, path_, "", "cannot open it: " + system_message(error),
                permission ? "make it readable for this user" : "check the disk");
  }
  struct stat status {};
  if (::fstat(fd_, &status) != 0) {
    const int error = errno;
    ::close(fd_);
    throw Error(ErrorKind::kDisk, path_, "", "cannot read its size: " + system_message(error), "check the disk");
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(fd_);
    throw Error(bad_, path_, "", S_ISDIR(status.st_mode) ? "is a folder, not a file" : "is not a regular file",
                "name a file");
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      bad_(other.bad_),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      position_(other.position_) {}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

size_t InputFile::read_some(std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        retrying([&] { return ::read(fd_, out.data() + done, std::min(out.size() - done, kMaxReadCall)); });
    if (got < 0) {
      throw Error(ErrorKind::kDisk, path_, "byte " + std::to_string(position_),
                  "cannot read on: " + system_message(errno), "check the disk");
    }
    if (got == 0) break;
    done += static_cast<size_t>(got);
    position_ += static_cast<uint64_t>(got);
  }
  return done;
}

void InputFile::seek(uint64_t position) {
  if (position > static_cast<uint64_t>(std::numeric_limits<off_t>::max()) ||
      ::lseek(fd_, static_cast<off_t>(position), SEEK_SET) < 0) {
    throw Error(bad_, path_, "byte " + std::to_string(position), "cannot be gone to", "copy or make it again");
  }
  position_ = position;
}

void InputFile::read_exactly(std::span<std::byte> out) {
  const uint64_t wanted_end = position_ + out.size();
  if (read_some(out) == out.size()) return;
  throw Error(bad_, path_, "byte " + std::to_string(position_),
              "the file ends here, " + std::to_string(wanted_end - position_) + " bytes early",
              "it was cut short: copy or make it again");
}

std::string read_text(const std::filesystem::path& path, uint64_t limit, ErrorKind bad) {
  InputFile file(path, bad);
  if (file.size() > limit) {
    throw Error(bad, path, "",
                "has " + std::to_string(file.size()) + " bytes, at most " + std::to_string(limit) + " are expected",
                "is this the right file?");
  }
  std::string text = with_memory_for(path, [&] { return std::string(static_cast<size_t>(file.size()), '\0'); });
  file.read_exactly(std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace shcnn::io
