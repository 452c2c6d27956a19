// Metrics against published matrices and toy cases.
#include <catch2/catch.hpp>

#include "engine/metrics.h"

using shcnn::Confusion;

namespace {
Confusion matrix(int n, std::initializer_list<int> counts) {
  Confusion c(n);
  std::size_t i = 0;
  for (const int count : counts) c.counts[i++] = count;
  return c;
}
}  // namespace

TEST_CASE("Table 9 of the paper gives UF1 0.8029 and UAR 0.7776", "[metrics]") {
  const Confusion c = matrix(3, {87, 2, 3, 9, 17, 0, 3, 1, 11});
  CHECK(c.total() == 133);
  CHECK(c.correct() == 115);
  CHECK(c.accuracy() == Approx(0.8647).margin(5e-5));
  CHECK(c.uf1() == Approx(0.8029).margin(5e-5));
  CHECK(c.uar() == Approx(0.7776).margin(5e-5));
}

TEST_CASE("The authors' CASME II matrix gives 175 of 246, UF1 0.6989, UAR 0.6821", "[metrics]") {
  const Confusion c = matrix(5, {19, 11, 1, 1, 0, 7, 78, 2, 1, 11, 3, 11, 10, 0, 3, 0, 0, 0, 24, 1, 1, 18, 0, 0, 44});
  CHECK(c.correct() == 175);
  CHECK(c.total() == 246);
  CHECK(c.uf1() == Approx(0.6989).margin(5e-5));
  CHECK(c.uar() == Approx(0.6821).margin(5e-5));
}

TEST_CASE("Folds are summed before F1 is taken", "[metrics]") {
  // Fold 1 has no sample of class 1. The mean of the folds' UF1 would be (0.5 + 1) / 2.
  Confusion folds = matrix(2, {4, 0, 0, 0});
  CHECK(folds.uf1() == Approx(0.5));
  folds.add(matrix(2, {1, 0, 0, 1}));
  CHECK(folds.uf1() == Approx(1.0));
}

TEST_CASE("Weighted F1, precision and recall of a small matrix by hand", "[metrics]") {
  const Confusion c = matrix(2, {3, 1, 2, 2});
  CHECK(c.precision(0) == Approx(3.0 / 5));
  CHECK(c.recall(0) == Approx(3.0 / 4));
  CHECK(c.f1(0) == Approx(6.0 / 9));
  CHECK(c.f1(1) == Approx(4.0 / 7));
  CHECK(c.weighted_f1() == Approx(0.5 * 6.0 / 9 + 0.5 * 4.0 / 7));
}

TEST_CASE("An empty matrix has no NaN", "[metrics]") {
  const Confusion c(3);
  CHECK(c.accuracy() == 0);
  CHECK(c.uf1() == 0);
  CHECK(c.uar() == 0);
  CHECK(c.weighted_f1() == 0);
}
