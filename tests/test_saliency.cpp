// Saliency: the score gradients compared with the paper's tables and bounds, the maps compared with finite differences
// of the reference network, the special cases (M = 0, classes with a score near 1, one class), and the attack.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "engine/explain/attack.h"
#include "engine/explain/saliency.h"
#include "engine/net/initialise.h"
#include "engine_support.h"
#include "support/executor.h"
#include "support/random.h"

using namespace shcnn;
using namespace shcnn::test;

namespace {

/// softmax(o / M) of one sample, by definition, in long double.
std::vector<long double> scores_of(const std::vector<double>& o, long double m) {
  long double largest = o[0], sum = 0;
  for (const double v : o) largest = std::max<long double>(largest, v);
  std::vector<long double> s;
  for (const double v : o) s.push_back(std::exp((v - largest) / m));
  for (const long double v : s) sum += v;
  for (long double& v : s) v /= sum;
  return s;
}
long double shrinkage_of(const std::vector<double>& o) {
  long double m = 0;
  for (const double v : o) m = std::max<long double>(m, std::abs(v));
  return m;
}

/// Row j of dS/do or dV/do from the plain float64 loops.
std::vector<double> score_gradient(Temperature temperature, const std::vector<double>& o, int j) {
  const auto n = static_cast<std::int64_t>(o.size());
  const std::int32_t target = j;
  std::vector<double> grad(o.size());
  naive_ops<double>().softmax_score_gradient({}, temperature, View<const double>(o.data(), Shape(n, 1)),
                                             View<const std::int32_t>(&target, Shape(1)),
                                             View<double>(grad.data(), Shape(n, 1)));
  return grad;
}

std::string text(const char* format, double value) {
  char line[64];
  std::snprintf(line, sizeof line, format, value);
  return line;
}

Model small_model(Variant variant, int classes) {
  ModelOptions options;
  options.variant = variant;
  options.classes = classes;
  options.pool = variant == Variant::kStatic ? PoolKind::kMax : PoolKind::kAverage;
  return make_model(options);
}

/// Random bytes, a harder input than any face.
std::vector<std::uint8_t> noise_bytes(std::int64_t count, std::uint64_t seed) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(philox_word(seed, Purpose::kTest, 1, i) & 255);
  return bytes;
}

/// Multiplies tensor number `tensor` of Model::parameters() by `factor`.
template <class T>
void scale_tensor(Parameters<T>& parameters, std::size_t tensor, T factor) {
  std::vector<T> values = parameters.read(tensor, ParameterKind::kValue);
  for (T& v : values) v *= factor;
  parameters.write(tensor, ParameterKind::kValue, values);
}
constexpr std::size_t kLastWeight = 10, kLastBias = 11;
constexpr double kScale = static_cast<double>(1.0f / 255);  // a crop plan's scale is a float

/// All ten crops of a face; if cases should be small, four that cover it, two of them mirrored.
std::vector<int> covering_crops() {
  return wants_small_cases() ? std::vector<int>{0, 6, 2, 8} : evaluation_crops(Augment::kTen, true);
}

/// Position of crop 0..9 in an image of `image` x `image` pixels with patches of `patch` x `patch`, as the paper
/// describes it: corners and centre, then the same mirrored.
struct Place {
  int top, left;
  bool mirrored;
};
Place place_of(int crop, int image, int patch) {
  const int spare = image - patch, corner = crop % 5;
  const std::array<Place, 5> places{
      {{0, 0, false}, {0, spare, false}, {spare, 0, false}, {spare, spare, false}, {spare / 2, spare / 2, false}}};
  Place place = places[static_cast<std::size_t>(corner)];
  place.mirrored = crop >= 5;
  return place;
}

/// The patch of an image of gray levels (H,W,C) as the network's input: (C, patch, patch), scaled.
std::vector<double> patch_of(const std::vector<double>& image, int size, int channels, int patch, const Place& place) {
  std::vector<double> out;
  for (int c = 0; c < channels; ++c)
    for (int y = 0; y < patch; ++y)
      for (int x = 0; x < patch; ++x) {
        const int column = place.left + (place.mirrored ? patch - 1 - x : x);
        out.push_back(kScale * image[static_cast<std::size_t>(((place.top + y) * size + column) * channels + c)]);
      }
  return out;
}

/// |got - want| / |want|, in L2.
template <class T>
double distance(const float* got, const T* want, std::int64_t values) {
  double error = 0, norm = 0;
  for (std::int64_t v = 0; v < values; ++v) {
    const double w = want[v], difference = got[v] - w;
    error += difference * difference;
    norm += w * w;
  }
  return std::sqrt(error / norm);
}

}  // namespace

TEST_CASE("Table 1: both gradients of a score vanish with certainty, whichever class is certain", "[saliency]") {
  // Three classes, one of which leads by `gap`. The four rows of the table: j is this class or not, k = j or not.
  double previous[4] = {1, 1, 1, 1};
  for (const double gap : {2.0, 5.0, 10.0, 20.0, 40.0, 100.0}) {
    const std::vector<double> o{0.5 + gap, 0.5, -1};
    const std::vector<long double> s = scores_of(o, 1);
    const std::vector<double> certain = score_gradient(Temperature::kOne, o, 0),
                              doubtful = score_gradient(Temperature::kOne, o, 1);
    const long double rest = s[1] + s[2];  // 1 - S_0 without cancellation
    const double want[4] = {static_cast<double>(s[0] * rest), static_cast<double>(-s[0] * s[1]),
                            static_cast<double>(s[1] * (1 - s[1])), static_cast<double>(-s[1] * s[0])};
    const double got[4] = {certain[0], certain[1], doubtful[1], doubtful[0]};
    for (int row = 0; row < 4; ++row) {
      CAPTURE(gap, row);
      CHECK(got[row] == Approx(want[row]).epsilon(1e-12));
      CHECK(got[row] != 0);
      CHECK(std::abs(got[row]) < previous[row]);
      CHECK(std::abs(got[row]) <= 2 * std::exp(-gap));
      previous[row] = std::abs(got[row]);
    }
    // The improved gradient of the same logits does not vanish: V stays within exp(-2)/n .. exp(2)/n.
    const std::vector<double> improved = score_gradient(Temperature::kLargest, o, 0);
    const double m = static_cast<double>(shrinkage_of(o));
    CHECK(improved[0] * m > 0.05);
  }
}

TEST_CASE("Table 2: the paper's three examples to its digits, in float64", "[saliency]") {
  struct Example {
    std::vector<double> o;
    std::vector<const char*> s, v, ds, dv;  // ds, dv: the upper triangle, row by row
    const char *s_format, *v_format;
  };
  const Example examples[] = {
      {{1, 3, 10},
       {"1.23e-04", "9.11e-04", "9.99e-01"},
       {"0.21", "0.26", "0.53"},
       {"1.23e-04", "-1.12e-07", "-1.23e-04", "9.10e-04", "-9.10e-04", "1.03e-03"},
       {"0.017", "-0.0056", "-0.011", "0.019", "-0.014", "0.025"},
       "%.2e",
       "%.2g"},
      {{1, 7, 100},
       {"1.01e-43", "4.08e-41", "1.00e+00"},
       {"0.21", "0.22", "0.57"},
       // The paper prints 0 for the last value because 1 - S_3 cancels. The value here is the sum of the other scores.
       {"1.01e-43", "-4.13e-84", "-1.01e-43", "4.08e-41", "-4.08e-41", "4.09e-41"},
       {"0.0017", "-0.00047", "-0.0012", "0.0017", "-0.0013", "0.0025"},
       "%.2e",
       "%.2g"},
      {{1, 2}, {"0.27", "0.73"}, {"0.38", "0.62"}, {"0.2", "-0.2", "0.2"}, {"0.12", "-0.12", "0.12"}, "%.2g", "%.2g"}};
  for (const Example& e : examples) {
    const auto n = static_cast<std::int64_t>(e.o.size());
    std::vector<double> s(e.o.size()), v(e.o.size());
    const View<const double> o(e.o.data(), Shape(n, 1));
    naive_ops<double>().softmax_forward({}, Temperature::kOne, o, View<double>(s.data(), Shape(n, 1)));
    naive_ops<double>().softmax_forward({}, Temperature::kLargest, o, View<double>(v.data(), Shape(n, 1)));
    std::size_t at = 0;
    for (std::size_t j = 0; j < e.o.size(); ++j) {
      CHECK(text(e.s_format, s[j]) == e.s[j]);
      CHECK(text(e.v_format, v[j]) == e.v[j]);
      const auto ds = score_gradient(Temperature::kOne, e.o, static_cast<int>(j));
      const auto dv = score_gradient(Temperature::kLargest, e.o, static_cast<int>(j));
      for (std::size_t k = j; k < e.o.size(); ++k, ++at) {
        CHECK(text(e.s_format, ds[k]) == e.ds[at]);
        CHECK(text(e.v_format, dv[k]) == e.dv[at]);
      }
    }
  }
}

TEST_CASE("Eqs. 5 and 6: a map is the chain of its logits' maps, and no longer than the bound", "[saliency]") {
  constexpr int kClasses = 3;
  const Model model = small_model(Variant::kStatic, kClasses);
  PlainMachine<double> machine;
  Network<double> network(machine.device(), machine.context(), machine.ops, model, NetworkUse::kSaliency, 2);
  initialise(network.parameters(), model, {}, options().seed);
  Random random(11);
  const View<double> x = network.input(2);
  for (std::int64_t i = 0; i < x.count(); ++i) x.data[i] = random.unit();
  for (const double gain : {1.0, 30.0}) {  // a network with low scores and one with a score near 1
    scale_tensor(network.parameters(), kLastWeight, gain);
    network.forward(2);
    const auto cells = static_cast<std::size_t>(x.count() / 2);
    std::vector<double> of_logit[kClasses];  // (cells, 2)
    for (int k = 0; k < kClasses; ++k) {
      for (int j = 0; j < kClasses; ++j) {
        for (int i = 0; i < 2; ++i) network.grad_logits(2).data[j * 2 + i] = j == k;
      }
      network.backward(2);
      const View<double> g = network.input_gradient(2);
      of_logit[k].assign(g.data, g.data + g.count());
    }
    for (const Temperature temperature : {Temperature::kOne, Temperature::kLargest}) {
      for (std::int32_t target = 0; target < kClasses; ++target) {
        const std::int32_t classes[2] = {target, target};
        machine.ops.softmax_score_gradient(network.context(), temperature, network.logits(2),
                                           View<const std::int32_t>(classes, Shape(2)), network.grad_logits(2));
        const View<double> row = network.grad_logits(2);
        const std::vector<double> slopes(row.data, row.data + row.count());
        network.backward(2);
        for (int i = 0; i < 2; ++i) {
          double norm = 0, difference = 0, sum_of_slopes = 0, longest = 0;
          for (int k = 0; k < kClasses; ++k) {
            double length = 0;
            for (std::size_t c = 0; c < cells; ++c)
              length +=
                  of_logit[k][c * 2 + static_cast<std::size_t>(i)] * of_logit[k][c * 2 + static_cast<std::size_t>(i)];
            longest = std::max(longest, std::sqrt(length));
            sum_of_slopes += std::abs(slopes[static_cast<std::size_t>(k * 2 + i)]);
          }
          for (std::size_t c = 0; c < cells; ++c) {
            const double got = network.input_gradient(2).data[c * 2 + static_cast<std::size_t>(i)];
            double chained = 0;
            for (int k = 0; k < kClasses; ++k)
              chained += slopes[static_cast<std::size_t>(k * 2 + i)] * of_logit[k][c * 2 + static_cast<std::size_t>(i)];
            norm += got * got;
            difference += (got - chained) * (got - chained);
          }
          CAPTURE(gain, target, i);
          CHECK(longest > 0);
          CHECK(std::sqrt(difference) <= 1e-10 * sum_of_slopes * longest);
          CHECK(std::sqrt(norm) <= sum_of_slopes * longest * (1 + 1e-12));
          if (temperature == Temperature::kLargest) CHECK(norm > 0);
        }
      }
    }
  }
}

TEST_CASE("Maps on the face are finite differences of the sum of the crops' scores", "[saliency]") {
  struct Case {
    Variant variant;
    int size, channels, probes;
  };
  const Case c = GENERATE(Case{Variant::kStatic, 48, 1, 5}, Case{Variant::kMicro, 112, 3, 2});
  constexpr int kClasses = 3;
  const Model model = small_model(c.variant, kClasses);
  const std::vector<int> crops = evaluation_crops(Augment::kTen, c.size > model.input_size);
  const auto count = static_cast<std::int64_t>(crops.size());
  PlainMachine<double> machine;
  Network<double> network(machine.device(), machine.context(), machine.ops, model, NetworkUse::kSaliency, count);
  initialise(network.parameters(), model, {}, options().seed);
  const ReferenceNet reference = reference_of(network.parameters(), model);
  SaliencyMapper<double> mapper(machine.device(), network, crops, kScale, c.size, c.size);
  const auto bytes = noise_bytes(std::int64_t{c.size} * c.size * c.channels, options().seed);
  SaliencyRequest request;
  request.classes = {1};
  const SaliencyMaps<double> maps = mapper.run(bytes.data(), 1, request);
  CHECK(maps.target == std::vector<std::int32_t>{1});

  std::vector<double> image(bytes.begin(), bytes.end());
  /// The logits of every crop of `image`.
  const auto logits = [&] {
    std::vector<std::vector<double>> all;
    for (const int crop : crops) {
      const Place place = crops.size() == 1
                              ? Place{(c.size - model.input_size) / 2, (c.size - model.input_size) / 2, false}
                              : place_of(crop, c.size, model.input_size);
      all.push_back(reference_logits(reference, patch_of(image, c.size, c.channels, model.input_size, place)));
    }
    return all;
  };
  const auto held = logits();
  double scores[kClasses] = {}, improved[kClasses] = {};
  for (const auto& o : held) {
    for (std::size_t k = 0; k < kClasses; ++k) {
      scores[k] += static_cast<double>(scores_of(o, 1)[k]) / static_cast<double>(count);
      improved[k] += static_cast<double>(scores_of(o, shrinkage_of(o))[k]) / static_cast<double>(count);
    }
  }
  for (std::size_t k = 0; k < kClasses; ++k) {
    CHECK(maps.scores[k] == Approx(scores[k]).epsilon(1e-9));
    CHECK(maps.improved_scores[k] == Approx(improved[k]).epsilon(1e-9));
  }
  CHECK(maps.predicted[0] == std::max_element(scores, scores + kClasses) - scores);

  Random random(5);
  int kinks = 0;
  for (int probe = 0; probe < c.probes; ++probe) {
    // First the corners, which only one place covers, mirrored or not.
    const int row = probe < 2 ? 0 : static_cast<int>(random.integer(0, c.size - 1));
    const int column = probe == 0 ? 0 : probe == 1 ? c.size - 1 : static_cast<int>(random.integer(0, c.size - 1));
    const int channel = probe % c.channels;
    int coverage = 0;
    for (const int crop : crops) {
      const Place place = crops.size() == 1 ? Place{0, 0, false} : place_of(crop, c.size, model.input_size);
      coverage += row >= place.top && row < place.top + model.input_size && column >= place.left &&
                  column < place.left + model.input_size;
    }
    double& gray = image[static_cast<std::size_t>((row * c.size + column) * c.channels + channel)];
    const auto slopes = [&](double h) {
      const double old = gray;
      double sums[2][2] = {};
      for (int side = 0; side < 2; ++side) {
        gray = old + (side ? -h : h);
        const auto all = logits();
        for (std::size_t i = 0; i < all.size(); ++i) {
          sums[side][0] += static_cast<double>(scores_of(all[i], 1)[1]);
          sums[side][1] += static_cast<double>(scores_of(all[i], shrinkage_of(held[i]))[1]);
        }
      }
      gray = old;
      return std::array<double, 2>{(sums[0][0] - sums[1][0]) / (2 * h) / coverage,
                                   (sums[0][1] - sums[1][1]) / (2 * h) / coverage};
    };
    const auto at = static_cast<std::size_t>((channel * c.size + row) * c.size + column);
    const double got[2] = {maps.original[at], maps.improved[at]};
    CAPTURE(to_string(c.variant), row, column, channel, coverage);
    REQUIRE(coverage > 0);
    CHECK(got[0] != 0);
    CHECK(got[1] != 0);
    auto want = slopes(1e-3);
    const auto differs = [&](int map) { return std::abs(got[map] - want[map]) > 1e-5 * std::abs(want[map]) + 1e-9; };
    if (differs(0) || differs(1)) {  // kink of LeakyReLU or a pool in between: smaller step
      ++kinks;
      want = slopes(2e-5);
    }
    CHECK(got[0] == Approx(want[0]).epsilon(1e-4).margin(1e-8));
    CHECK(got[1] == Approx(want[1]).epsilon(1e-4).margin(1e-8));
  }
  CHECK(kinks <= 2);
}

// If two cells of a pool's window, or a pre-activation and zero, differ by less than float's rounding, float may choose
// differently than double, and the map differs everywhere this cell has influence: in up to 36 x 36 pixels of a patch,
// by a few per cent of the map's norm. The plain float loops do so as often as any kernel, in about one of a hundred
// patches. So all maps must meet a loose bound that only such a choice reaches, and if there is one crop per image,
// most maps must meet the strict one.
TEST_CASE("Float maps on the executor follow double, alone and in a batch", "[saliency][executor]") {
  struct Case {
    Variant variant;
    Augment augment;
    int images, fewer;  // fewer: number of images for slow executors
  };
  const Case c = GENERATE(Case{Variant::kStatic, Augment::kCenter, 10, 10}, Case{Variant::kStatic, Augment::kTen, 3, 1},
                          Case{Variant::kMicro, Augment::kCenter, 1, 0});
  const std::int64_t images = wants_small_cases() ? c.fewer : c.images;
  if (images == 0) return;
  const Model model = small_model(c.variant, 5);
  const bool faces = c.variant == Variant::kStatic;
  const int size = faces ? 48 : 112;
  const std::vector<int> crops = evaluation_crops(c.augment, faces);
  const auto batch = static_cast<std::int64_t>(crops.size()) * images;
  PlainMachine<double> machine;
  Network<double> exact(machine.device(), machine.context(), machine.ops, model, NetworkUse::kSaliency, batch);
  initialise(exact.parameters(), model, {}, options().seed);
  Backend& backend = executor();
  Network<float> fast(*backend.device, backend.context, backend.ops, model, NetworkUse::kSaliency, batch);
  copy_parameters(exact.parameters(), fast.parameters(), model, ParameterKind::kValue);
  copy_parameters(fast.parameters(), exact.parameters(), model, ParameterKind::kValue);
  SaliencyMapper<double> exact_mapper(machine.device(), exact, crops, 1.0f / 255, size, size);
  SaliencyMapper<float> fast_mapper(*backend.device, fast, crops, 1.0f / 255, size, size);
  const auto bytes = noise_bytes(images * size * size * model.input_channels, options().seed + 1);
  const auto want = exact_mapper.run(bytes.data(), images);
  const auto got = fast_mapper.run(bytes.data(), images);
  CHECK(got.predicted == want.predicted);
  CHECK(got.target == want.predicted);
  CAPTURE(to_string(c.variant), crops.size());
  std::int64_t loose = 0;
  for (std::int64_t i = 0; i < images; ++i) {
    CHECK(got.status[static_cast<std::size_t>(i)] == SaliencyStatus::kOk);
    for (const bool improved : {false, true}) {
      const double* w = improved ? want.improved_of(i) : want.original_of(i);
      const float* g = improved ? got.improved_of(i) : got.original_of(i);
      REQUIRE(facts_of(w, want.values()).largest > 0);
      const double error = distance(g, w, want.values());
      CAPTURE(i, improved);
      CHECK(error <= 0.1);
      loose += error > 1e-3;
    }
  }
  if (crops.size() == 1) CHECK(loose <= 2 * images / 5);
  if (images > 1) {  // an image gives the same alone and in a batch, except for the order of sums
    const std::int64_t per_image = exact_mapper.image_bytes();
    const auto alone = fast_mapper.run(bytes.data() + per_image, 1);
    CHECK(distance(got.improved_of(1), alone.improved.data(), alone.values()) <= 0.1);
  }
}

TEST_CASE("Maps have the same bits for any number of threads", "[saliency]") {
  const Model model = small_model(Variant::kStatic, 7);
  const std::vector<int> crops = evaluation_crops(Augment::kTen, true);
  const auto bytes = noise_bytes(2 * 48 * 48, 3);
  SaliencyMaps<float> maps[2];
  for (int i = 0; i < 2; ++i) {
    BackendOptions backend_options;
    backend_options.threads = i == 0 ? 1 : 3;
    Backend backend = make_backend("cpu", backend_options);
    Network<float> network(*backend.device, backend.context, backend.ops, model, NetworkUse::kSaliency, 10);
    initialise(network.parameters(), model, {}, 1);
    SaliencyMapper<float> mapper(*backend.device, network, crops, kScale, 48, 48);
    CHECK(mapper.images_per_pass() == 1);  // so two images need two passes
    maps[i] = mapper.run(bytes.data(), 2);
  }
  CHECK(maps[0].original == maps[1].original);
  CHECK(maps[0].improved == maps[1].improved);
  CHECK(facts_of(maps[0].improved_of(1), maps[0].values()).zeros == 0);
}

TEST_CASE("The edges: M = 0, one class, a certain class, a class that is asked for", "[saliency][executor]") {
  Backend& backend = executor();
  const std::vector<int> crops = covering_crops();
  const auto bytes = noise_bytes(48 * 48, 9);
  const auto with = [&](int classes, const std::function<void(Parameters<float>&)>& change,
                        const SaliencyRequest& request = {}) {
    const Model model = small_model(Variant::kStatic, classes);
    Network<float> network(*backend.device, backend.context, backend.ops, model, NetworkUse::kSaliency, 10);
    initialise(network.parameters(), model, {}, options().seed);
    change(network.parameters());
    SaliencyMapper<float> mapper(*backend.device, network, crops, kScale, 48, 48);
    return mapper.run(bytes.data(), 1, request);
  };

  SECTION("all logits zero") {
    const auto maps = with(4, [](Parameters<float>& p) {
      scale_tensor(p, kLastWeight, 0.0f);
      scale_tensor(p, kLastBias, 0.0f);
    });
    CHECK(maps.status[0] == SaliencyStatus::kNoImprovedMap);
    CHECK(to_string(maps.status[0]) == "no_improved_map");
    CHECK(maps.predicted[0] == 0);
    for (const float v : maps.improved_scores) CHECK(v == 0.25f);
    CHECK(facts_of(maps.improved_of(0), maps.values()).zeros == 48 * 48);
    CHECK(facts_of(maps.original_of(0), maps.values()).zeros == 48 * 48);  // because fc3's weights are zero too
  }
  SECTION("logits equal but not zero: the map is there") {
    const auto maps = with(4, [](Parameters<float>& p) {
      std::vector<float> w = p.read(kLastWeight, ParameterKind::kValue);
      for (std::size_t i = 0; i < w.size(); ++i) w[i] = w[i % 1024];  // the same row for every class
      p.write(kLastWeight, ParameterKind::kValue, w);
    });
    // With the same row for all classes V_j = 1/n for every image, so its gradient is zero except for rounding.
    CHECK(maps.status[0] == SaliencyStatus::kOk);
    for (const float v : maps.improved_scores) CHECK(v == Approx(0.25f));
    CHECK(facts_of(maps.improved_of(0), maps.values()).largest < 1e-6);
  }
  SECTION("one class") {
    const auto maps = with(1, [](Parameters<float>&) {});
    CHECK(maps.status[0] == SaliencyStatus::kOneClass);
    CHECK(maps.scores[0] == 1.0f);
    CHECK(maps.improved_scores[0] == 1.0f);
    CHECK(facts_of(maps.improved_of(0), maps.values()).zeros == 48 * 48);
    CHECK(facts_of(maps.original_of(0), maps.values()).zeros == 48 * 48);
  }
  SECTION("a certain class") {
    const auto maps = with(7, [](Parameters<float>& p) { scale_tensor(p, kLastWeight, 3000.0f); });
    const MapFacts original = facts_of(maps.original_of(0), maps.values());
    const MapFacts improved = facts_of(maps.improved_of(0), maps.values());
    CHECK(maps.status[0] == SaliencyStatus::kOk);
    CHECK(original.largest < 1e-8);
    CHECK(improved.largest > 1e-6);
    CHECK(improved.zero_share() < 0.01);
    for (const float v : maps.improved) REQUIRE(std::isfinite(v));
    for (const float v : maps.original) REQUIRE(std::isfinite(v));
    float sum = 0;
    for (const float v : maps.scores) sum += v;
    CHECK(sum == Approx(1));
  }
  SECTION("another class than the predicted one has another map; all classes' maps add up to nothing") {
    std::vector<double> sum(48 * 48, 0.0);
    double largest = 0;
    for (std::int32_t j = 0; j < 3; ++j) {
      SaliencyRequest request;
      request.classes = {j};
      request.original = false;
      const auto maps = with(
          3, [](Parameters<float>&) {}, request);
      CHECK(maps.original.empty());
      CHECK(maps.target[0] == j);
      largest = std::max(largest, facts_of(maps.improved_of(0), maps.values()).largest);
      for (std::size_t v = 0; v < sum.size(); ++v) sum[v] += static_cast<double>(maps.improved[v]);
    }
    for (const double v : sum) REQUIRE(std::abs(v) <= 1e-5 * largest);
  }
  SECTION("a class that is not there") {
    SaliencyRequest request;
    request.classes = {3};
    CHECK_THROWS_AS(with(
                        3, [](Parameters<float>&) {}, request),
                    Error);
  }
}

TEST_CASE("Facts of a map: largest, exact zeros, denormals; saliency pixels tell zeros apart", "[saliency]") {
  const std::vector<float> map{0.0f, -0.0f, 1e-40f, -3.0f, 2.0f, -1e-45f};
  const MapFacts facts = facts_of(map.data(), 6);
  CHECK(facts.largest == 3.0);
  CHECK(facts.zeros == 2);
  CHECK(facts.denormals == 2);
  CHECK(saliency_pixels(map) == std::vector<std::uint8_t>{2, 2, 1, 0, 1, 0});
  const std::vector<float> rgb{1, -2, 3, 4, -5, 6};  // (3, 1, 2)
  CHECK(pixel_map(rgb.data(), 3, 1, 2) == std::vector<float>{-1, 8});
}

TEST_CASE("The attack changes the pixels it names, and its control as many at random", "[saliency]") {
  const std::vector<float> map{0.5f, 0, -1, 2, 0.25f, 0};
  using Mask = std::vector<std::uint8_t>;
  CHECK(attack_mask(map, true, 1) == Mask{1, 1, 0, 1, 1, 1});
  CHECK(attack_mask(map, false, 1) == Mask{1, 0, 0, 1, 1, 0});
  CHECK(attack_mask(map, false, 0.5) == Mask{1, 0, 0, 1, 0, 0});
  CHECK(attack_mask(map, true, 0.0) == Mask{0, 0, 0, 0, 0, 0});
  CHECK_THROWS_AS(attack_mask(map, true, 1.5), Error);

  const std::uint8_t image[] = {5, 20, 21, 200, 250, 255};
  CHECK(darkened(image, 1, Mask{1, 1, 1, 1, 0, 1}, 20) == Mask{0, 0, 1, 180, 250, 235});
  CHECK(darkened(image, 3, Mask{0, 1}, 20) == Mask{5, 20, 21, 180, 230, 235});
  CHECK(darkened(image, 1, Mask{1, 1, 1, 1, 1, 1}, -20) == Mask{25, 40, 41, 220, 255, 255});

  // All pixels are equally likely, their number is exact, and the result depends on the seed.
  std::vector<int> times(30, 0);
  for (int image_number = 0; image_number < 3000; ++image_number) {
    const Mask mask = random_mask(30, 12, 7, image_number);
    int chosen = 0;
    for (std::size_t p = 0; p < 30; ++p) {
      chosen += mask[p];
      times[p] += mask[p];
    }
    REQUIRE(chosen == 12);
  }
  for (const int t : times) CHECK(std::abs(t - 1200) < 5 * std::sqrt(3000 * 0.4 * 0.6));
  CHECK(random_mask(300, 100, 7, 3) == random_mask(300, 100, 7, 3));
  CHECK(random_mask(300, 100, 7, 3) != random_mask(300, 100, 8, 3));
  CHECK(random_mask(300, 100, 7, 3) != random_mask(300, 100, 7, 4));
}

TEST_CASE("Attacking lowers the score of the class it attacks more than its control does", "[saliency]") {
  const Model model = small_model(Variant::kStatic, 3);
  const std::vector<int> crops = evaluation_crops(Augment::kTen, true);
  Backend backend = make_backend("cpu", {});
  Network<float> network(*backend.device, backend.context, backend.ops, model, NetworkUse::kSaliency, 20);
  initialise(network.parameters(), model, {}, options().seed);
  SaliencyMapper<float> mapper(*backend.device, network, crops, kScale, 48, 48);
  constexpr std::int64_t kImages = 5;  // more than one pass, the last one not full
  const auto bytes = noise_bytes(kImages * 48 * 48, 13);
  for (const AttackPixels pixels : {AttackPixels::kImproved, AttackPixels::kOriginal}) {
    AttackOptions attack_options;
    attack_options.pixels = pixels;
    const AttackResult result = attack(mapper, bytes.data(), kImages, attack_options);
    REQUIRE(result.after.size() == kImages);
    for (std::size_t i = 0; i < kImages; ++i) {
      const auto j = static_cast<std::size_t>(result.before[i]);
      CHECK(result.scores_after[i * 3 + j] < result.scores_before[i * 3 + j]);
      CHECK(result.changed_pixels[i] > 48 * 48 / 4);
      std::int64_t changed = 0;
      for (std::size_t p = 0; p < 48 * 48; ++p) changed += result.attacked[i * 48 * 48 + p] != bytes[i * 48 * 48 + p];
      CHECK(changed <= result.changed_pixels[i]);
    }
  }
}
