// Metrics computed from a confusion matrix.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shcnn {

/// counts[truth * classes + predicted]. For cross-validation, sum the matrices of all folds before computing a metric;
/// never average per-fold F1.
struct Confusion {
  int classes = 0;
  std::vector<std::int64_t> counts;

  explicit Confusion(int n = 0) : classes(n), counts(static_cast<std::size_t>(n) * static_cast<std::size_t>(n), 0) {}
  std::int64_t& at(int truth, int predicted) { return counts[static_cast<std::size_t>(truth * classes + predicted)]; }
  std::int64_t at(int truth, int predicted) const {
    return counts[static_cast<std::size_t>(truth * classes + predicted)];
  }
  void add(const Confusion& other);

  std::int64_t total() const;
  std::int64_t correct() const;
  std::int64_t of_truth(int c) const;      ///< row sum: support
  std::int64_t of_predicted(int c) const;  ///< column sum

  double accuracy() const;        ///< correct / total; 0 for an empty matrix
  double precision(int c) const;  ///< 0 if nothing was predicted as c
  double recall(int c) const;     ///< 0 if no sample is of class c
  double f1(int c) const;         ///< 2 TP / (2 TP + FP + FN); 0 if that is 0 / 0
  /// True if a sample is of class c or is predicted as c. Means leave out the other classes: nothing is known of them.
  bool occurs(int c) const { return of_truth(c) + of_predicted(c) > 0; }
  double uf1() const;          ///< mean of f1 over the classes that occur: the paper's F1
  double uar() const;          ///< mean of recall over the classes that occur
  double weighted_f1() const;  ///< f1 weighted by support

 private:
  double mean_of_occurring(double (Confusion::*score)(int) const) const;
};

/// Names of the classes that do not occur (see occurs()): UF1 and UAR leave them out.
std::vector<std::string> absent_classes(const std::vector<std::string>& class_names, const Confusion& confusion);

}  // namespace shcnn
