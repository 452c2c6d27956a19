// Locks on single bytes of a file, one byte per task. Processes and threads that share a folder, on one or several
// machines, use them to divide work without a server. The system releases a lock when its holder ends in any way,
// including kill -9.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace shcnn {

class RangeLock {
 public:
  /// Opens the file, creating it if needed. Throws io::Error (kDisk) if that fails. Each object is a separate holder:
  /// locks exclude all other objects, also those in the same process.
  explicit RangeLock(std::filesystem::path path);
  ~RangeLock();
  RangeLock(const RangeLock&) = delete;
  RangeLock& operator=(const RangeLock&) = delete;

  /// One locked byte, unlocked on destruction. Must not outlive its RangeLock.
  class Held {
   public:
    Held(Held&& other) noexcept : lock_(other.lock_), byte_(other.byte_) { other.lock_ = nullptr; }
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    friend class RangeLock;
    Held(const RangeLock* lock, std::int64_t byte) : lock_(lock), byte_(byte) {}
    const RangeLock* lock_;
    std::int64_t byte_;
  };

  /// False if the path no longer names the locked file: other processes can then no longer see its locks.
  bool in_place() const;

  /// Locks a byte; returns nothing if another holder has it. Like hold() and hold_shared(), throws io::Error (kDisk) if
  /// the file system cannot lock.
  std::optional<Held> try_hold(std::int64_t byte) const;
  /// Waits until no other holder has the byte, then locks it.
  Held hold(std::int64_t byte) const;
  /// Waits until the byte has no exclusive holder, then locks it in shared mode. Any number of holders can share a
  /// byte; hold() and try_hold() lock it exclusively.
  Held hold_shared(std::int64_t byte) const;

 private:
  Held wait_for(std::int64_t byte, short type) const;

  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace shcnn
