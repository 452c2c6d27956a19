#include "engine/net/metrics.h"

#include "kernels/error.h"

namespace shcnn {
namespace {
double ratio(double numerator, double denominator) { return denominator > 0 ? numerator / denominator : 0; }
}  // namespace

void Confusion::add(const Confusion& other) {
  if (other.classes != classes) {
    throw Error(ErrorKind::kInternal, "Confusion::add", message(other.classes, " classes do not fit ", classes));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
}

std::int64_t Confusion::total() const {
  std::int64_t sum = 0;
  for (const std::int64_t count : counts) sum += count;
  return sum;
}

std::int64_t Confusion::correct() const {
  std::int64_t sum = 0;
  for (int c = 0; c < classes; ++c) sum += at(c, c);
  return sum;
}

std::int64_t Confusion::of_truth(int c) const {
  std::int64_t sum = 0;
  for (int p = 0; p < classes; ++p) sum += at(c, p);
  return sum;
}

std::int64_t Confusion::of_predicted(int c) const {
  std::int64_t sum = 0;
  for (int t = 0; t < classes; ++t) sum += at(t, c);
  return sum;
}

double Confusion::accuracy() const { return ratio(static_cast<double>(correct()), static_cast<double>(total())); }
double Confusion::precision(int c) const {
  return ratio(static_cast<double>(at(c, c)), static_cast<double>(of_predicted(c)));
}
double Confusion::recall(int c) const { return ratio(static_cast<double>(at(c, c)), static_cast<double>(of_truth(c))); }
double Confusion::f1(int c) const {
  return ratio(2.0 * static_cast<double>(at(c, c)), static_cast<double>(of_truth(c) + of_predicted(c)));
}

double Confusion::uf1() const { return mean_of_occurring(&Confusion::f1); }
double Confusion::uar() const { return mean_of_occurring(&Confusion::recall); }

double Confusion::mean_of_occurring(double (Confusion::*score)(int) const) const {
  double sum = 0;
  int occurring = 0;
  for (int c = 0; c < classes; ++c) {
    if (!occurs(c)) continue;
    sum += (this->*score)(c);
    ++occurring;
  }
  return ratio(sum, occurring);
}

double Confusion::weighted_f1() const {
  double sum = 0;
  for (int c = 0; c < classes; ++c) sum += f1(c) * static_cast<double>(of_truth(c));
  return ratio(sum, static_cast<double>(total()));
}

std::vector<std::string> absent_classes(const std::vector<std::string>& class_names, const Confusion& confusion) {
  std::vector<std::string> absent;
  for (int c = 0; c < confusion.classes; ++c) {
    if (!confusion.occurs(c)) absent.push_back(class_names[static_cast<std::size_t>(c)]);
  }
  return absent;
}

}  // namespace shcnn
