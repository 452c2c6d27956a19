// Locks on the bytes of a file, one byte a task: how processes and threads that share a folder, on one machine or on
// several, divide work without a server. A lock ends with its holder, however that ends, kill -9 included.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace shcnn {

class RangeLock {
 public:
  /// Opens (creates) the file. io::Error (kDisk) where that fails. Each object is a holder of its own, also within one
  /// process: locks exclude other objects, not other processes alone.
  explicit RangeLock(std::filesystem::path path);
  ~RangeLock();
  RangeLock(const RangeLock&) = delete;
  RangeLock& operator=(const RangeLock&) = delete;

  /// One held byte; released on destruction. Must not outlive its RangeLock.
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

  /// False once the path names no file or another one: what is locked then no longer excludes anybody.
  bool in_place() const;

  /// Nothing where another holder has it.
  std::optional<Held> try_hold(std::int64_t byte) const;
  /// Waits for it.
  Held hold(std::int64_t byte) const;
  /// Waits until nobody holds it alone. Any number of holders share a byte; hold() and try_hold() exclude them all.
  Held hold_shared(std::int64_t byte) const;

 private:
  Held wait_for(std::int64_t byte, short type) const;

  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace shcnn
