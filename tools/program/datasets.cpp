#include "tools/program/datasets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "io/faces/load_dataset.h"
#include "io/files/folder_entries.h"
#include "io/files/text.h"

namespace shcnn::program {
namespace {

constexpr std::array<std::pair<const char*, io::Usage>, 3> kSplits{{{"training", io::Usage::kTraining},
                                                                    {"public-test", io::Usage::kPublicTest},
                                                                    {"private-test", io::Usage::kPrivateTest}}};

constexpr std::array<const char*, 7> kArchives{".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".xz"};

constexpr const char* kVoted = "ferplus";  ///< the only data set with rules

Samples samples_of(io::FaceSet set) {
  Samples samples;
  samples.height = set.height;
  samples.width = set.width;
  samples.channels = set.channels;
  samples.pixels = std::move(set.pixels);
  samples.labels = std::move(set.probabilities);
  samples.truth = std::move(set.labels);
  samples.names = std::move(set.names);
  samples.class_names = std::move(set.class_names);
  samples.check();
  return samples;
}

}  // namespace

void add_dataset_options(OptionSet& verb, DatasetChoice& choice) {
  verb.add_option("--dataset", choice.dataset, "fer2013, ferplus or faces (folders of images by class)");
  verb.add_option("--data", choice.data, "folder or CSV file of the data set");
  verb.add_option("--rule", choice.rule,
                  "ferplus: rows to use: strict (largest share > 0.5, no NF vote) or soft (>= 0.5)")
      .show_default();
  verb.add_flag("--no-cache", choice.no_cache, "neither write nor read the packed copy beside the data");
}

Option add_split_option(OptionSet& verb, const std::string& name, std::string& split, const std::string& what) {
  return verb.add_option(name, split, what + ": training, public-test or private-test").show_default();
}

io::Usage usage_from_string(const std::string& split) {
  for (const auto& [name, usage] : kSplits) {
    if (split == name) return usage;
  }
  throw Failure(ExitCode::kUsage, fmt::format("split '{}' is none of training, public-test, private-test", split));
}

std::string split_name(io::Usage usage) {
  for (const auto& [name, known] : kSplits) {
    if (known == usage) return name;
  }
  return {};
}

std::vector<std::string> datasets_at(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw Failure(ExitCode::kBadData, path + ": does not exist");
  if (!fs::is_directory(path, ignored)) {
    return {fs::path(path).filename() == "fer2013new.csv" ? "ferplus" : "fer2013"};
  }
  std::vector<std::string> names;
  for (const io::FaceDataset dataset : io::face_datasets_in(io::any_face_dataset_root(path))) {
    for (const char* name : {"fer2013", "ferplus", "faces"}) {
      if (io::face_dataset(name) == dataset) names.emplace_back(name);
    }
  }
  if (!names.empty()) return names;
  for (const fs::path& entry : io::folder_entries(path)) {
    const std::string ending = io::lower_case(entry.extension().string());
    if (std::find(kArchives.begin(), kArchives.end(), ending) != kArchives.end()) {
      throw Failure(ExitCode::kBadData, fmt::format("{}: holds the archive {} and no data: unpack it there", path,
                                                    io::printable(entry.filename().string(), 60)));
    }
  }
  return {"faces"};
}

io::FaceSet read_dataset(const DatasetChoice& choice, const std::string& rule, const Common& common) {
  io::CacheOptions cache;
  cache.enabled = !choice.no_cache;
  std::vector<std::string> notes;
  io::FaceSet faces = io::load_dataset(io::face_dataset(choice.dataset), choice.data,
                                       choice.dataset == kVoted ? rule : std::string(), cache, notes);
  for (const std::string& note : notes) remark(common, note);
  return faces;
}

LoadedSplit load_split(const DatasetChoice& choice, const std::string& rule, const std::string& split,
                       const Common& common, const std::string& otherwise) {
  const io::Usage usage = usage_from_string(split);
  io::FaceSet part = read_dataset(choice, rule, common).select(usage);
  if (part.size() == 0) {
    throw Failure(ExitCode::kBadData, fmt::format("{}: holds no image of the {} split (rule {}); {}", choice.data,
                                                  split, part.rule, otherwise));
  }
  remark(common, fmt::format("{}: {} images of {} (rule {})", split, part.size(), choice.data, part.rule));
  LoadedSplit loaded{{}, split, part.rule, part.problems};
  loaded.samples = samples_of(std::move(part));
  return loaded;
}

void remark_problems(const Common& common, const std::vector<io::Problem>& problems) {
  for (const io::Problem& p : problems) remark(common, fmt::format("note: {}: {}; {}", p.place, p.message, p.remedy));
}

void require_classes_of_weights(const std::string& weights, const std::vector<std::string>& weights_classes,
                                const std::string& dataset, const std::vector<std::string>& data_classes) {
  if (weights_classes == data_classes) return;
  const auto missing_in = [](const std::vector<std::string>& names, const std::vector<std::string>& from) {
    std::vector<std::string> missing;
    for (const std::string& name : from) {
      if (std::find(names.begin(), names.end(), name) == names.end()) missing.push_back(name);
    }
    return missing;
  };
  const auto lower = [](std::vector<std::string> names) {
    for (std::string& name : names) name = io::lower_case(name);
    std::sort(names.begin(), names.end());
    return names;
  };
  const std::vector<std::string> of_weights = missing_in(data_classes, weights_classes);
  const std::vector<std::string> of_data = missing_in(weights_classes, data_classes);
  std::string line;
  if (of_weights.empty() && of_data.empty()) {
    line = fmt::format("{} has the classes in the order {}; {} has them in the order {}", weights,
                       fmt::join(weights_classes, ", "), dataset, fmt::join(data_classes, ", "));
  } else {
    const auto listed = [](const std::vector<std::string>& names) {
      return names.empty() ? std::string("no others") : fmt::format("{}", fmt::join(names, ", "));
    };
    line = fmt::format("the classes differ: {} alone has {}; {} alone has {}", weights, listed(of_weights), dataset,
                       listed(of_data));
  }
  throw Failure(ExitCode::kUsage, line + (lower(of_weights) == lower(of_data) && !of_data.empty()
                                              ? "; name the folders as the weights spell their classes"
                                              : "; name the --dataset that the weights were trained on"));
}

}  // namespace shcnn::program
