// A minimal protobuf encoder and decoder. A key is (field number << 3 | wire type). Wire types: 0 varint, 1 eight
// bytes, 2 length and bytes, 5 four bytes.
#include "io/formats/event_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <utility>

#include "io/files/input_file.h"
#include "io/files/system_calls.h"

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

/// Masks a CRC that is stored in the file, because the CRC of data that contains CRCs is weak.
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
    fd_ = open_file(path_, O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
    if (fd_ < 0 && errno != EEXIST) {
      const int error = errno;
      throw Error(ErrorKind::kDisk, path_, "", "cannot make it: " + system_message(error), remedy_for(error));
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
    const ssize_t put = retrying([&] { return ::write(fd_, rest.data(), rest.size()); });
    if (put <= 0) {
      const int error = put < 0 ? errno : ENOSPC;
      throw Error(ErrorKind::kDisk, path_, "", "cannot write on: " + system_message(error), remedy_for(error));
    }
    rest.remove_prefix(static_cast<size_t>(put));
  }
}

namespace {

/// Reads the fields of a message in protobuf wire format; good() becomes false if it is malformed.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}
  bool good() const { return good_; }
  /// Reads the next field's key; returns false at the end or on error.
  bool next(unsigned& field, unsigned& wire_type) {
    if (rest_.empty() || !good_) return false;
    const uint64_t key = varint();
    field = static_cast<unsigned>(key >> 3);
    wire_type = static_cast<unsigned>(key & 7);
    return good_;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    good_ = false;
    return 0;
  }
  template <class T>
  T fixed() {
    T value{};
    const std::string_view bytes = take(sizeof value);
    if (good_) bytes.copy(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  }
  std::string_view bytes() { return take(varint()); }
  void skip(unsigned wire_type) {
    if (wire_type == 0) {
      varint();
    } else if (wire_type == 1) {
      take(8);
    } else if (wire_type == 2) {
      bytes();
    } else if (wire_type == 5) {
      take(4);
    } else {
      good_ = false;
    }
  }

 private:
  std::string_view take(uint64_t count) {
    if (count > rest_.size()) good_ = false;
    if (!good_) return {};
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(count));
    rest_.remove_prefix(static_cast<size_t>(count));
    return taken;
  }
  std::string_view rest_;
  bool good_ = true;
};

bool parse_value(std::string_view bytes, LoggedScalar& scalar) {
  WireReader value(bytes);
  for (unsigned field = 0, type = 0; value.next(field, type);) {
    if (field == 1 && type == 2) {
      scalar.tag = value.bytes();
    } else if (field == 2 && type == 5) {
      scalar.value = value.fixed<float>();
    } else {
      value.skip(type);
    }
  }
  return value.good();
}

bool parse_event(std::string_view bytes, LoggedScalar& scalar) {
  WireReader event(bytes);
  for (unsigned field = 0, type = 0; event.next(field, type);) {
    if (field == 1 && type == 1) {
      scalar.wall_time = event.fixed<double>();
    } else if (field == 2 && type == 0) {
      scalar.step = static_cast<int64_t>(event.varint());
    } else if (field == 5 && type == 2) {
      WireReader summary(event.bytes());
      for (unsigned part = 0, part_type = 0; summary.next(part, part_type);) {
        if (part == 1 && part_type == 2) {
          if (!parse_value(summary.bytes(), scalar)) return false;
        } else {
          summary.skip(part_type);
        }
      }
      if (!summary.good()) return false;
    } else {
      event.skip(type);
    }
  }
  return event.good();
}

}  // namespace

std::vector<LoggedScalar> read_event_log(const std::filesystem::path& path) {
  constexpr uint64_t kMostBytes = uint64_t{256} << 20;
  constexpr size_t kHead = 12, kTail = 4;  // length and its checksum; the data's checksum
  const std::string text = read_text(path, kMostBytes, ErrorKind::kBadData);
  std::vector<LoggedScalar> scalars;
  for (size_t at = 0; text.size() - at >= kHead;) {
    const auto bad = [&](const char* what) {
      return Error(ErrorKind::kBadData, path, "byte " + std::to_string(at), what,
                   "remove the file; its run does not need it");
    };
    const std::string_view rest = std::string_view(text).substr(at);
    WireReader head(rest);
    const auto length = head.fixed<uint64_t>();
    if (head.fixed<uint32_t>() != masked(crc32c(rest.substr(0, 8))))
      throw bad("the check sum of a record's length is wrong");
    if (length > rest.size() - kHead || rest.size() - kHead - length < kTail) break;  // cut short: end of the list
    const std::string_view data = rest.substr(kHead, static_cast<size_t>(length));
    if (WireReader(rest.substr(kHead + data.size())).fixed<uint32_t>() != masked(crc32c(data)))
      throw bad("the check sum of a record is wrong");
    LoggedScalar scalar;
    if (!parse_event(data, scalar)) throw bad("a record is no event");
    scalars.push_back(std::move(scalar));
    at += kHead + data.size() + kTail;
  }
  return scalars;
}

}  // namespace shcnn::io
