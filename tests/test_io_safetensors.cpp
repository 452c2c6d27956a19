// safetensors: the content read equals the content written, equal content gives equal files, and every damaged or
// hostile file is refused with a one-line reason.
#include <sys/resource.h>

#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "io/formats/safetensors.h"
#include "io_support.h"
#include "support/options.h"

namespace shcnn::io {
namespace {

using test::error_text;
using test::get;
using test::put;
using test::TemporaryFolder;

/// A file with the given header text and data, and the matching length field.
std::string assemble(const std::string& header, const std::string& data = "") {
  uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + data;
}

std::string tensor_json(const std::string& name, const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

struct RandomTensors {
  std::vector<TensorView> views;
  std::vector<std::vector<std::byte>> storage;
  Metadata metadata;
};

std::string random_text(std::mt19937_64& random) {
  static const std::array<std::string, 12> kParts = {"a", "w", ".", "\"", "\\", "\n", "/", " ", "\x01", "ä", "面", "😀"};
  std::string out;
  for (size_t n = random() % 8; n > 0; --n) out += kParts[random() % kParts.size()];
  return out;
}

RandomTensors random_tensors(std::mt19937_64& random) {
  RandomTensors out;
  const size_t count = random() % 6;
  for (size_t i = 0; i < count; ++i) {
    TensorView view;
    view.name = std::to_string(i) + random_text(random);
    view.dtype = static_cast<DType>(random() % 8);
    size_t elements = 1;
    for (size_t rank = random() % 4; rank > 0; --rank) {
      view.shape.push_back(1 + random() % 5);
      elements *= view.shape.back();
    }
    std::vector<std::byte>& bytes = out.storage.emplace_back(elements * dtype_size(view.dtype));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    view.bytes = bytes;
    out.views.push_back(view);
  }
  for (size_t i = random() % 4; i > 0; --i) out.metadata[random_text(random)] = random_text(random);
  return out;
}

const SafetensorsOptions kAnyBits{.check_finite = false};

std::string read_error(const std::filesystem::path& path, const std::string& bytes,
                       const SafetensorsOptions& options = {}) {
  put(path, bytes);
  ErrorKind kind = options.bad;
  const std::string text = error_text([&] { Safetensors::read(path, options); }, &kind);
  if (kind != options.bad) return "an error of another kind: " + text;
  const std::string prefix = path.string() + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

TEST_CASE("random tensors come back, and equal content gives equal files", "[io][safetensors]") {
  const uint64_t seed = shcnn::test::options().seed;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  TemporaryFolder folder;
  for (int round = 0; round < 500; ++round) {
    const RandomTensors in = random_tensors(random);
    write_safetensors(folder / "a", in.views, in.metadata, Overwrite::kYes);
    const Safetensors out = Safetensors::read(folder / "a", kAnyBits);
    REQUIRE(out.tensors().size() == in.views.size());
    REQUIRE(out.metadata() == in.metadata);
    REQUIRE(out.hash().size() == 32);
    for (const TensorView& view : in.views) {
      const TensorInfo* tensor = out.find(view.name);
      REQUIRE(tensor != nullptr);
      REQUIRE(tensor->dtype == view.dtype);
      REQUIRE(tensor->shape == view.shape);
      REQUIRE(std::ranges::equal(out.bytes(*tensor), view.bytes));
    }
    // The same content in another order gives the same file; so does writing again what was read.
    const std::vector<TensorView> reversed(in.views.rbegin(), in.views.rend());
    write_safetensors(folder / "b", reversed, out.metadata(), Overwrite::kYes);
    REQUIRE(get(folder / "a") == get(folder / "b"));
  }
}

TEST_CASE("the bytes on disk are those of the format", "[io][safetensors]") {
  TemporaryFolder folder;
  const std::array<float, 2> w = {1.0f, -2.0f};
  const std::array<uint8_t, 3> u = {7, 8, 9};
  const std::vector<TensorView> tensors = {tensor_view<uint8_t>("u", {3}, u), tensor_view<float>("w", {1, 2}, w)};
  write_safetensors(folder / "a", tensors, {{"step", "3"}}, Overwrite::kNo);
  const std::string bytes = get(folder / "a");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  REQUIRE(length % 8 == 0);
  const std::string header = bytes.substr(8, length);
  CHECK_THAT(header, Catch::Matches(R"re(\{"__metadata__":\{"shcnn\.xxh3_128":"[0-9a-f]{32}","step":"3"\},)re"
                                    R"re("w":\{"dtype":"F32","shape":\[1,2\],"data_offsets":\[0,8\]\},)re"
                                    R"re("u":\{"dtype":"U8","shape":\[3\],"data_offsets":\[8,11\]\}\} *)re"));
  CHECK(bytes.substr(8 + length) == std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0\x07\x08\x09", 11));
}

TEST_CASE("values are copied out by name, type and shape", "[io][safetensors]") {
  TemporaryFolder folder;
  const std::array<float, 6> w = {1, 2, 3, 4, 5, 6};
  const std::vector<TensorView> tensors = {tensor_view<float>("fc1.w", {2, 3}, w)};
  write_safetensors(folder / "a", tensors, {{"k", "v"}}, Overwrite::kNo);
  const Safetensors file = Safetensors::read(folder / "a");
  CHECK(file.values<float>("fc1.w") == std::vector<float>(w.begin(), w.end()));
  std::array<float, 6> out{};
  file.copy_to<float>("fc1.w", std::array<uint64_t, 2>{2, 3}, out);
  CHECK(out == w);
  const std::string prefix = (folder / "a").string() + ": ";
  const std::string remedy = "; give a file of the same kind of network and task";
  CHECK(error_text([&] {
          file.copy_to<float>("fc1.w", std::array<uint64_t, 2>{3, 2}, out);
        }) == prefix + "tensor 'fc1.w': has shape [2, 3], [3, 2] is expected" + remedy);
  CHECK(error_text([&] { file.values<float>("fc2.w"); }) == prefix + "tensor 'fc2.w': is missing" + remedy);
  CHECK(error_text([&] { file.values<double>("fc1.w"); }) ==
        prefix + "tensor 'fc1.w': is of type F32, F64 is expected" + remedy);
  CHECK(file.require_metadata("k") == "v");
  CHECK_THAT(error_text([&] { file.require_metadata("x"); }), Catch::Contains("lacks metadata 'x'"));
}

namespace {

/// The value of a binary floating-point number by its definition, in double.
double value_of(uint16_t bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1, most = (1 << exponent_bits) - 1;
  const int exponent = bits >> fraction_bits & most, fraction = bits & ((1 << fraction_bits) - 1);
  double magnitude = 0;
  if (exponent == most) {
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, 1 - bias - fraction_bits);
  } else {
    magnitude = std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
  }
  return std::copysign(magnitude, bits >> 15 ? -1.0 : 1.0);
}

}  // namespace

TEST_CASE("each of the 65,536 F16 and BF16 numbers is read as the float of the same value", "[io][safetensors]") {
  TemporaryFolder folder;
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  const std::vector<TensorView> tensors = {{"f16", DType::kF16, {256, 256}, std::as_bytes(std::span(all))},
                                           {"bf16", DType::kBF16, {65536}, std::as_bytes(std::span(all))}};
  write_safetensors(folder / "a", tensors, {}, Overwrite::kNo);
  CHECK_THAT(error_text([&] { Safetensors::read(folder / "a"); }), Catch::Contains("is NaN or infinite"));
  const Safetensors file = Safetensors::read(folder / "a", kAnyBits);
  std::vector<float> f16(65536);
  file.copy_to<float>("f16", std::array<uint64_t, 2>{256, 256}, f16);
  const std::vector<float> bf16 = file.values<float>("bf16");
  REQUIRE(bf16.size() == 65536);
  int wrong = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto same = [](float got, double want) {
      return std::isnan(want) ? std::isnan(got)
                              : static_cast<double>(got) == want && std::signbit(got) == std::signbit(want);
    };
    if (!same(f16[i], value_of(all[i], 5, 10)) || !same(bf16[i], value_of(all[i], 8, 7))) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK_THAT(error_text([&] { file.values<double>("f16"); }), Catch::Contains("is of type F16, F64 is expected"));
  CHECK_THAT(error_text([&] { file.values<int32_t>("bf16"); }), Catch::Contains("is of type BF16, I32 is expected"));
}

TEST_CASE("a file can be refused by its header before memory is taken for its tensors", "[io][safetensors]") {
  TemporaryFolder folder;
  const auto path = folder / "large.safetensors";
  const uint64_t bytes = uint64_t{6} << 30;
  const std::string end = std::to_string(bytes);
  put(path, assemble("{" + tensor_json("x", "U8", "[" + end + "]", "[0," + end + "]") + "}"));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + bytes);  // a sparse file: uses no disk space
  SafetensorsOptions options;
  options.accept = [&](const Safetensors& file) {
    CHECK(file.find("x") != nullptr);
    CHECK(file.hash().empty());
    throw Error(ErrorKind::kBadModel, path, "", "is not wanted", "");
  };
  CHECK(error_text([&] { Safetensors::read(path, options); }) == path.string() + ": is not wanted");
  struct rusage usage {};
  REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
  CHECK(usage.ru_maxrss < 2 << 20);  // in KiB
}

TEST_CASE("bad safetensors files are refused with their reason", "[io][safetensors]") {
  TemporaryFolder folder;
  const auto path = folder / "bad.safetensors";
  const auto refused = [&](const std::string& bytes, const std::string& reason) {
    CHECK_THAT(read_error(path, bytes), Catch::StartsWith(reason));
  };
  const std::string four(4, '\0'), eight(8, '\0');
  const std::string x = tensor_json("x", "F32", "[1]", "[0,4]");

  // the smallest valid files, so that each invalid one differs in one detail
  CHECK(read_error(path, assemble("{}")) == "no error");
  CHECK(read_error(path, assemble("{" + x + "}", four)) == "no error");
  CHECK(read_error(path, assemble("{" + x + "}   ", four)) == "no error");
  CHECK(read_error(path, assemble("{" + tensor_json("x", "F32", "[]", "[0,4]") + "}", four)) == "no error");

  SECTION("length") {
    refused("", "has only 0 bytes");
    refused("abc", "has only 3 bytes");
    refused(assemble("{}").substr(0, 9), "has only 9 bytes");
    refused(std::string(8, '\0') + "{}", "byte 0: gives its header 0 bytes");
    refused(std::string(8, '\xff') + "{}", "byte 0: gives its header 18446744073709551615 bytes");
    refused(std::string("\x01\0\0\1\0\0\0\0", 8) + "{}", "byte 0: gives its header 16777217 bytes");
    refused(std::string("\x03\0\0\0\0\0\0\0", 8) + "{}",
            "byte 0: gives its header 3 bytes, but the file ends after 10");
    refused("PK\x03\x04 a zip file, not a safetensors file", "byte 0: gives its header");
    refused("\x89PNG\r\n\x1a\n and so on and so on", "byte 0: gives its header");
  }
  SECTION("JSON") {
    refused(assemble("[]"), "byte 8: no JSON header");
    refused(assemble(" {}"), "byte 8: no JSON header");
    refused(assemble("{} x"), "header: no JSON from byte 12 on");
    refused(assemble("{\"x\""), "tensor 'x': no JSON from byte 13 on");
    refused(assemble("{\"\xff\":{}}"), "header: no JSON");
    refused(assemble("{}{}"), "header: no JSON");
    refused(assemble(std::string("{}\0x", 4)), "header, byte 10: a zero byte");
    refused(assemble("{\"x\":null}"), "tensor 'x': null where a value is due");
    refused(assemble("{\"x\":true}"), "tensor 'x': true or false");
    refused(assemble("{\"x\":1}"), "tensor 'x': a number where none may be");
    refused(assemble("{\"x\":\"y\"}"), "tensor 'x': a string where none may be");
    refused(assemble("{\"x\":[]}"), "tensor 'x': a list where none may be");
    refused(assemble("{\"x\":{}}"), "tensor 'x': it lacks dtype, shape or data_offsets");
    refused(assemble("{\"\":{}}"), "header: a tensor without a name");
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "{\"x\":";
    refused(assemble(deep), "header, byte 88: is nested more than 16 deep");
    refused(assemble("{\"x\":{\"shape\":" + std::string(100000, '[')), "header, byte 36: is nested more than 16 deep");
  }
  SECTION("keys") {
    refused(assemble("{" + x + "," + x + "}", eight), "tensor 'x': this name is given twice");
    refused(assemble("{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", four),
            "tensor 'x': field 'dtype' is given twice");
    refused(assemble("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}", four),
            "tensor 'x': field 'shape' is given twice");
    refused(assemble("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"data_offsets\":[0,4]}}", four),
            "tensor 'x': field 'data_offsets' is given twice");
    refused(assemble("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", four),
            "tensor 'x': field 'more' is unknown");
    refused(assemble("{\"x\":{\"shape\":[1],\"data_offsets\":[0,4]}}", four), "tensor 'x': it lacks");
    refused(assemble("{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", four), "tensor 'x': it lacks");
    refused(assemble("{\"x\":{\"dtype\":\"F32\",\"shape\":[1]}}", four), "tensor 'x': it lacks");
    refused(assemble("{\"__metadata__\":{\"a\":1}}"), "tensor '__metadata__': a number where none may be");
    refused(assemble("{\"__metadata__\":{\"a\":{}}}"), "tensor '__metadata__': an object where none may be");
    refused(assemble("{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}"),
            "tensor '__metadata__': metadata 'a' is given twice");
    refused(assemble("{\"__metadata__\":{},\"__metadata__\":{}}"), "tensor '__metadata__': this name is given twice");
    refused(assemble("{\"__metadata__\":[]}"), "tensor '__metadata__': a list where none may be");
  }
  SECTION("types, shapes and offsets") {
    for (const char* dtype : {"F8_E4M3", "F128", "BOOL", "I8", "U16", "f32", "", "F32 "}) {
      refused(assemble("{" + tensor_json("x", dtype, "[1]", "[0,4]") + "}", four),
              "tensor 'x': dtype '" + std::string(dtype) + "' is none of");
    }
    const auto tensor = [&](const std::string& shape, const std::string& offsets, const std::string& reason) {
      refused(assemble("{" + tensor_json("x", "F32", shape, offsets) + "}", four), "tensor 'x': " + reason);
    };
    tensor("[-1]", "[0,4]", "a negative number");
    tensor("[1.0]", "[0,4]", "a number that is no whole number");
    tensor("[1e0]", "[0,4]", "a number that is no whole number");
    tensor("[18446744073709551616]", "[0,4]", "a number that is no whole number");
    tensor("[18446744073709551615]", "[0,4]", "shape [18446744073709551615] is impossibly large");
    tensor("[4294967296,4294967296]", "[0,4]", "shape [4294967296, 4294967296] is impossibly large");
    tensor("[4294967296,4294967296,0]", "[0,4]", "shape [4294967296, 4294967296, 0] is impossibly large");
    tensor("[0]", "[0,0]", "shape [0] has no elements");
    tensor("[0,4294967296,4294967296]", "[0,0]", "shape [0, 4294967296, 4294967296] has no elements");
    tensor("[1,1,1,1,1,1,1,1,1]", "[0,4]", "more than 8 dimensions");
    tensor("[[1]]", "[0,4]", "a list where none may be");
    tensor("[\"1\"]", "[0,4]", "a string where none may be");
    tensor("{}", "[0,4]", "an object where none may be");
    tensor("[2]", "[0,4]", "data_offsets [0, 4] do not hold the 8 bytes of its shape [2]");
    tensor("[1]", "[4,0]", "data_offsets [4, 0] do not hold the 4 bytes");
    tensor("[1]", "[0]", "it lacks dtype, shape or data_offsets");
    tensor("[1]", "[]", "it lacks dtype, shape or data_offsets");
    tensor("[1]", "[0,4,8]", "data_offsets has more than two numbers");
    tensor("[1]", "[18446744073709551615,3]", "data_offsets [18446744073709551615, 3] do not hold");
    tensor("[1]", "[4,8]", "starts at byte 4 of the data, but the tensor before it ends at 0");
    tensor("[2]", "[0,8]", "ends at byte 8 of the data, but the file holds only 4");
    refused(assemble("{" + x + "," + tensor_json("y", "F32", "[1]", "[0,4]") + "}", four),
            "tensor 'y': starts at byte 0");
    refused(assemble("{" + x + "," + tensor_json("y", "U8", "[2]", "[3,5]") + "}", four + "a"),
            "tensor 'y': starts at byte 3 of the data, but the tensor before it ends at 4");
    refused(assemble("{" + x + "," + tensor_json("y", "U8", "[1]", "[5,6]") + "}", four + "ab"),
            "tensor 'y': starts at byte 5");
    const std::string over = assemble("{" + x + "}", four + "ab");
    refused(over, "byte " + std::to_string(over.size() - 2) + ": 2 bytes follow the last tensor");
  }
  SECTION("too many tensors") {
    const auto many = [&](int count) {
      std::string header = "{\"__metadata__\":{}";
      for (int i = 0; i < count; ++i) {
        header += "," + tensor_json("t" + std::to_string(i), "U8", "[1]",
                                    "[" + std::to_string(i) + "," + std::to_string(i + 1) + "]");
      }
      return assemble(header + "}", std::string(static_cast<size_t>(count), '\0'));
    };
    CHECK(read_error(path, many(4096)) == "no error");
    refused(many(4097), "tensor 't4096': more than 4096 tensors");
  }
  SECTION("NaN, infinity and names that do not print") {
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      std::vector<float> values(10000, std::numeric_limits<float>::max());
      values[9000] = value;
      write_safetensors(path, std::vector{tensor_view<float>("w", {10000}, values)}, {}, Overwrite::kYes);
      const std::string bytes = get(path);
      refused(bytes, "tensor 'w': element 9000 is NaN or infinite; use a file saved before the numbers broke");
      CHECK(read_error(path, bytes, kAnyBits) == "no error");
    }
    const std::vector<double> nan = {0.0, std::numeric_limits<double>::quiet_NaN()};
    write_safetensors(path, std::vector{tensor_view<double>("v", {2}, nan)}, {}, Overwrite::kYes);
    refused(get(path), "tensor 'v': element 1 is NaN or infinite");
    refused(assemble("{" + tensor_json("a\\nb", "F99", "[1]", "[0,4]") + "}", four), "tensor 'a\\x0ab': dtype 'F99'");
  }
  SECTION("the kind is the caller's, a hash can be asked for, and so can a limit") {
    CHECK_THAT(read_error(path, assemble("["), {.bad = ErrorKind::kBadData}), Catch::StartsWith("has only 9 bytes"));
    CHECK_THAT(read_error(path, assemble("{}"), {.require_hash = true}), Catch::Contains("lacks metadata"));
    CHECK_THAT(read_error(path, assemble("{}"), {.max_file_bytes = 9}), Catch::StartsWith("has 10 bytes, more than"));
  }
  SECTION("no file") {
    CHECK(error_text([&] { Safetensors::read(folder / "none"); }) ==
          (folder / "none").string() + ": there is no such file; check the path");
    CHECK_THAT(error_text([&] { Safetensors::read(folder.path()); }), Catch::Contains("is a folder, not a file"));
    CHECK_THAT(error_text([&] { Safetensors::read("/dev/zero"); }), Catch::Contains("is not a regular file"));
  }
}

TEST_CASE("tensors that break the rules are not written", "[io][safetensors]") {
  TemporaryFolder folder;
  const auto path = folder / "a";
  const std::array<float, 2> w = {1, 2};
  const auto refused = [&](const std::vector<TensorView>& tensors, const Metadata& metadata, const std::string& text) {
    ErrorKind kind{};
    CHECK_THAT(error_text([&] { write_safetensors(path, tensors, metadata, Overwrite::kNo); }, &kind),
               Catch::Contains(text));
    CHECK(kind == ErrorKind::kUsage);
  };
  const TensorView good = tensor_view<float>("w", {2}, w);
  refused({good, good}, {}, "tensor 'w': is no name, or given twice");
  refused({tensor_view<float>("", {2}, w)}, {}, "is no name");
  refused({tensor_view<float>("__metadata__", {2}, w)}, {}, "is no name");
  refused({tensor_view<float>("w", {3}, w)}, {}, "shape [3] does not fit its 8 bytes");
  refused({tensor_view<float>("w", {0}, std::span(w).first(0))}, {}, "shape [0] does not fit");
  refused({tensor_view<float>("\xff", {2}, w)}, {}, "not UTF-8");
  refused({good}, {{"k", "\xff"}}, "not UTF-8");
  refused({good}, {{std::string(kHashKey), "0"}}, "is set by the writer");
  CHECK(folder.entries() == 0);
}

TEST_CASE("every truncation and every flipped bit is refused", "[io][safetensors]") {
  TemporaryFolder folder;
  const auto path = folder / "golden";
  const std::array<float, 4> w = {1.5f, -2.25f, 0.0f, 1e-30f};
  const std::array<int64_t, 2> steps = {7, -1};
  const std::array<uint8_t, 5> bytes = {0, 1, 127, 128, 255};
  const std::vector<TensorView> tensors = {tensor_view<float>("conv1.w", {2, 2}, w),
                                           tensor_view<int64_t>("steps", {2}, steps),
                                           tensor_view<uint8_t>("pixels", {5}, bytes)};
  write_safetensors(path, tensors, {{"recipe", "paper"}, {"step", "120"}}, Overwrite::kNo);
  const std::string golden = get(path);
  REQUIRE(golden.size() < 4096);
  const SafetensorsOptions ours{.require_hash = true};
  REQUIRE(read_error(path, golden, ours) == "no error");

  const auto outcome = [&](const std::string& damaged) { return read_error(path, damaged, ours); };
  for (size_t n = 0; n < golden.size(); ++n) {
    const std::string text = outcome(golden.substr(0, n));
    if (text == "no error" || text.starts_with("an error of")) FAIL_CHECK("cut to " << n << " bytes: " << text);
  }
  for (size_t bit = 0; bit < golden.size() * 8; ++bit) {
    std::string damaged = golden;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const std::string text = outcome(damaged);
    if (text == "no error" || text.starts_with("an error of")) FAIL_CHECK("bit " << bit << " flipped: " << text);
  }
  CHECK(outcome(golden + '\0') != "no error");
}

TEST_CASE("random bytes and random changes never do worse than an error", "[io][safetensors]") {
  const uint64_t seed = shcnn::test::options().seed;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  TemporaryFolder folder;
  const auto path = folder / "fuzz";
  static const std::array<std::string, 14> kTokens = {"{",         "}",
                                                      "[",         "]",
                                                      ",",         ":",
                                                      "\"x\"",     "\"shape\"",
                                                      "\"dtype\"", "\"data_offsets\"",
                                                      "\"F32\"",   "0",
                                                      "4",         "\"__metadata__\""};
  for (int round = 0; round < 5000; ++round) {
    std::string header = "{";
    for (size_t n = random() % 40; n > 0; --n) header += kTokens[random() % kTokens.size()];
    const std::string text = read_error(path, assemble(header, std::string(random() % 9, '\0')));
    if (text.starts_with("an error of")) FAIL_CHECK(header << ": " << text);
  }
}

TEST_CASE("a state file of 105 MB loads well under a second", "[io][safetensors][.timing]") {
  TemporaryFolder folder;
  const std::vector<float> values(8'710'963, 0.25f);
  std::vector<TensorView> tensors;
  for (const char* name : {"w", "m", "v"}) tensors.push_back(tensor_view<float>(name, {values.size()}, values));
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto milliseconds = [](auto from, auto to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  };
  double best_write = 1e9, best_read = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = now();
    write_safetensors(folder / "state", tensors, {}, Overwrite::kYes);
    const auto middle = now();
    const Safetensors file = Safetensors::read(folder / "state", {.require_hash = true});
    best_write = std::min(best_write, milliseconds(start, middle));
    best_read = std::min(best_read, milliseconds(middle, now()));
  }
  WARN("write " << best_write << " ms, read " << best_read << " ms");
  CHECK(best_read < 1000);
}

}  // namespace shcnn::io
