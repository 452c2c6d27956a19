// Metrics compared with published matrices and small examples.
#include <catch2/catch.hpp>

#include "engine/net/metrics.h"

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
  // Fold 1 has no sample of class 1. The mean of the folds' UF1 would be (3/7 + 1) / 2.
  Confusion folds = matrix(2, {3, 1, 0, 0});
  CHECK(folds.uf1() == Approx(3.0 / 7));
  folds.add(matrix(2, {1, 0, 0, 1}));
  CHECK(folds.uf1() == Approx((8.0 / 9 + 2.0 / 3) / 2));
}

TEST_CASE("UF1 and UAR are means over the classes that occur", "[metrics]") {
  // 35 of 36 correct, in 3 of 7 classes; scikit-learn 1.2: f1_score(average="macro") 0.97166, recall_score 0.97222
  Confusion c(7);
  c.at(0, 0) = 12;
  c.at(3, 3) = 12;
  c.at(6, 6) = 11;
  c.at(6, 3) = 1;
  CHECK(c.uf1() == Approx((1 + 24.0 / 25 + 22.0 / 23) / 3));
  CHECK(c.uar() == Approx((1 + 1 + 11.0 / 12) / 3));
  CHECK((c.occurs(0) && !c.occurs(1) && c.occurs(3) && c.occurs(6)));
  // A class that is predicted but never true counts as occurring, with F1 0 and recall 0 / 0 = 0, as in scikit-learn.
  c.at(6, 6) = 10;
  c.at(6, 1) = 1;
  CHECK(c.occurs(1));
  CHECK(c.uf1() == Approx((1 + 0 + 24.0 / 25 + 20.0 / 22) / 4));
  CHECK(c.uar() == Approx((1 + 0 + 1 + 10.0 / 12) / 4));
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
