// JSON with limits: which texts are refused, at which byte, and that this happens before memory is allocated.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "io/formats/json.h"
#include "tests/io_support.h"

using namespace shcnn::io;
using nlohmann::json;
using shcnn::io::test::error_text;

namespace {

std::string repeated(const std::string& text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string refused(const std::string& text, const JsonLimits& limits = {}) {
  return error_text([&] { parse_json<json>(text, {"a.json", "", ErrorKind::kBadData, "make it again"}, limits); });
}

long peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace

TEST_CASE("JSON within the limits is parsed as it stands", "[json]") {
  const std::string text = R"({"a": [1, 2.5, "x[[[[[[[[[[[[[[[[[[[[\"[[[\\"], "b": {"c": null}})";
  CHECK(parse_json<json>(text, {"a.json"}) == json::parse(text));
  const std::string deepest = repeated("[", 16) + repeated("]", 16);
  CHECK(parse_json<json>(deepest, {"a.json"}) == json::parse(deepest));
  CHECK(parse_json<json>("[1, 2, 3]", {"a.json"}, {.bytes = 9, .values = 3, .depth = 1}).size() == 3);
  CHECK(parse_json<json>("1.5", {"a.json"}, kMetadataJson) == 1.5);
}

TEST_CASE("JSON beyond a limit is refused with the byte", "[json]") {
  CHECK(refused(repeated("[", 17) + repeated("]", 17)) ==
        "a.json: byte 16: is nested more than 16 deep; make it again");
  CHECK(refused(R"({"a": {"b": [1]}})", {.depth = 2}) == "a.json: byte 12: is nested more than 2 deep; make it again");
  CHECK(refused("[1, 2, 3]", {.values = 2}) == "a.json: byte 5: holds more than 2 values; make it again");
  CHECK(refused("[1, 2, 3]", {.bytes = 8}) ==
        "a.json: byte 8: is longer than the 8 bytes that such a text may have; make it again");
  CHECK(refused(std::string("[1]\0[2]", 7)) == "a.json: byte 3: a zero byte; make it again");
}

TEST_CASE("what is no JSON is refused with the byte", "[json]") {
  for (const auto& [text, byte] : std::initializer_list<std::pair<const char*, int>>{
           {"", 0}, {"[1, }", 4}, {"]", 0}, {"{\"a\": 1", 7}, {"[1] x", 4}, {"[1", 2}, {"{\"a\": nan}", 7}}) {
    CAPTURE(text);
    CHECK(refused(text) == "a.json: byte " + std::to_string(byte) + ": is no valid JSON; make it again");
  }
  CHECK(refused("[1e999]") == "a.json: byte 0: holds a number that is out of range; make it again");
  CHECK(error_text([] {
          parse_json<json>("[", {"a.json", "metadata 'x'", ErrorKind::kBadModel, "y", 100});
        }) == "a.json: metadata 'x', byte 101: is no valid JSON; y");
}

TEST_CASE("a text of brackets takes no memory beyond its own", "[json]") {
  const size_t megabytes = 20;
  const std::string deep = repeated("[", megabytes << 20), wide = "[" + repeated("[],", (megabytes << 20) / 3) + "1]";
  const long before = peak_mib();
  CHECK(refused(deep).find("nested more than 16 deep") != std::string::npos);
  CHECK(refused(wide).find("holds more than 2000000 values") != std::string::npos);
  CHECK(peak_mib() - before < 32);
}

TEST_CASE("a JSON file longer than its kind may be is refused unread", "[json]") {
  const test::TemporaryFolder folder;
  test::put(folder / "a.json", "[1, 2, 3]");
  CHECK(read_json<json>({folder / "a.json"}) == json({1, 2, 3}));
  CHECK_THAT(error_text([&] { read_json<json>({folder / "a.json"}, {.bytes = 8}); }), Catch::Contains("has 9 bytes"));
}
