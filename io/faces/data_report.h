// What `shcnn data lint` prints: how many images there are of each Usage and class, beside how many the published data
// set has, and what is odd about them, each with its remedy.
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
  UsageCount count;                         ///< rows in the files, and what was dropped why
  std::vector<int64_t> per_class;           ///< (n) images that count
  std::optional<int64_t> expected;          ///< images that count in the published set; nothing where there is none
  std::vector<int64_t> expected_per_class;  ///< (n), or empty where none are published
};

/// A data set in numbers.
struct DataReport {
  std::string source;
  std::string rule;
  std::vector<std::string> class_names;  ///< n
  std::array<UsageReport, 3> usages;
  int64_t repeated_images = 0;    ///< Training images that are pixel-identical to an earlier one
  int64_t repeated_in_other = 0;  ///< test images that are pixel-identical to a Training one
  std::vector<Problem> problems;

  /// The report as lines of text, ends with a newline.
  std::string text() const;
};

/// Counts a loaded set. `dataset` says which published counts stand beside it.
DataReport make_report(FaceDataset dataset, const FaceSet& faces);

}  // namespace shcnn::io
