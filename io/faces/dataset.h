// Labelled faces in memory: the result of every face reader in io/ and the input of every writer.
//
// Rows are counted from 0 without the header line, as Kaggle does; messages also name the line of the file.
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
/// Parses a Usage, spelt as in the files. @throws Error kBadData naming the current record of `csv`
Usage parse_usage(const CsvReader& csv, std::string_view text);

/// FER2013's classes in the order of their numbers: angry, disgust, fear, happy, sad, surprise, neutral.
std::span<const std::string_view> fer2013_classes();
/// FER+'s eight classes in the order of the vote columns: neutral, happiness, surprise, sadness, anger, disgust, fear,
/// contempt.
std::span<const std::string_view> ferplus_classes();
/// Number of vote columns: the eight classes, unknown, and NF ("not a face").
inline constexpr int kVoteColumns = 10;

/// How many rows of one Usage there are, and how many were dropped.
struct UsageCount {
  int64_t rows = 0;                        ///< in the files
  std::map<std::string, int64_t> dropped;  ///< reason -> rows left out
  int64_t kept() const;
};

/// M labelled images of n classes. Shapes are given behind the members.
struct FaceSet {
  int height = 48;
  int width = 48;
  int channels = 1;                      ///< 1 gray
  std::vector<std::string> class_names;  ///< n
  std::string rule;                      ///< which images were kept: "all", "strict" or "soft"
  std::string source;                    ///< description of the files it was read from

  std::vector<uint8_t> pixels;       ///< (M, height, width, channels)
  std::vector<float> probabilities;  ///< (M, n); one-hot if the data have one label per image
  std::vector<int32_t> labels;       ///< (M): the class of the largest probability; on a tie, the first
  std::vector<Usage> usages;         ///< (M)
  std::vector<std::string> names;    ///< (M): the image's file name, or "row00012"
  std::vector<uint8_t> votes;        ///< (M, kVoteColumns) for FER+, else empty

  std::array<UsageCount, 3> counts;  ///< by Usage
  std::vector<Problem> problems;

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  int classes() const { return static_cast<int>(class_names.size()); }
  int64_t image_bytes() const { return int64_t{1} * height * width * channels; }
  std::span<const uint8_t> image(int64_t i) const;
  /// The images of `usage`, in their order. Counts, problems and class names are copied unchanged.
  FaceSet select(Usage usage) const;
  /// One line: source, rule, and for each Usage the rows kept and the rows in total.
  std::string summary() const;
};

/// The image name used for row `row` of a csv file: "row00012".
std::string row_name(int64_t row);

}  // namespace shcnn::io
