// Protobuf by hand: a key is (field number << 3 | wire type), wire types 0 varint, 1 eight bytes, 2 length and bytes,
// 5 four bytes.
#include "io/event_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <utility>

#include "io/input_file.h"

namespace shcnn::io {
namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  constexpr uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41, bits reversed
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ kPolynomial : value >> 1;
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = make_crc_table();

/// A check sum stored beside its data is masked, since the check sum of a text that holds one is weak.
uint32_t masked(uint32_t crc) { return std::rotr(crc, 15) + 0xa282ead8u; }

template <class T>
void append_fixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_key(std::string& out, unsigned field, unsigned wire_type) { append_varint(out, field << 3 | wire_type); }

void append_bytes(std::string& out, unsigned field, std::string_view bytes) {
  append_key(out, field, 2);
  append_varint(out, bytes.size());
  out += bytes;
}

std::string event_start(double wall_time, int64_t step) {
  std::string out;
  append_key(out, 1, 1);
  append_fixed(out, wall_time);
  append_key(out, 2, 0);
  append_varint(out, static_cast<uint64_t>(step));
  return out;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

EventLog::EventLog(const std::filesystem::path& folder, double wall_time) {
  const std::string name = "events.out.tfevents." + std::to_string(static_cast<int64_t>(wall_time)) + ".shcnn";
  for (int number = 0; fd_ < 0; ++number) {
    path_ = folder / (number == 0 ? name : name + "." + std::to_string(number));
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST && errno != EINTR) {
      throw Error(ErrorKind::kDisk, path_, "", "cannot make it: " + system_message(errno),
                  "write to a folder this user may write to");
    }
  }
  std::string event = event_start(wall_time, 0);
  append_bytes(event, 3, "brain.Event:2");
  try {
    append_record(event);
  } catch (...) {
    ::close(std::exchange(fd_, -1));
    throw;
  }
}

EventLog::~EventLog() {
  if (fd_ >= 0) ::close(fd_);
}

void EventLog::add(double wall_time, int64_t step, Scalar scalar) {
  std::string value;
  append_bytes(value, 1, scalar.tag);
  append_key(value, 2, 5);
  append_fixed(value, scalar.value);
  std::string summary;
  append_bytes(summary, 1, value);
  std::string event = event_start(wall_time, step);
  append_bytes(event, 5, summary);
  append_record(event);
}

void EventLog::append_record(std::string_view data) {
  std::string record;
  append_fixed(record, uint64_t{data.size()});
  append_fixed(record, masked(crc32c(record)));
  record += data;
  append_fixed(record, masked(crc32c(data)));
  for (std::string_view rest = record; !rest.empty();) {
    const ssize_t put = ::write(fd_, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      throw Error(ErrorKind::kDisk, path_, "", "cannot write on: " + system_message(put < 0 ? errno : ENOSPC),
                  "free some space or write elsewhere");
    }
    rest.remove_prefix(static_cast<size_t>(put));
  }
}

}  // namespace shcnn::io
