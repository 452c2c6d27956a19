// curves.csv and TensorBoard's event files, read back by a separate parser in this test.
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <random>

#include "io/formats/curves_csv.h"
#include "io/formats/event_log.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::TemporaryFolder;

/// CRC-32C bit by bit, most significant bit first, with the polynomial in its usual form; input and output are
/// reflected.
uint32_t slow_crc32c(const std::string& bytes) {
  const auto reflect = [](uint32_t value, int bits) {
    uint32_t out = 0;
    for (int i = 0; i < bits; ++i) out |= (value >> i & 1) << (bits - 1 - i);
    return out;
  };
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= reflect(static_cast<unsigned char>(c), 8) << 24;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x80000000) != 0 ? crc << 1 ^ 0x1edc6f41 : crc << 1;
  }
  return ~reflect(crc, 32);
}

template <class T>
T fixed(const std::string& bytes, size_t& at) {
  REQUIRE(at + sizeof(T) <= bytes.size());
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  at += sizeof value;
  return value;
}

/// A field of a protobuf message: its number and its raw bytes (a varint as eight bytes).
struct Field {
  uint64_t number;
  std::string bytes;
};

uint64_t varint(const std::string& bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    REQUIRE(at < bytes.size());
    REQUIRE(shift < 70);
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
}

std::vector<Field> fields_of(const std::string& message) {
  std::vector<Field> out;
  for (size_t at = 0; at < message.size();) {
    const uint64_t key = varint(message, at);
    size_t length = 0;
    switch (key & 7) {
      case 0: {
        const uint64_t value = varint(message, at);
        out.push_back({key >> 3, std::string(reinterpret_cast<const char*>(&value), 8)});
        continue;
      }
      case 1:
        length = 8;
        break;
      case 2:
        length = varint(message, at);
        break;
      case 5:
        length = 4;
        break;
      default:
        FAIL("wire type " << (key & 7));
    }
    REQUIRE(length <= message.size() - at);
    out.push_back({key >> 3, message.substr(at, length)});
    at += length;
  }
  return out;
}

/// The events of a file; every checksum is checked.
std::vector<std::vector<Field>> events_of(const std::string& bytes) {
  std::vector<std::vector<Field>> out;
  const auto unmask = [](uint32_t value) {
    const uint32_t rotated = value - 0xa282ead8u;
    return rotated >> 17 | rotated << 15;
  };
  for (size_t at = 0; at < bytes.size();) {
    const std::string length_bytes = bytes.substr(at, 8);
    const auto length = fixed<uint64_t>(bytes, at);
    REQUIRE(unmask(fixed<uint32_t>(bytes, at)) == slow_crc32c(length_bytes));
    REQUIRE(length <= bytes.size() - at);
    const std::string data = bytes.substr(at, length);
    at += length;
    REQUIRE(unmask(fixed<uint32_t>(bytes, at)) == slow_crc32c(data));
    out.push_back(fields_of(data));
  }
  return out;
}

template <class T>
T value_of(const Field& field) {
  size_t at = 0;
  REQUIRE(field.bytes.size() == sizeof(T));
  return fixed<T>(field.bytes, at);
}

}  // namespace

TEST_CASE("crc32c agrees with RFC 3720 and with a slow one", "[io][event_log]") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  CHECK(crc32c("") == 0);
  const uint64_t seed = shcnn::test::options().seed;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100; ++i) {
    std::string bytes(random() % 100, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    CHECK(crc32c(bytes) == slow_crc32c(bytes));
  }
}

TEST_CASE("an event file holds its version and every scalar", "[io][event_log]") {
  TemporaryFolder folder;
  std::filesystem::path path;
  {
    EventLog log(folder.path(), 1700000000.25);
    path = log.path();
    log.add(1700000001.5, 0, {"loss/train", 2.5f});
    log.add(1700000002.5, 300, {"accuracy/validation", 0.8125f});
    log.add(1700000003.5, int64_t{1} << 40, {std::string(200, 'x'), -1.0f});
  }
  CHECK(path.filename() == "events.out.tfevents.1700000000.shcnn");
  const auto events = events_of(get(path));
  REQUIRE(events.size() == 4);
  REQUIRE(events[0].size() == 3);
  CHECK(value_of<double>(events[0][0]) == 1700000000.25);
  CHECK(events[0][2].number == 3);
  CHECK(events[0][2].bytes == "brain.Event:2");
  const auto check = [&](size_t i, double time, int64_t step, const std::string& tag, float value) {
    REQUIRE(events[i].size() == 3);
    CHECK(events[i][0].number == 1);
    CHECK(value_of<double>(events[i][0]) == time);
    CHECK(events[i][1].number == 2);
    CHECK(value_of<int64_t>(events[i][1]) == step);
    CHECK(events[i][2].number == 5);
    const auto summary = fields_of(events[i][2].bytes);
    REQUIRE(summary.size() == 1);
    CHECK(summary[0].number == 1);
    const auto fields = fields_of(summary[0].bytes);
    REQUIRE(fields.size() == 2);
    CHECK(fields[0].number == 1);
    CHECK(fields[0].bytes == tag);
    CHECK(fields[1].number == 2);
    CHECK(value_of<float>(fields[1]) == value);
  };
  check(1, 1700000001.5, 0, "loss/train", 2.5f);
  check(2, 1700000002.5, 300, "accuracy/validation", 0.8125f);
  check(3, 1700000003.5, int64_t{1} << 40, std::string(200, 'x'), -1.0f);

  const EventLog again(folder.path(), 1700000000.25);  // a second log in the same second
  CHECK(again.path().filename() == "events.out.tfevents.1700000000.shcnn.1");
  ErrorKind kind{};
  CHECK_THAT(error_text([&] { EventLog(folder / "none", 0); }, &kind), Catch::Contains("cannot make it: No such file"));
  CHECK(kind == ErrorKind::kDisk);
}

TEST_CASE("an event file reads back; cut short it reads up to there; a flipped bit is an error or a shorter file",
          "[io][event_log]") {
  const TemporaryFolder folder;
  std::string bytes;
  {
    EventLog log(folder.path(), 1234.5);
    log.add(1235.25, 7, {"loss", 0.125f});
    log.add(1236.5, int64_t{1} << 40, {"accuracy", -3.5f});
    bytes = get(log.path());
  }
  const auto path = folder / "events";
  const auto read = [&](const std::string& text) {
    test::put(path, text);
    return read_event_log(path);
  };
  const std::vector<LoggedScalar> whole = read(bytes);
  REQUIRE(whole.size() == 3);
  CHECK(whole[0].tag.empty());
  CHECK(whole[0].wall_time == 1234.5);
  CHECK(whole[1].tag == "loss");
  CHECK(whole[1].step == 7);
  CHECK(whole[1].value == 0.125f);
  CHECK(whole[1].wall_time == 1235.25);
  CHECK(whole[2].tag == "accuracy");
  CHECK(whole[2].step == int64_t{1} << 40);
  CHECK(whole[2].value == -3.5f);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const size_t records = read(bytes.substr(0, length)).size();
    CHECK(records < 3);
  }
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    ErrorKind kind{};
    const std::string text = error_text([&] { read(damaged); }, &kind);
    CAPTURE(bit);
    CHECK(text.find("check sum") != std::string::npos);
    CHECK(kind == ErrorKind::kBadData);
  }
}

TEST_CASE("curves read back as the same doubles", "[io][curves]") {
  TemporaryFolder folder;
  const std::vector<std::string> columns = {"epoch", "loss", "accuracy"};
  const std::vector<std::vector<double>> rows = {{1, 1.0 / 3.0, std::numeric_limits<double>::quiet_NaN()},
                                                 {2, 1e-300, 0.8125}};
  write_curves_csv(folder / "curves.csv", columns, rows, Overwrite::kNo);
  const std::string text = get(folder / "curves.csv");
  CHECK(text == "epoch,loss,accuracy\n1,0.3333333333333333,\n2,1e-300,0.8125\n");
  CHECK(std::stod("0.3333333333333333") == 1.0 / 3.0);
  const std::vector<std::vector<double>> short_row = {{1, 2}};
  CHECK_THAT(error_text([&] { write_curves_csv(folder / "c.csv", columns, short_row, Overwrite::kNo); }),
             Catch::Contains("a row has 2 values for 3 columns"));
}

}  // namespace shcnn::io
