// shcnn data convert: writes a data set in another layout.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "io/faces/dataset_writers.h"
#include "io/faces/ferplus.h"
#include "io/faces/load_dataset.h"
#include "io/files/output_folder.h"
#include "tools/program/datasets.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

constexpr const char* kEverySplit = "all";

struct ConvertArguments {
  DatasetChoice from;
  std::string to, layout, split = kEverySplit;
};

std::string layout_of(const ConvertArguments& args) {
  if (args.layout.empty()) return std::filesystem::path(args.to).extension() == ".csv" ? "csv" : "folders";
  if (args.layout == "csv" || args.layout == "folders" || args.layout == "ferplus") return args.layout;
  throw Failure(ExitCode::kUsage, fmt::format("--layout: '{}' is none of csv, folders, ferplus", args.layout));
}

void run_convert(const ConvertArguments& args, const Common& common) {
  const std::string layout = layout_of(args);
  if (args.split != kEverySplit) usage_from_string(args.split);
  refuse_overwriting(args.to, common);
  if (layout == "csv") io::require_output_file(args.to);
  DatasetChoice from = args.from;
  if (from.dataset.empty()) from.dataset = datasets_at(from.data).front();

  // The FER+ layout stores votes, so all rows are kept. The other layouts store one class per image, chosen by a rule.
  const bool votes = layout == "ferplus" && from.dataset == "ferplus";
  io::FaceSet faces =
      votes ? io::read_ferplus(io::find_ferplus(io::face_dataset_root(io::FaceDataset::kFerplus, from.data)))
            : read_dataset(from, from.rule, common);
  remark_problems(common, faces.problems);
  if (args.split != kEverySplit) faces = faces.select(usage_from_string(args.split));
  if (faces.size() == 0) {
    throw Failure(ExitCode::kBadData,
                  fmt::format("{}: holds no image of split {}; choose another --split", from.data, args.split));
  }
  if (layout == "csv") io::write_fer2013_csv(args.to, faces, io::Overwrite::kYes);
  if (layout == "folders") io::write_folders(args.to, faces, io::Overwrite::kYes);
  if (layout == "ferplus") io::write_ferplus_folders(args.to, faces, io::Overwrite::kYes);

  if (common.json) {
    print_json(
        {{"schema", kSchema}, {"images", faces.size()}, {"layout", layout}, {"out", args.to}, {"rule", faces.rule}});
  } else {
    fmt::print("{} images of {} ({}, rule {}) -> {} ({})\n", faces.size(), from.data, from.dataset, faces.rule, args.to,
               layout);
  }
}

}  // namespace

void add_data_convert(OptionSet& data, Common& common, Verbs& verbs) {
  OptionSet& verb = data.add_verb(
      "convert", "Writes a data set in another layout; the data set itself is not touched.",
      {"shcnn data convert --from fer2013.csv --to FOLDERS", "shcnn data convert --from FOLDERS --to fer2013.csv",
       "shcnn data convert --from DIR --dataset ferplus --rule strict --to FOLDERS --split private-test"});
  auto args = std::make_shared<ConvertArguments>();
  verb.add_option("--from", args->from.data, "folder or CSV file to read");
  verb.add_option("--dataset", args->from.dataset, "fer2013, ferplus or faces; default: detected");
  verb.add_option("--rule", args->from.rule, "ferplus: rows to use: strict or soft").show_default();
  verb.add_option("--to", args->to, "CSV file or folder to write");
  verb.add_option(
      "--layout", args->layout,
      "csv (Kaggle's fer2013.csv), folders (by split and class) or ferplus (folders with votes); by default csv\n"
      "where --to ends in .csv, else folders");
  verb.add_option("--split", args->split, "training, public-test, private-test or all").show_default();
  add_common(verb, common, false);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     require_option(verb, "--from", "the folder or csv file to read");
                     require_option(verb, "--to", "the csv file or folder to write");
                     run_convert(*args, common);
                   },
                   {}});
}

}  // namespace shcnn::program
