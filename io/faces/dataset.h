// Labelled faces in memory, as every reader of io/ gives them and every writer takes them.
//
// Rows are counted from 0 and without the header line, as Kaggle's rows are; messages name the line of the file as
// well.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/files/problem.h"

namespace shcnn::io {

class CsvReader;

/// The three parts of FER2013. The paper validates on kPrivateTest and tests on kPublicTest.
enum class Usage : uint8_t { kTraining, kPublicTest, kPrivateTest };
inline constexpr std::array<Usage, 3> kUsages = {Usage::kTraining, Usage::kPublicTest, Usage::kPrivateTest};

/// "Training", "PublicTest", "PrivateTest", as the files spell them.
std::string_view usage_name(Usage usage);
/// The Usage of this name, spelt as the files do. @throws Error kBadData about the current record of `csv`
Usage parse_usage(const CsvReader& csv, std::string_view text);

/// FER2013's classes by their numbers: angry, disgust, fear, happy, sad, surprise, neutral.
std::span<const std::string_view> fer2013_classes();
/// FER+'s eight classes in the order of the votes: neutral, happiness, surprise, sadness, anger, disgust, fear,
/// contempt.
std::span<const std::string_view> ferplus_classes();
/// Columns of votes: the eight classes, unknown, and NF ("not a face").
inline constexpr int kVoteColumns = 10;

/// What became of the rows of one Usage.
struct UsageCount {
  int64_t rows = 0;                        ///< in the files
  std::map<std::string, int64_t> dropped;  ///< reason -> rows left out
  int64_t kept() const;
};

/// M labelled images. Every vector has M entries, or M times what is said.
struct FaceSet {
  int height = 48;
  int width = 48;
  int channels = 1;                      ///< 1 gray
  std::vector<std::string> class_names;  ///< n
  std::string rule;                      ///< what decided which images count: "all", "strict" or "soft"
  std::string source;                    ///< which files it was made of, in words

  std::vector<uint8_t> pixels;       ///< (M, height, width, channels)
  std::vector<float> probabilities;  ///< (M, n); one-hot where the data have one label an image
  std::vector<int32_t> labels;       ///< (M): the class of the largest probability, the first of equal ones
  std::vector<Usage> usages;         ///< (M)
  std::vector<std::string> names;    ///< (M): the image's file name, or "row00012"
  std::vector<uint8_t> votes;        ///< (M, kVoteColumns) of FER+, else empty

  std::array<UsageCount, 3> counts;  ///< by Usage
  std::vector<Problem> problems;

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  int classes() const { return static_cast<int>(class_names.size()); }
  int64_t image_bytes() const { return int64_t{1} * height * width * channels; }
  std::span<const uint8_t> image(int64_t i) const;
  /// The images of `usage`, in their order; counts, problems and names of classes are kept.
  FaceSet select(Usage usage) const;
  /// One line: source, rule, and per Usage how many of how many rows are kept.
  std::string summary() const;
};

/// The file name that stands for row `row` of a csv file: "row00012".
std::string row_name(int64_t row);

}  // namespace shcnn::io
