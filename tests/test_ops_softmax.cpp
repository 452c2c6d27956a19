// Scores, losses, votes and confusion counts of the executor under test, compared with their definitions in long
// double.
#include <catch2/catch.hpp>

#include "cases.h"
#include "reference/scores.h"
#include "support/compare.h"
#include "support/executor.h"
#include "support/random.h"
#include "support/same_bits.h"

namespace shcnn::test {
namespace {

constexpr int kRandomCases = 100;
constexpr double kScales[] = {1, 8, 100, 1e4};  // logits start near 8 for inputs / 255, near 270 and 1,700 for raw ones

/// Logits of one scale; in every seventh sample all logits are equal, in the next one all are zero.
Tensor<float> make_logits(Random& random, const Shape& shape, double scale) {
  Tensor<float> logits = random.reals<float>(shape);
  for (std::int64_t i = 0; i < logits.count(); ++i) {
    const std::int64_t sample = i % shape[1];
    logits[i] *= static_cast<float>(scale);
    if (sample % 7 == 3) logits[i] = logits[sample];
    if (sample % 7 == 4) logits[i] = 0;
  }
  return logits;
}

/// Votes of ten annotators as probabilities; in every fifth sample some votes are outside these classes (its sum is
/// below 1).
Tensor<float> make_labels(Random& random, const Shape& shape) {
  Tensor<float> labels(shape);
  for (std::int64_t n = 0; n < shape[1]; ++n) {
    for (int votes = n % 5 == 0 ? 7 : 10; votes > 0; --votes)
      labels[random.integer(0, shape[0] - 1) * shape[1] + n] += 0.1f;
  }
  return labels;
}

constexpr Temperature kTemperatures[] = {Temperature::kOne, Temperature::kLargest};

}  // namespace

TEST_CASE("softmax agrees with its definition at both temperatures", "[softmax]") {
  const std::vector<DenseCase> cases = score_cases(kRandomCases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Shape shape(cases[i].outputs, cases[i].samples);
    const double scale = kScales[i % std::size(kScales)];
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<float> logits = make_logits(random, shape, scale);
    Tensor<std::int32_t> classes{Shape(shape[1])};
    for (std::int32_t& j : classes.data) j = static_cast<std::int32_t>(random.integer(0, shape[0] - 1));
    for (const Temperature temperature : kTemperatures) {
      INFO("case " << i << ": " << shape.str() << " scale " << scale
                   << (temperature == Temperature::kOne ? " M = 1" : " M = max|o|"));
      const int shift = static_cast<int>(i % 4);
      const Guarded<float> o(executor(), logits, shift), p(executor(), shape, shift), grad(executor(), shape, shift);
      const Guarded<std::int32_t> targets(executor(), classes, shift);
      const Workspace none(executor(), 0);
      executor().ops.softmax_forward(none, temperature, o, p);
      executor().ops.softmax_score_gradient(none, temperature, o, targets, grad);
      CHECK(unequal(o.read(), logits) == "");
      const Tensor<float> got = p.read(), got_grad = grad.read();
      for (std::int64_t n = 0; n < shape[1]; ++n) {
        const std::vector<long double> sample = reference::column(logits, n),
                                       want = reference::softmax(temperature, sample);
        const std::vector<long double> want_grad =
            reference::softmax_gradient(temperature, sample, static_cast<std::size_t>(classes[n]));
        long double largest = sample[0], top = 0, sum = 0, m = 0;
        for (std::size_t j = 0; j < sample.size(); ++j) {
          largest = std::max(largest, sample[j]);
          top = std::max(top, std::abs(want_grad[j]));
          m = std::max(m, std::abs(sample[j]));
        }
        if (temperature == Temperature::kOne || m == 0) m = 1;
        std::string wrong;
        for (std::size_t j = 0; j < sample.size(); ++j) {
          const std::int64_t e = static_cast<std::int64_t>(j) * shape[1] + n;
          sum += static_cast<long double>(got[e]);
          const long double error = std::abs(static_cast<long double>(got[e]) - want[j]);
          const long double relative =
              (8 + 2 * std::abs(sample[j] - largest) / m) * static_cast<long double>(kUnitRoundoff);
          if (!(error <= (want[j] > 1e-30L ? relative * want[j] : 2e-30L))) {
            wrong += message(" score of class ", j, " sample ", n, ": got ", got[e], ", expected ", want[j], ";");
          }
          const long double grad_error = std::abs(static_cast<long double>(got_grad[e]) - want_grad[j]);
          if (!(grad_error <= 1e-4L * top + 1e-30L)) {
            wrong += message(" gradient of class ", j, " sample ", n, ": got ", got_grad[e], ", expected ",
                             want_grad[j], ";");
          }
        }
        if (!(std::abs(sum - 1) <= 4e-7L * static_cast<long double>(shape[0])))
          wrong += message(" scores add up to ", sum);
        if (!wrong.empty()) CHECK(wrong == "");
      }
    }
  }
}

TEST_CASE("all logits zero: the improved scores are 1/n and their gradient is zero", "[softmax]") {
  const Shape shape(5, 3);
  const Guarded<float> o(executor(), Tensor<float>(shape)), p(executor(), shape), grad(executor(), shape);
  const Guarded<std::int32_t> classes(executor(), Tensor<std::int32_t>(Shape(3), 2));
  const Workspace none(executor(), 0);
  executor().ops.softmax_forward(none, Temperature::kLargest, o, p);
  executor().ops.softmax_score_gradient(none, Temperature::kLargest, o, classes, grad);
  CHECK(relative_outside(p.read(), Tensor<double>(shape, 0.2), 2 * kUnitRoundoff) == "");
  CHECK(unequal(grad.read(), Tensor<float>(shape)) == "");
}

TEST_CASE("soft_cross_entropy: loss, label entropy, hits and both gradients", "[soft_cross_entropy]") {
  const std::vector<DenseCase> cases = score_cases(kRandomCases);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Shape shape(cases[i].outputs, cases[i].samples);
    const double scale = kScales[i % std::size(kScales)];
    Random random(static_cast<std::uint32_t>(i));
    const Tensor<float> logits = make_logits(random, shape, scale), labels = make_labels(random, shape);
    for (const CrossEntropyGradient form : {CrossEntropyGradient::kTrue, CrossEntropyGradient::kTensorFlow}) {
      INFO("case " << i << ": " << shape.str() << " scale " << scale
                   << (form == CrossEntropyGradient::kTrue ? " true" : " TensorFlow"));
      const int shift = static_cast<int>(i % 4);
      const Guarded<float> o(executor(), logits, shift), q(executor(), labels, shift), grad(executor(), shape, shift);
      StepReport stale;
      stale.sum_squares = stale.grad_norm = 5;
      stale.correct = stale.non_finite = 7;
      const Guarded<StepReport> report = guarded_struct(executor(), stale);
      executor().ops.soft_cross_entropy(Workspace(executor(), 0), form, o, q, grad, report.data());
      const StepReport got = report.read()[0];
      const reference::Loss want = reference::soft_cross_entropy(form, logits, labels);
      CHECK(std::abs(got.cross_entropy - want.cross_entropy) <= 1e-6 * want.cross_entropy);
      CHECK(std::abs(got.label_entropy - want.label_entropy) <= 1e-6 * want.label_entropy + 1e-12);
      CHECK(got.correct == want.correct);
      CHECK(got.non_finite == 0);
      CHECK(got.sum_squares == 0);
      CHECK(got.grad_norm == 0);
      const double samples = static_cast<double>(shape[1]);
      CHECK(outside(grad.read(), want.grad, [&](std::int64_t) { return 5e-7 / samples; }) == "");
    }
  }
}

TEST_CASE("soft_cross_entropy counts logits that are not finite", "[soft_cross_entropy]") {
  Tensor<float> logits(Shape(3, 4), 1.0f), labels(Shape(3, 4), 1.0f / 3);
  logits[0] = std::numeric_limits<float>::quiet_NaN();
  logits[5] = std::numeric_limits<float>::infinity();
  logits[11] = -std::numeric_limits<float>::infinity();
  const Guarded<float> o(executor(), logits), q(executor(), labels), grad(executor(), logits.shape);
  const Guarded<StepReport> report = guarded_struct(executor(), StepReport{});
  executor().ops.soft_cross_entropy(Workspace(executor(), 0), CrossEntropyGradient::kTrue, o, q, grad, report.data());
  CHECK(report.read()[0].non_finite == 3);
}

TEST_CASE("vote: sums over the crops, the lowest class wins a tie", "[vote]") {
  Random random(1);
  for (const std::int64_t images : {0, 1, 2, 7, 33, 100}) {
    for (const int crops : {1, 10}) {
      for (const std::int64_t classes : {1, 2, 7, 8}) {
        INFO(classes << " classes, " << images << " images, " << crops << " crops");
        const Shape shape(classes, images * crops);
        Tensor<float> p(shape);  // eighths: sums are exact and ties common
        for (float& value : p.data) value = static_cast<float>(random.integer(0, 2)) / 8;
        const Guarded<float> scores_in(executor(), p), scores(executor(), Shape(classes, images));
        const Guarded<std::int32_t> predicted(executor(), Shape(images));
        executor().ops.vote(Workspace(executor(), 0), crops, scores_in, scores, predicted);
        Tensor<float> want(Shape(classes, images));
        Tensor<std::int32_t> winner{Shape(images)};
        for (std::int64_t image = 0; image < images; ++image) {
          std::vector<float> sums(static_cast<std::size_t>(classes));
          for (std::int64_t j = 0; j < classes; ++j) {
            for (std::int64_t crop = 0; crop < crops; ++crop) {
              sums[static_cast<std::size_t>(j)] += p[j * images * crops + image * crops + crop];
            }
            want[j * images + image] = sums[static_cast<std::size_t>(j)];
          }
          winner[image] = static_cast<std::int32_t>(std::max_element(sums.begin(), sums.end()) - sums.begin());
        }
        CHECK(unequal(scores.read(), want) == "");
        CHECK(unequal(predicted.read(), winner) == "");
      }
    }
  }
}

TEST_CASE("count_confusion adds to what is there and leaves out unknown truths", "[vote]") {
  Random random(2);
  for (const std::int64_t images : {0, 1, 5, 1000}) {
    Tensor<std::int32_t> truth{Shape(images)}, predicted{Shape(images)};
    Tensor<std::int64_t> want(Shape(7, 7), 3);
    const Guarded<std::int64_t> confusion(executor(), want);
    for (std::int64_t i = 0; i < images; ++i) {
      truth[i] = static_cast<std::int32_t>(random.integer(-1, 6));
      predicted[i] = static_cast<std::int32_t>(random.integer(0, 6));
      if (truth[i] >= 0) ++want[truth[i] * 7 + predicted[i]];
    }
    const Guarded<std::int32_t> device_truth(executor(), truth), device_predicted(executor(), predicted);
    executor().ops.count_confusion(Workspace(executor(), 0), device_truth, device_predicted, confusion);
    CHECK(unequal(confusion.read(), want) == "");
  }
}

TEST_CASE("scores do not depend on the number of threads", "[softmax][threads]") {
  for (const std::int64_t samples : {1, 100, 1000}) {
    INFO(samples << " samples");
    const Shape shape(7, samples), votes(7, samples / 10);
    Random random(static_cast<std::uint32_t>(samples));
    const Tensor<float> logits = make_logits(random, shape, 8), labels = make_labels(random, shape);
    Tensor<std::int32_t> classes{Shape(samples)};
    for (std::int32_t& j : classes.data) j = static_cast<std::int32_t>(random.integer(0, 6));
    check_same_bits([&](Backend& backend) {
      const Guarded<float> o(backend, logits), q(backend, labels), p(backend, shape), grad(backend, shape),
          loss_grad(backend, shape), scores(backend, votes);
      const Guarded<std::int32_t> targets(backend, classes), predicted(backend, Shape(votes[1])),
          truth(backend, Tensor<std::int32_t>(Shape(votes[1]), 3));
      const Guarded<std::int64_t> confusion(backend, Tensor<std::int64_t>(Shape(7, 7)));
      const Guarded<StepReport> report = guarded_struct(backend, StepReport{});
      const Workspace none(backend, 0);
      const Ops<float>& ops = backend.ops;
      ops.softmax_forward(none, Temperature::kLargest, o, p);
      ops.softmax_score_gradient(none, Temperature::kOne, o, targets, grad);
      ops.soft_cross_entropy(none, CrossEntropyGradient::kTrue, o, q, loss_grad, report.data());
      ops.vote(none, 10, View<const float>(p.data(), Shape(7, 10 * votes[1])), scores, predicted);
      ops.count_confusion(none, truth, predicted, confusion);
      std::vector<unsigned char> all;
      append_bytes(all, p.read());
      append_bytes(all, grad.read());
      append_bytes(all, loss_grad.read());
      append_bytes(all, scores.read());
      append_bytes(all, predicted.read());
      append_bytes(all, confusion.read());
      const StepReport sums = report.read()[0];
      append_bytes(all, Tensor<double>(Shape(2), {sums.cross_entropy, sums.label_entropy}));
      append_bytes(all, Tensor<std::int64_t>(Shape(2), {sums.correct, sums.non_finite}));
      return all;
    });
  }
}

}  // namespace shcnn::test
