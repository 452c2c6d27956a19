// All files are listed and sorted first, so that the result does not depend on the file system's order, and then
// decoded on several threads.
#include "io/faces/face_folders.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "io/files/folder_entries.h"
#include "io/files/parallel.h"
#include "io/files/text.h"
#include "io/images/image.h"

namespace shcnn::io {
namespace {

namespace fs = std::filesystem;

struct Listed {
  fs::path path;
  std::string class_key;
  Usage usage;
};

/// Key of a class: equal for folders whose names differ only in case or in leading or trailing blanks.
std::string key_of(std::string_view folder_name) { return lower_case(trimmed(folder_name)); }

/// Class key -> the folders of that class, in the order in which they were listed.
using ClassFolders = std::map<std::string, std::vector<fs::path>>;

/// The Usage of a split's folder; empty if the folder is not a split.
std::optional<Usage> split_of(const fs::path& folder) {
  const std::string name = lower_case(folder.filename().string());
  if (name == "train" || name == "training") return Usage::kTraining;
  if (name == "val" || name == "valid" || name == "validation" || name == "publictest") return Usage::kPublicTest;
  if (name == "test" || name == "privatetest") return Usage::kPrivateTest;
  return std::nullopt;
}

/// The Usage stated in a file name such as PublicTest_123.jpg; empty if there is none.
std::optional<Usage> usage_in_name(const std::string& name) {
  for (const Usage usage : kUsages) {
    if (name.starts_with(std::string(usage_name(usage)) + "_")) return usage;
  }
  return std::nullopt;
}

bool is_jpeg(const fs::path& path) {
  const std::string extension = lower_case(path.extension().string());
  return extension == ".jpg" || extension == ".jpeg";
}

/// The name of a class: FER2013's spelling if one of its folders has it, else the name of its first folder.
std::string class_name(const std::string& key, const std::vector<fs::path>& folders) {
  const auto known = fer2013_classes();
  const bool of_fer2013 = std::find(known.begin(), known.end(), key) != known.end();
  for (const fs::path& folder : folders) {
    if (of_fer2013 && trimmed(folder.filename().string()) == key) return key;
  }
  return std::string(trimmed(folders.front().filename().string()));
}

/// FER2013's classes if all names are among them, else the sorted names. Reports folders with a deviating spelling.
std::vector<std::string> order_classes(const ClassFolders& classes, std::vector<Problem>& problems) {
  std::set<std::string> names;
  for (const auto& [key, folders] : classes) {
    const std::string name = class_name(key, folders);
    names.insert(name);
    for (const fs::path& folder : folders) {
      if (folder.filename() == name) continue;
      problems.push_back({folder.string(), "is taken for class '" + printable(name, 60) + "'",
                          "give a class's folders one name, letter by letter"});
    }
  }
  const auto known = fer2013_classes();
  const bool all_known = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(known.begin(), known.end(), name) != known.end();
  });
  if (all_known) return {known.begin(), known.end()};
  return {names.begin(), names.end()};
}

void list_classes(const fs::path& folder, Usage usage, std::vector<Listed>& images, ClassFolders& classes,
                  FaceSet& out) {
  for (const fs::path& class_folder : only_folders(folder_entries(folder))) {
    const std::string key = key_of(class_folder.filename().string());
    classes[key].push_back(class_folder);
    int64_t found = 0, others = 0;
    for (const fs::path& path : folder_entries(class_folder)) {
      if (!is_image_name(path)) {
        ++others;
        continue;
      }
      ++found;
      images.push_back({path, key, usage_in_name(path.filename().string()).value_or(usage)});
    }
    if (found == 0) out.problems.push_back({class_folder.string(), "holds no images", "remove the folder or fill it"});
    if (others > 0) {
      out.problems.push_back({class_folder.string(), std::to_string(others) + " files are no images and are ignored",
                              "keep PNG, JPEG or BMP files alone there"});
    }
  }
}

bool holds_images(const fs::path& folder) {
  const std::vector<fs::path> entries = folder_entries(folder);
  return std::any_of(entries.begin(), entries.end(), is_image_name);
}

bool holds_folders_of_images(const fs::path& folder) {
  const std::vector<fs::path> below = only_folders(folder_entries(folder));
  return std::any_of(below.begin(), below.end(), holds_images);
}

}  // namespace

bool holds_face_folders(const fs::path& path) {
  const std::vector<fs::path> top = only_folders(folder_entries(path));
  return std::any_of(top.begin(), top.end(), [](const fs::path& folder) {
    return split_of(folder) ? holds_folders_of_images(folder) : holds_images(folder);
  });
}

FaceSet read_face_folders(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ErrorKind::kBadData, folder, "", "there is no such folder", "check the path");
  }
  const std::vector<fs::path> top = only_folders(folder_entries(folder));
  const auto splits = std::count_if(top.begin(), top.end(), [](const fs::path& path) { return split_of(path); });
  if (splits > 0 && splits < static_cast<std::ptrdiff_t>(top.size())) {
    const auto other = std::find_if(top.begin(), top.end(), [](const fs::path& path) { return !split_of(path); });
    throw Error(ErrorKind::kBadData, folder, "",
                "holds folders of splits and, beside them, '" + printable(other->filename().string(), 60) + "'",
                "use DIR/<class>/ alone, or DIR/train|val|test/<class>/ alone");
  }
  FaceSet out;
  out.rule = "all";
  out.source = "folders by class";
  std::vector<Listed> images;
  ClassFolders classes;
  if (splits > 0) {
    for (const fs::path& split : top) list_classes(split, *split_of(split), images, classes, out);
  } else {
    list_classes(folder, Usage::kTraining, images, classes, out);
  }
  if (images.empty()) {
    throw Error(ErrorKind::kBadData, folder, "", "holds no images in folders by class",
                "put images into DIR/<class>/ or DIR/train|val|test/<class>/");
  }

  out.class_names = order_classes(classes, out.problems);
  const auto n = out.class_names.size();
  const auto image_bytes = static_cast<size_t>(out.image_bytes());
  out.pixels.resize(images.size() * image_bytes);
  out.probabilities.resize(images.size() * n);
  std::map<std::string, size_t> label_of;
  for (size_t c = 0; c < n; ++c) label_of[key_of(out.class_names[c])] = c;
  int64_t jpegs = 0;
  for (size_t i = 0; i < images.size(); ++i) {
    const auto label = label_of.at(images[i].class_key);
    out.probabilities[i * n + label] = 1;
    out.labels.push_back(static_cast<int32_t>(label));
    out.usages.push_back(images[i].usage);
    out.names.push_back(images[i].path.lexically_relative(folder).string());
    ++out.counts[static_cast<size_t>(images[i].usage)].rows;
    jpegs += is_jpeg(images[i].path) ? 1 : 0;
  }
  std::atomic<int64_t> other_sizes{0};
  for_each_parallel(static_cast<int64_t>(images.size()), [&](int64_t i) {
    const Image image = read_image(images[static_cast<size_t>(i)].path, 1);
    if (image.height != out.height || image.width != out.width) ++other_sizes;
    const Image face = resized(image, out.height, out.width);
    std::copy(face.pixels.begin(), face.pixels.end(),
              out.pixels.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(i) * image_bytes));
  });
  if (jpegs > 0) {
    out.problems.push_back({folder.string(), std::to_string(jpegs) + " images are JPEG, which changes pixels",
                            "for exact results use fer2013.csv or PNG files"});
  }
  if (other_sizes > 0) {
    out.problems.push_back({folder.string(), std::to_string(other_sizes) + " images are not 48 x 48 and were resized",
                            "crop faces to squares first if they look squeezed"});
  }
  return out;
}

}  // namespace shcnn::io
