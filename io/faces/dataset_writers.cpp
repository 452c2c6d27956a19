// Rows are formatted and written one by one; each image is written atomically to a file of its own.
#include "io/faces/dataset_writers.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>

#include "io/files/output_folder.h"
#include "io/files/text.h"
#include "io/images/image.h"

namespace shcnn::io {
namespace {

constexpr std::string_view kVotesHeader =
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

void append_number(std::string& out, int64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void require_gray_48(const std::filesystem::path& path, const FaceSet& faces) {
  if (faces.height == 48 && faces.width == 48 && faces.channels == 1) return;
  throw Error(ErrorKind::kUsage, path, "", "only 48 x 48 gray faces fit this format", "resize the faces first");
}

void require_votes(const std::filesystem::path& path, const FaceSet& faces) {
  if (faces.votes.size() == static_cast<size_t>(faces.size()) * kVoteColumns) return;
  throw Error(ErrorKind::kUsage, path, "", "the faces have no FER+ votes", "convert a set that was read as FER+");
}

/// FER2013's number of each class, found by its name, ignoring case.
std::vector<int64_t> fer2013_numbers(const std::filesystem::path& path, const std::vector<std::string>& class_names) {
  const std::span<const std::string_view> known = fer2013_classes();
  std::vector<int64_t> numbers;
  std::string unknown;
  for (const std::string& name : class_names) {
    const auto found = std::find(known.begin(), known.end(), lower_case(trimmed(name)));
    if (found == known.end()) unknown += (unknown.empty() ? "'" : ", '") + printable(name, 60) + "'";
    numbers.push_back(found - known.begin());
  }
  if (unknown.empty()) return numbers;
  std::string list;
  for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
  throw Error(ErrorKind::kUsage, path, "", "FER2013 has no class " + unknown + ", only " + list,
              "rename the folders, or write the faces as folders or as FER+");
}

std::string ferplus_name(const FaceSet& faces, int64_t i) {
  const std::string& name = faces.names[static_cast<size_t>(i)];
  if (name.ends_with(".png")) return std::filesystem::path(name).filename().string();
  char text[32];
  std::snprintf(text, sizeof text, "fer%07lld.png", static_cast<long long>(i));
  return text;
}

void append_votes(std::string& line, const FaceSet& faces, int64_t i) {
  for (int v = 0; v < kVoteColumns; ++v) {
    line += ',';
    append_number(line, faces.votes[static_cast<size_t>(i * kVoteColumns + v)]);
  }
  line += '\n';
}

Image image_of(const FaceSet& faces, int64_t i) {
  const std::span<const uint8_t> pixels = faces.image(i);
  return {faces.height, faces.width, faces.channels, {pixels.begin(), pixels.end()}};
}

void require_empty(const std::filesystem::path& folder, Overwrite overwrite) {
  std::error_code ignored;
  if (overwrite == Overwrite::kYes || !std::filesystem::exists(folder, ignored)) return;
  if (std::filesystem::is_empty(folder, ignored)) return;
  throw Error(ErrorKind::kUsage, folder, "", "the folder is not empty", "allow overwriting or choose another folder");
}

}  // namespace

void write_fer2013_csv(const std::filesystem::path& path, const FaceSet& faces, Overwrite overwrite) {
  require_gray_48(path, faces);
  const std::vector<int64_t> numbers = fer2013_numbers(path, faces.class_names);
  AtomicFile file(path, overwrite);
  file.write("emotion,pixels,Usage\n");
  std::string line;
  for (int64_t i = 0; i < faces.size(); ++i) {
    line.clear();
    append_number(line, numbers.at(static_cast<size_t>(faces.labels[static_cast<size_t>(i)])));
    char separator = ',';
    for (const uint8_t pixel : faces.image(i)) {
      line += separator;
      append_number(line, pixel);
      separator = ' ';
    }
    line += ',';
    line += usage_name(faces.usages[static_cast<size_t>(i)]);
    line += '\n';
    file.write(line);
  }
  file.commit();
}

void write_ferplus_csv(const std::filesystem::path& path, const FaceSet& faces, Overwrite overwrite) {
  require_votes(path, faces);
  AtomicFile file(path, overwrite);
  file.write(kVotesHeader);
  for (int64_t i = 0; i < faces.size(); ++i) {
    std::string line(usage_name(faces.usages[static_cast<size_t>(i)]));
    line += ',';
    line += ferplus_name(faces, i);
    append_votes(line, faces, i);
    file.write(line);
  }
  file.commit();
}

void write_folders(const std::filesystem::path& folder, const FaceSet& faces, Overwrite overwrite) {
  require_empty(folder, overwrite);
  for (const Usage usage : kUsages) {
    if (std::find(faces.usages.begin(), faces.usages.end(), usage) == faces.usages.end()) continue;
    // also for classes without images: the folders define the classes
    for (const std::string& name : faces.class_names) make_output_folder(folder / usage_name(usage) / name);
  }
  for (int64_t i = 0; i < faces.size(); ++i) {
    const std::string_view usage = usage_name(faces.usages[static_cast<size_t>(i)]);
    const auto label = static_cast<size_t>(faces.labels[static_cast<size_t>(i)]);
    char name[64];
    std::snprintf(name, sizeof name, "%.*s_%05lld.png", static_cast<int>(usage.size()), usage.data(),
                  static_cast<long long>(i));
    write_png(folder / usage / faces.class_names.at(label) / name, image_of(faces, i), overwrite);
  }
}

void write_ferplus_folders(const std::filesystem::path& folder, const FaceSet& faces, Overwrite overwrite) {
  require_gray_48(folder, faces);
  require_votes(folder, faces);
  require_empty(folder, overwrite);
  constexpr std::array<const char*, 3> kFolders = {"FER2013Train", "FER2013Valid", "FER2013Test"};
  for (const Usage usage : kUsages) {
    const std::filesystem::path part = folder / kFolders[static_cast<size_t>(usage)];
    make_output_folder(part);
    AtomicFile labels(part / "label.csv", overwrite);
    for (int64_t i = 0; i < faces.size(); ++i) {
      if (faces.usages[static_cast<size_t>(i)] != usage) continue;
      const std::string name = ferplus_name(faces, i);
      std::string line = name;
      line += ",\"(0, 0, 48, 48)\"";
      append_votes(line, faces, i);
      labels.write(line);
      // two rows of FER+ may name the same image
      if (overwrite == Overwrite::kYes || !std::filesystem::exists(part / name)) {
        write_png(part / name, image_of(faces, i), overwrite);
      }
    }
    labels.commit();
  }
  write_ferplus_csv(folder / "fer2013new.csv", faces, overwrite);
}

}  // namespace shcnn::io
