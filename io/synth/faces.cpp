// Parallel over faces, which are independent of each other: each thread repeatedly takes the next few indices.
#include "io/synth/faces.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "io/faces/dataset_writers.h"
#include "io/files/error.h"
#include "io/files/output_folder.h"
#include "io/files/parallel.h"

namespace shcnn::synth {
namespace {

constexpr std::int64_t kBlock = 8;  ///< faces taken by a thread at a time, about 15 ms of work
constexpr int kSheetColumns = 12, kSheetSize = 96;

int class_count(bool contempt) { return contempt ? kFaceClasses : kFaceClasses - 1; }

void check(bool good, const std::string& what, const std::string& remedy) {
  if (!good) throw io::Error(io::ErrorKind::kUsage, "made faces", "", what, remedy);
}

void check(const FaceSynthOptions& options) {
  check(options.count >= 1, "a count of " + std::to_string(options.count), "ask for at least one face");
  check(options.size >= 8, "a size of " + std::to_string(options.size), "ask for at least 8 pixels");
  check(options.threads >= 0, std::to_string(options.threads) + " threads", "ask for 0 (all cores) or more");
}

/// FER2013's class number of a face; contempt becomes neutral.
int fer2013_label(FaceClass label) {
  return static_cast<int>(label == FaceClass::kContempt ? FaceClass::kNeutral : label);
}

}  // namespace

FaceClass made_face_class(std::uint32_t index, bool contempt) {
  return static_cast<FaceClass>(static_cast<int>(index % static_cast<std::uint32_t>(class_count(contempt))));
}

io::FaceSet make_faces(const FaceSynthOptions& options) {
  check(options);
  const auto count = static_cast<std::size_t>(options.count);
  io::FaceSet faces;
  faces.height = faces.width = options.size;
  for (const std::string_view name : io::fer2013_classes()) faces.class_names.emplace_back(name);
  faces.rule = "all";
  faces.source = "made faces, seed " + std::to_string(options.seed);
  const auto cells = static_cast<std::size_t>(faces.image_bytes()), classes = faces.class_names.size();
  faces.pixels.resize(count * cells);
  faces.probabilities.resize(count * classes);
  faces.labels.resize(count);
  faces.usages.resize(count);
  faces.names.resize(count);
  faces.votes.resize(count * io::kVoteColumns);
  const std::size_t training = count * 8 / 10, public_test = count * 9 / 10;
  io::for_each_parallel(
      options.count,
      [&](std::int64_t face_number) {
        const auto i = static_cast<std::size_t>(face_number);
        const auto index = static_cast<std::uint32_t>(face_number);
        const SampledFace face = sample_face(options.seed, index, made_face_class(index, options.contempt));
        const std::vector<std::uint8_t> picture = render_face(face.parameters, options.size);
        std::copy(picture.begin(), picture.end(), faces.pixels.begin() + static_cast<std::ptrdiff_t>(i * cells));
        faces.labels[i] = fer2013_label(face.label);
        faces.probabilities[i * classes + static_cast<std::size_t>(faces.labels[i])] = 1.0f;
        for (std::size_t k = 0; k < face.votes.size(); ++k) {
          faces.votes[i * io::kVoteColumns + k] = static_cast<std::uint8_t>(face.votes[k]);
        }
        faces.usages[i] = i < training      ? io::Usage::kTraining
                          : i < public_test ? io::Usage::kPublicTest
                                            : io::Usage::kPrivateTest;
        faces.names[i] = io::row_name(face_number);
      },
      options.threads, kBlock);
  for (const io::Usage usage : faces.usages) ++faces.counts[static_cast<std::size_t>(usage)].rows;
  return faces;
}

io::Image contact_sheet(const FaceSynthOptions& options, int columns) {
  check(options);
  check(columns >= 1, std::to_string(columns) + " columns on the sheet", "ask for at least one");
  const int rows = class_count(options.contempt), size = options.size;
  io::Image sheet{rows * size, columns * size, 1, {}};
  sheet.pixels.resize(static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height));
  io::for_each_parallel(
      std::int64_t{rows} * columns,
      [&](std::int64_t face_number) {
        const auto index = static_cast<std::uint32_t>(face_number);  // classes alternate, so its row is index % rows
        const int row = static_cast<int>(face_number) % rows, column = static_cast<int>(face_number) / rows;
        const SampledFace face = sample_face(options.seed, index, made_face_class(index, options.contempt));
        const std::vector<std::uint8_t> picture = render_face(face.parameters, size);
        for (int y = 0; y < size; ++y) {
          const std::ptrdiff_t at = std::ptrdiff_t{row * size + y} * sheet.width + std::ptrdiff_t{column} * size;
          std::copy_n(picture.begin() + std::ptrdiff_t{y} * size, size, sheet.pixels.begin() + at);
        }
      },
      options.threads, 1);
  return sheet;
}

io::FaceSet write_made_faces(const std::filesystem::path& folder, const FaceSynthOptions& options,
                             io::Overwrite overwrite) {
  check(options.size == 48, "a data set of " + std::to_string(options.size) + " pixels a side",
        "FER2013's and FER+'s files hold 48 x 48 faces");
  io::FaceSet faces = make_faces(options);
  io::make_output_folder(folder);
  io::write_fer2013_csv(folder / "fer2013.csv", faces, overwrite);
  io::write_ferplus_csv(folder / "fer2013new.csv", faces, overwrite);
  FaceSynthOptions large = options;
  large.size = kSheetSize;
  io::write_png(folder / "faces.png", contact_sheet(large, kSheetColumns), overwrite);
  return faces;
}

}  // namespace shcnn::synth
