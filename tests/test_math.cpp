// The host and device functors of kernels/math and the tables of models/, compared with published numbers.
#include <catch2/catch.hpp>
#include <set>

#include "kernels/math/dropout.h"
#include "kernels/math/leaky_relu.h"
#include "kernels/math/philox.h"
#include "models/shcnn.h"
#include "reference/scores.h"

namespace shcnn {
namespace {

std::vector<std::uint32_t> words(const Philox4& block) { return {block.v[0], block.v[1], block.v[2], block.v[3]}; }

}  // namespace

TEST_CASE("Philox 4x32-10 gives the known answers of its authors", "[math]") {
  // Random123's kat_vectors, lines philox4x32 10
  using Words = std::vector<std::uint32_t>;
  CHECK(words(philox4x32_10(0, 0, 0, 0, 0, 0)) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(philox4x32_10(~0u, ~0u, ~0u, ~0u, ~0u, ~0u)) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(philox4x32_10(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0)) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("seed, purpose, step and block fill Philox's counter and key", "[math]") {
  const std::uint64_t seed = 0x0123456789abcdefULL, block = 0xfedcba9876543210ULL;
  CHECK(words(philox(seed, Purpose::kTest, 77, block)) ==
        words(philox4x32_10(0x76543210, 0xfedcba98, 77, 99, 0x89abcdef, 0x01234567)));
  for (std::uint64_t index = 0; index < 9; ++index) {
    CHECK(philox_word(seed, Purpose::kShuffle, 3, index) == philox(seed, Purpose::kShuffle, 3, index / 4).v[index % 4]);
  }
  CHECK(to_unit(0) == 0);
  CHECK(to_unit(0x80000000u) == 0.5);
  CHECK(to_unit(~0u) < 1);
}

TEST_CASE("dropout's mask is its written definition and does not repeat", "[math]") {
  std::set<std::uint32_t> seen;
  for (const Purpose layer : {Purpose::kDropout1, Purpose::kDropout2}) {
    for (std::uint64_t step : {1, 2, 1000}) {
      for (std::int64_t unit : {0, 1, 2047}) {
        for (std::int64_t sample : {0, 1, 2, 3, 4, 99, 256}) {
          for (const double rate : {0.0, 0.2, 0.4, 0.9}) {
            CHECK(dropout_keeps(42, layer, step, unit, sample, dropout_threshold(rate)) ==
                  test::reference::dropout_keeps(42, layer, step, unit, sample, rate));
          }
          seen.insert(philox_word(42, layer, static_cast<std::uint32_t>(step),
                                  (static_cast<std::uint64_t>(unit) << 32) | static_cast<std::uint64_t>(sample)));
        }
      }
    }
  }
  CHECK(seen.size() == 2 * 3 * 3 * 7);
}

TEST_CASE("LeakyReLU is max(a x, x) and its slope at 0 is a", "[math]") {
  CHECK(leaky_relu(2.0, 0.02) == 2.0);
  CHECK(leaky_relu(-2.0, 0.02) == -0.04);
  CHECK(leaky_relu(0.0, 0.02) == 0.0);
  CHECK(leaky_relu_grad(1e-30, 0.02) == 1.0);
  CHECK(leaky_relu_grad(0.0, 0.02) == 0.02);
  CHECK(leaky_relu_grad(-1.0, 0.02) == 0.02);
  CHECK(leaky_relu_grad(0.0, 0.0) == 0.0);
}

TEST_CASE("the static variant with seven classes is the paper's network", "[models]") {
  const Model model = make_model({});
  CHECK(model.parameter_count() == 8'710'963);  // Table 4
  CHECK(model.conv[0].parameters() == 1'144);
  CHECK(model.conv[1].parameters() == 17'468);
  CHECK(model.conv[2].parameters() == 96'888);
  CHECK(model.dense[0].parameters() == 6'490'112);
  CHECK(model.dense[1].parameters() == 2'098'176);
  CHECK(model.dense[2].parameters() == 7'175);
  CHECK(model.dead_parameter_count() == 3'604'480);
  CHECK(model.dense[0].inputs - model.dense[0].live_inputs == 1'760);
  CHECK(model.conv[0].pooled == 21);
  CHECK(model.conv[1].pooled == 11);
  CHECK(model.conv[2].pooled == 6);
  CHECK(model.forward_flops() == Approx(42.43e6).epsilon(1e-4));
  CHECK(100 * model.training_flops() == Approx(12.41e9).epsilon(5e-4));
  // Subtracts forward and both gradients of each dead weight; the live count also excludes taps on padding.
  const double without_dead = model.training_flops() - 3 * 2.0 * static_cast<double>(model.dead_parameter_count());
  CHECK(100 * without_dead == Approx(10.25e9).epsilon(5e-4));
  CHECK(model.live_training_flops() < without_dead);
  std::int64_t total = 0;
  for (const ParameterSpec& spec : model.parameters()) total += spec.count();
  CHECK(total == model.parameter_count());
}

TEST_CASE("the micro variant with five classes has 37,546,953 parameters", "[models]") {
  ModelOptions options;
  options.variant = Variant::kMicro;
  options.classes = 5;
  options.pool = PoolKind::kAverage;
  const Model model = make_model(options);
  CHECK(model.parameter_count() == 37'546'953);
  CHECK(model.dead_parameter_count() == 0);
  CHECK(model.forward_flops() == Approx(419e6).epsilon(2e-3));
  CHECK(model.conv[2].pooled == 14);
}

TEST_CASE("live columns name each live cell of the last pooled map once, in order", "[models]") {
  const Model model = make_model({});
  const std::vector<std::int32_t> columns = model.live_columns();
  REQUIRE(columns.size() == 1408);
  CHECK(std::set<std::int32_t>(columns.begin(), columns.end()).size() == columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::int32_t c = columns[i] / 36, y = columns[i] / 6 % 6, x = columns[i] % 6;
    CHECK(c == static_cast<std::int32_t>(i / 16));
    CHECK((y == static_cast<std::int32_t>(1 + i / 4 % 4) && x == static_cast<std::int32_t>(1 + i % 4)));
  }
}

TEST_CASE("a model that cannot be is refused", "[models]") {
  ModelOptions options;
  options.classes = 0;
  CHECK_THROWS_AS(make_model(options), Error);
  options.classes = 7;
  options.slope = 1;
  CHECK_THROWS_AS(make_model(options), Error);
  CHECK_THROWS_AS(variant_from_string("large"), Error);
  CHECK(variant_from_string(to_string(Variant::kMicro)) == Variant::kMicro);
}

}  // namespace shcnn
