#include "tools/program/datasets.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <utility>

#include "io/load_dataset.h"

namespace shcnn::program {
namespace {

constexpr std::array<std::pair<const char*, io::Usage>, 3> kSplits{{{"training", io::Usage::kTraining},
                                                                    {"public-test", io::Usage::kPublicTest},
                                                                    {"private-test", io::Usage::kPrivateTest}}};

constexpr const char* kVoted = "ferplus";  ///< the data set that has rules

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
  verb.add_option("--data", choice.data, "the folder or csv file that holds it");
  verb.add_option("--rule", choice.rule,
                  "ferplus: which rows count, strict (argmax > 0.5, no NF vote) or soft (>= 0.5)")
      .show_default();
  verb.add_flag("--no-cache", choice.no_cache, "do not keep a packed copy beside the data, nor use one");
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
  if (!fs::exists(path)) throw Failure(ExitCode::kBadData, path + ": does not exist");
  if (!fs::is_directory(path)) {
    return {fs::path(path).filename() == "fer2013new.csv" ? "ferplus" : "fer2013"};
  }
  std::vector<std::string> found;
  const fs::path folder(path);
  for (const char* csv : {"fer2013.csv", "icml_face_data.csv", "train.csv"}) {
    if (found.empty() && fs::exists(folder / csv)) found.emplace_back("fer2013");
  }
  bool votes = fs::exists(folder / "fer2013new.csv");
  for (const char* part : {"FER2013Train", "FER2013Valid", "FER2013Test"}) {
    votes = votes || fs::exists(folder / part / "label.csv");
  }
  if (votes) found.emplace_back("ferplus");
  if (found.empty()) found.emplace_back("faces");
  return found;
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
                       const Common& common) {
  const io::Usage usage = usage_from_string(split);
  io::FaceSet part = read_dataset(choice, rule, common).select(usage);
  if (part.size() == 0) {
    throw Failure(ExitCode::kBadData, fmt::format("{}: holds no image of the {} split (rule {}); choose another split",
                                                  choice.data, split, part.rule));
  }
  remark(common, fmt::format("{}: {} images of {} (rule {})", split, part.size(), choice.data, part.rule));
  LoadedSplit loaded{{}, split, part.rule};
  loaded.samples = samples_of(std::move(part));
  return loaded;
}

}  // namespace shcnn::program
