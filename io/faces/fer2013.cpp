// Reads the file in one pass. The pixel field, 97 % of the bytes, is parsed by a specialized loop.
#include "io/faces/fer2013.h"

#include <algorithm>
#include <string>

#include "io/files/text.h"
#include "io/formats/csv.h"

namespace shcnn::io {
namespace {

constexpr int kSide = 48;
constexpr size_t kPixels = size_t{kSide} * kSide;
constexpr std::array<const char*, 3> kFileNames = {"fer2013.csv", "icml_face_data.csv", "train.csv"};
constexpr const char* kColumnsMend =
    "its columns must be emotion, pixels and (except train.csv) Usage, as in Kaggle's fer2013.csv";
constexpr const char* kRowRemedy = "correct or delete the line, or download the file again";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Appends the numbers in `field`, separated by blanks, to `pixels`. Throws if they are not 2,304 pixels.
void parse_pixels(const CsvReader& csv, std::string_view field, std::vector<uint8_t>& pixels) {
  const size_t first = pixels.size();
  pixels.resize(first + kPixels);
  uint8_t* const out = pixels.data() + first;
  size_t count = 0;
  const char* at = field.data();
  const char* const end = at + field.size();
  while (at != end) {
    if (*at == ' ') {
      ++at;
      continue;
    }
    const char* const start = at;
    unsigned value = 0;
    while (at != end && is_digit(*at) && at - start < 4) value = value * 10 + static_cast<unsigned>(*at++ - '0');
    if (at == start || value > 255 || (at != end && *at != ' ')) {
      const std::string_view token = field.substr(static_cast<size_t>(start - field.data()));
      throw csv.bad("pixel " + std::to_string(count) + " is '" + printable(token.substr(0, token.find(' ')), 20) +
                        "', not a number from 0 to 255",
                    kRowRemedy);
    }
    if (count < kPixels) out[count] = static_cast<uint8_t>(value);
    ++count;
  }
  if (count != kPixels) {
    throw csv.bad("has " + std::to_string(count) + " pixels, 2304 (48 x 48) are expected", kRowRemedy);
  }
}

}  // namespace

bool holds_fer2013(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::any_of(kFileNames.begin(), kFileNames.end(),
                     [&](const char* name) { return std::filesystem::exists(path / name, ignored); });
}

std::filesystem::path find_fer2013_csv(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return path;
  for (const char* name : kFileNames) {
    if (std::filesystem::exists(path / name, ignored)) return path / name;
  }
  throw Error(ErrorKind::kBadData, path, "", "holds no fer2013.csv, icml_face_data.csv or train.csv",
              "unpack Kaggle's FER2013 there, or name the csv file itself");
}

FaceSet read_fer2013(const std::filesystem::path& path) {
  CsvReader csv(path, CsvReader::Header::kYes);
  const auto emotion_column = static_cast<size_t>(csv.require_column("emotion", kColumnsMend));
  const auto pixel_column = static_cast<size_t>(csv.require_column("pixels", kColumnsMend));
  const bool is_train_csv = lower_case(path.filename().string()) == kFileNames[2];
  const int usage_column = is_train_csv ? csv.column("Usage") : csv.require_column("Usage", kColumnsMend);

  FaceSet out;
  out.class_names.assign(fer2013_classes().begin(), fer2013_classes().end());
  out.rule = "all";
  out.source = path.filename().string();
  const size_t classes = out.class_names.size();
  // A pixel takes at least two bytes of text. Reserved memory that is never written uses no physical memory.
  out.pixels.reserve(static_cast<size_t>(csv.file_bytes() / (2 * kPixels)) * kPixels);
  while (csv.next()) {
    const std::vector<std::string_view>& fields = csv.fields();
    int64_t emotion = 0;
    if (!parse_integer(fields[emotion_column], 0, static_cast<int64_t>(classes) - 1, emotion)) {
      throw csv.bad("emotion is '" + printable(fields[emotion_column], 20) + "', not a number from 0 to 6", kRowRemedy);
    }
    const Usage usage =
        usage_column < 0 ? Usage::kTraining : parse_usage(csv, fields[static_cast<size_t>(usage_column)]);
    parse_pixels(csv, fields[pixel_column], out.pixels);
    out.probabilities.resize(out.probabilities.size() + classes);
    out.probabilities[out.probabilities.size() - classes + static_cast<size_t>(emotion)] = 1;
    out.labels.push_back(static_cast<int32_t>(emotion));
    out.usages.push_back(usage);
    out.names.push_back(row_name(csv.row()));
    ++out.counts[static_cast<size_t>(usage)].rows;
  }
  if (out.labels.empty()) {
    throw Error(ErrorKind::kBadData, path, "line 2", "no row follows the header", "download or copy the file again");
  }
  return out;
}

}  // namespace shcnn::io
