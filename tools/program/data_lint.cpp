// shcnn data lint: reports the contents and the problems of a data set on disk.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "io/faces/data_report.h"
#include "io/files/error.h"
#include "io/files/folder_entries.h"
#include "tools/program/clips.h"
#include "tools/program/datasets.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

/// Counts of one data set under one rule, as JSON; the text output is made from it.
Json facts_of(const std::string& dataset, const io::FaceSet& faces) {
  const io::DataReport report = io::make_report(io::face_dataset(dataset), faces);
  Json splits = Json::object();
  for (const io::UsageReport& usage : report.usages) {
    Json classes = Json::object(), published = Json::object();
    for (std::size_t c = 0; c < usage.per_class.size(); ++c) classes[faces.class_names[c]] = usage.per_class[c];
    for (std::size_t c = 0; c < usage.expected_per_class.size(); ++c) {
      published[faces.class_names[c]] = usage.expected_per_class[c];
    }
    Json one = {{"rows", usage.count.rows},
                {"kept", usage.count.kept()},
                {"dropped", usage.count.dropped},
                {"classes", classes}};
    if (usage.expected) one["published"] = *usage.expected;
    if (!published.empty()) one["published_classes"] = published;
    splits[split_name(usage.usage)] = one;
  }
  Json problems = Json::array();
  for (const io::Problem& p : report.problems) {
    problems.push_back({{"place", p.place}, {"message", p.message}, {"mend", p.remedy}});
  }
  return {{"dataset", dataset},
          {"source", faces.source},
          {"rule", faces.rule},
          {"splits", splits},
          {"repeated_training_images", report.repeated_images},
          {"test_images_of_training", report.repeated_in_other},
          {"problems", problems}};
}

/// " (published: N)" if `counts[key]` exists and its value N differs from `found`; otherwise empty.
std::string published(const Json& counts, const std::string& key, const Json& found) {
  if (!counts.contains(key) || counts[key] == found) return {};
  return fmt::format(" (published: {})", counts[key].get<std::int64_t>());
}

void print_facts(const Json& facts) {
  fmt::print("{}, rule {}: {}\n", facts["dataset"].get<std::string>(), facts["rule"].get<std::string>(),
             facts["source"].get<std::string>());
  for (const auto& [split, counts] : facts["splits"].items()) {
    const std::string published_images = published(counts, "published", counts["kept"]);
    if (counts["rows"].get<std::int64_t>() == 0) {
      fmt::print("  {:<13} none{}\n", split, published_images);
      continue;
    }
    std::string line = fmt::format("  {:<13} {} of {} rows{}: ", split, counts["kept"].get<std::int64_t>(),
                                   counts["rows"].get<std::int64_t>(), published_images);
    const char* comma = "";
    const Json published_classes = counts.value("published_classes", Json::object());
    for (const auto& [name, n] : counts["classes"].items()) {
      line += fmt::format("{}{} {}{}", comma, name, n.get<std::int64_t>(), published(published_classes, name, n));
      comma = ", ";
    }
    for (const auto& [reason, n] : counts["dropped"].items()) {
      line += fmt::format("; left out: {} {}", n.get<std::int64_t>(), reason);
    }
    fmt::print("{}\n", line);
  }
  const auto repeats = [&facts](const char* key) { return facts[key].get<std::int64_t>(); };
  if (repeats("repeated_training_images") > 0 || repeats("test_images_of_training") > 0) {
    fmt::print("  {} training images repeat an earlier one, {} test images repeat one of training, pixel for pixel\n",
               repeats("repeated_training_images"), repeats("test_images_of_training"));
  }
  for (const Json& p : facts["problems"]) {
    fmt::print("  note: {}: {}; {}\n", p["place"].get<std::string>(), p["message"].get<std::string>(),
               p["mend"].get<std::string>());
  }
}

bool is_of_clips(const DatasetChoice& choice) {
  if (choice.dataset.empty()) return holds_clips(choice.data);
  return choice.dataset == "casme" || choice.dataset == "casme2" || choice.dataset == "samm";
}

void run_lint(const DatasetChoice& choice, ClipChoice clips, const Common& common) {
  std::error_code ignored;
  if (std::filesystem::is_directory(choice.data, ignored)) io::require_listable(choice.data);
  if (is_of_clips(choice)) {
    clips.dataset = choice.dataset;
    clips.data = choice.data;
    const Json facts = clip_facts(clips, common);
    if (common.json) {
      print_json({{"schema", kSchema}, {"data", choice.data}, {"datasets", Json::array({facts})}});
    } else {
      print_clip_facts(facts);
    }
    refuse_bad_frames(clips, facts);
    return;
  }
  std::vector<std::string> found{choice.dataset};
  if (choice.dataset.empty()) found = datasets_at(choice.data);
  Json datasets = Json::array();
  for (const std::string& dataset : found) {
    const DatasetChoice one{dataset, choice.data, {}, choice.no_cache};
    const std::vector<std::string> rules =
        dataset == "ferplus" ? std::vector<std::string>{"strict", "soft"} : std::vector<std::string>{""};
    for (const std::string& rule : rules) datasets.push_back(facts_of(dataset, read_dataset(one, rule, common)));
  }
  if (common.json) {
    print_json({{"schema", kSchema}, {"data", choice.data}, {"datasets", datasets}});
  } else {
    for (const Json& facts : datasets) print_facts(facts);
  }
}

}  // namespace

void add_data_lint(OptionSet& data, Common& common, Verbs& verbs) {
  OptionSet& verb = data.add_verb(
      "lint",
      "Reads a data set whole and says how many images (or videos, beside the published numbers) each split and\n"
      "class has, what was left out and why, and what is odd. Bad data end with exit code 3 and a line that names "
      "file\n"
      "and row.",
      {"shcnn data lint DIR", "shcnn data lint --json fer2013.csv", "shcnn data lint CASME2 --classes all"});
  auto choice = std::make_shared<DatasetChoice>();
  auto clips = std::make_shared<ClipChoice>();
  verb.add_option("path", choice->data, "folder or CSV file");
  verb.add_option("--dataset", choice->dataset, "fer2013, ferplus, faces, casme, casme2 or samm; default: detected");
  verb.add_flag("--no-cache", choice->no_cache, "neither write nor read the packed copy beside the data");
  add_clip_options(verb, *clips);
  add_common(verb, common, false);
  verbs.push_back({&verb,
                   [choice, clips, &common] {
                     if (choice->data.empty())
                       throw Failure(ExitCode::kUsage, "data lint needs a folder or a csv file");
                     run_lint(*choice, *clips, common);
                   },
                   {}});
}

}  // namespace shcnn::program
