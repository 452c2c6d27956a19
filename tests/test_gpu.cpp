// Tests that need a GPU: a recorded step can run repeatedly as a CUDA graph, and the error for lack of memory. Skipped
// if there is none.
#include <catch2/catch.hpp>
#include <vector>

#include "support/executor.h"

using namespace shcnn;
using namespace shcnn::test;
using Catch::Matchers::Contains;

TEST_CASE("A recorded op does its work each time it runs", "[gpu]") {
  Backend& backend = executor();
  DeviceBuffer memory(*backend.device, 4 * sizeof(float));
  const std::vector<float> values = {-8, 2, -4, 0};
  backend.device->copy_in(memory.data(), values.data(), 4 * sizeof(float));
  LeakyDropout leaky;
  leaky.slope = 0.5;
  const View<float> y(static_cast<float*>(memory.data()), Shape(4, 1));
  const auto recording =
      backend.device->record([&] { backend.ops.leaky_dropout_forward(backend.context, leaky, nullptr, y); });
  for (int run = 0; run < 2; ++run) recording->run();
  std::vector<float> result(4);
  backend.device->copy_out(result.data(), memory.data(), 4 * sizeof(float));
  CHECK(result == std::vector<float>{-2, 2, -1, 0});
}

TEST_CASE("Memory that is not there is an error that says how much was asked for, and nothing is lost", "[gpu]") {
  Backend& backend = executor();
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      backend.device->allocate(std::size_t{1} << 50);
      FAIL("a pebibyte was given");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDevice);
      CHECK_THAT(error.what(), Contains("out of memory") && Contains("1125899906842624 bytes asked for"));
    }
  }
  DeviceBuffer memory(*backend.device, 1024);
  backend.device->fill_zero(memory.data(), 1024);
  std::vector<float> result(256, 1);
  backend.device->copy_out(result.data(), memory.data(), 1024);
  CHECK(result == std::vector<float>(256, 0));
}
