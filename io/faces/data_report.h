// The report of `shcnn data lint`: the number of images of each Usage and class, the same numbers of the published data
// set for comparison, and the problems found, each with its remedy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/faces/dataset.h"
#include "io/faces/load_dataset.h"

namespace shcnn::io {

/// Counts of one Usage.
struct UsageReport {
  Usage usage = Usage::kTraining;
  UsageCount count;                         ///< rows in the files, and rows dropped by reason
  std::vector<int64_t> per_class;           ///< (n) images kept
  std::optional<int64_t> expected;          ///< images kept in the published set; empty if there is none
  std::vector<int64_t> expected_per_class;  ///< (n), or empty if none are published
};

/// Counts of one data set.
struct DataReport {
  std::string source;
  std::string rule;
  std::vector<std::string> class_names;  ///< n
  std::array<UsageReport, 3> usages;
  int64_t repeated_images = 0;    ///< Training images whose pixels equal those of an earlier one
  int64_t repeated_in_other = 0;  ///< test images whose pixels equal those of a Training one
  std::vector<Problem> problems;

  /// The report as lines of text, ending with a newline.
  std::string text() const;
};

/// Counts a loaded set. `dataset` selects the published counts to compare with.
DataReport make_report(FaceDataset dataset, const FaceSet& faces);

}  // namespace shcnn::io
