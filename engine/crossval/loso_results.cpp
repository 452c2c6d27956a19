#include "engine/crossval/loso_results.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/files/json_fields.h"
#include "engine/train/run_folder.h"
#include "io/files/atomic_file.h"
#include "io/files/folder_entries.h"
#include "io/formats/csv_writer.h"
#include "io/formats/json.h"

namespace shcnn {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// Schema 2 added a hash of the content and the number of skipped steps. Plans of other schemas have other hashes, so
/// their folds are never read.
constexpr int kFoldSchema = 2;
constexpr const char* kHashField = "hash";

std::string dumped(const ordered_json& json) {
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

/// Hash of the content of a fold's file without the hash field.
std::string hash_of_fold(const ordered_json& json) { return hash_of_text(dumped(json)); }

ordered_json epochs_json(const std::vector<FoldEpoch>& epochs) {
  ordered_json out = ordered_json::array();
  for (const FoldEpoch& e : epochs) {
    out.push_back({{"epoch", e.epoch},
                   {"cross_entropy", e.cross_entropy},
                   {"training_accuracy", e.accuracy},
                   {"left_out_accuracy", e.test_accuracy},
                   {"skipped_steps", e.skipped}});
  }
  return out;
}

std::vector<FoldEpoch> epochs_of(const ordered_json& json) {
  std::vector<FoldEpoch> out;
  for (const auto& e : json) {
    const int epoch = static_cast<int>(whole_number(e, "epoch", 1, std::numeric_limits<int>::max()));
    if (epoch != static_cast<int>(out.size()) + 1) throw std::out_of_range("its epochs are not in order");
    out.push_back({epoch, e.at("cross_entropy").get<double>(), e.at("training_accuracy").get<double>(),
                   e.at("left_out_accuracy").get<double>(), whole_number(e, "skipped_steps", 0)});
  }
  return out;
}

ordered_json confusion_rows(const Confusion& c) {
  ordered_json rows = ordered_json::array();
  for (int truth = 0; truth < c.classes; ++truth) {
    ordered_json row = ordered_json::array();
    for (int predicted = 0; predicted < c.classes; ++predicted) row.push_back(c.at(truth, predicted));
    rows.push_back(row);
  }
  return rows;
}

ordered_json scores_json(const LosoPlan& plan, const SeedConfusions& seeds) {
  Confusion sum(static_cast<int>(plan.class_names.size()));
  for (const Confusion& c : seeds) sum.add(c);
  ordered_json out = ordered_json::object();
  const std::pair<const char*, double (Confusion::*)() const> kScores[] = {{"accuracy", &Confusion::accuracy},
                                                                           {"uf1", &Confusion::uf1},
                                                                           {"uar", &Confusion::uar},
                                                                           {"weighted_f1", &Confusion::weighted_f1}};
  out["correct"] = seeds.front().correct();
  out["videos"] = seeds.front().total();
  for (const auto& [name, score] : kScores) out[name] = (seeds.front().*score)();
  if (seeds.size() > 1) {  // "correct" and the scores above are those of the first seed
    ordered_json over = ordered_json::object();
    over["seeds"] = seeds.size();
    for (const auto& [name, score] : kScores) {
      const Spread s = spread(seeds, score);
      double low = (seeds.front().*score)(), high = low;
      for (const Confusion& c : seeds) {
        low = std::min(low, (c.*score)());
        high = std::max(high, (c.*score)());
      }
      over[name] = {{"mean", s.mean}, {"deviation", s.deviation}, {"least", low}, {"most", high}};
    }
    out["over_seeds"] = over;
  }
  ordered_json classes = ordered_json::array();
  const Confusion& first = seeds.front();
  for (int c = 0; c < first.classes; ++c) {
    classes.push_back({{"class", plan.class_names[static_cast<std::size_t>(c)]},
                       {"videos", first.of_truth(c)},
                       {"precision", first.precision(c)},
                       {"recall", first.recall(c)},
                       {"f1", first.f1(c)}});
  }
  out["per_class"] = classes;
  out["confusion"] = confusion_rows(first);
  return out;
}

}  // namespace

fs::path fold_file(const fs::path& run, std::size_t task) {
  char name[32];
  std::snprintf(name, sizeof name, "task-%04zu.json", task);
  return run / "folds" / name;
}

fs::path fold_weights(const fs::path& run, std::size_t task) {
  return (run / "weights" / fold_file(run, task).filename()).replace_extension(".safetensors");
}

std::string fold_text(const LosoPlan& plan, const FoldResult& result) {
  const LosoTask& task = plan.tasks[result.task];
  std::int64_t training_images = 0, test_images = 0;
  std::set<std::string> training_subjects, test_subjects;
  for (const std::size_t i : task.training) {
    training_images += plan.clips[i].images;
    training_subjects.insert(plan.clips[i].subject);
  }
  for (const std::size_t i : task.test) {
    test_images += plan.clips[i].images;
    test_subjects.insert(plan.clips[i].subject);
  }
  ordered_json chosen = ordered_json::object(), clips = ordered_json::array();
  for (const auto& [selection, epoch] : result.chosen) chosen[to_string(selection)] = epoch;
  for (std::size_t i = 0; i < task.test.size(); ++i) {
    const PlannedClip& clip = plan.clips[task.test[i]];
    ordered_json one = {{"name", clip.name}, {"truth", clip.truth}};
    for (const auto& [selection, vote] : result.votes[i]) {
      one[to_string(selection)] = {{"counts", vote.counts},
                                   {"majority", vote.majority},
                                   {"tie", vote.tie},
                                   {"sum_logits", vote.sum_logits},
                                   {"sum_softmax", vote.sum_softmax}};
    }
    clips.push_back(one);
  }
  ordered_json json = {
      {"schema", kFoldSchema},
      {"plan", plan.hash},
      {"task", result.task},
      {"fold", task.fold},
      {"seed", task.seed},
      {"name", task.name},
      {"training",
       {{"subjects", training_subjects.size()}, {"clips", task.training.size()}, {"images", training_images}}},
      {"test", {{"subjects", test_subjects.size()}, {"clips", task.test.size()}, {"images", test_images}}},
      {"inner_subject", task.inner_subject},
      {"chosen_epoch", chosen},
      {"clips", clips},
      {"epochs", epochs_json(result.epochs)},
      {"inner_epochs", epochs_json(result.inner_epochs)}};
  if (result.neutral >= 0) json["images_seen_as_neutral"] = result.neutral;
  json[kHashField] = hash_of_fold(json);
  return dumped(json);
}

namespace {

/// Throws std::out_of_range unless the result is consistent, as FoldWorker guarantees: votes must agree with the counts
/// of images, and the accuracies of the chosen epochs with the votes. A valid hash is not enough, because it can be
/// computed for any content.
void check_fits(const LosoPlan& plan, const FoldResult& result) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::out_of_range(what);
  };
  const LosoTask& task = plan.tasks[result.task];
  const bool direct = plan.setting("pretrained") == to_string(Pretrained::kDirect);
  std::set<Selection> due = {Selection::kLast};
  if (!direct) due.insert(Selection::kOracle);
  if (!task.inner_subject.empty()) due.insert(Selection::kInner);
  std::set<Selection> there;
  for (const auto& [selection, epoch] : result.chosen) there.insert(selection);
  require(there == due, "it lacks a way of choosing the epoch, or has one too many");
  require(direct == result.epochs.empty() && task.inner_subject.empty() == result.inner_epochs.empty() &&
              (result.inner_epochs.empty() || result.inner_epochs.size() == result.epochs.size()),
          "its epochs are not those of the plan");

  std::int64_t images = 0;
  for (std::size_t i = 0; i < task.test.size(); ++i) {
    const PlannedClip& clip = plan.clips[task.test[i]];
    images += clip.images;
    for (const auto& [selection, vote] : result.votes[i]) {
      std::int64_t left = clip.images;  // subtracting cannot overflow
      bool fits = vote.counts.size() == plan.class_names.size();
      for (const std::int64_t count : vote.counts) {
        fits = fits && count >= 0 && count <= left;
        left -= fits ? count : 0;
      }
      const std::string place = "clip '" + clip.name + "', " + to_string(selection) + ": ";
      require(fits && left == 0, place + "its counts are not those of " + std::to_string(clip.images) + " images");
      const std::int64_t most = *std::max_element(vote.counts.begin(), vote.counts.end());
      require(vote.counts[static_cast<std::size_t>(vote.majority)] == most &&
                  vote.tie == (std::count(vote.counts.begin(), vote.counts.end(), most) > 1),
              place + "its majority does not follow from its counts");
    }
  }
  require(direct ? result.neutral >= 0 && result.neutral <= images : result.neutral == -1,
          "its neutral images are not those of the task");
  for (const auto& [selection, epoch] : result.chosen) {
    require(direct ? epoch == 0 : epoch >= 1 && epoch <= static_cast<int>(result.epochs.size()),
            "the epoch of '" + to_string(selection) + "' was not trained");
    if (direct || selection == Selection::kInner) continue;  // the inner training's accuracy is measured on other clips
    const Vote vote = vote_from_string(plan.setting("vote"));
    std::size_t correct = 0;
    for (std::size_t i = 0; i < task.test.size(); ++i) {
      correct += result.votes[i].at(selection).by(vote) == plan.clips[task.test[i]].truth ? 1 : 0;
    }
    require(result.epochs[static_cast<std::size_t>(epoch - 1)].test_accuracy ==
                static_cast<double>(correct) / static_cast<double>(task.test.size()),
            "the accuracy of '" + to_string(selection) + "' does not follow from the votes");
  }
}

}  // namespace

FoldResult read_fold(const fs::path& path, const LosoPlan& plan) {
  constexpr const char* kRemedy = "remove it to have the fold run again";
  auto json = io::read_json<ordered_json>({path, "", io::ErrorKind::kBadData, kRemedy});
  FoldResult out;
  try {
    if (json.at("plan").get<std::string>() != plan.hash) {
      throw io::Error(io::ErrorKind::kUsage, path, "", "was made with another configuration or other data",
                      "remove it to have the fold run again, or name another --out");
    }
    whole_number(json, "schema", kFoldSchema, kFoldSchema);
    const std::string hash = json.at(kHashField).get<std::string>();
    json.erase(kHashField);
    if (hash != hash_of_fold(json)) throw std::out_of_range("its hash does not hold");
    out.task =
        static_cast<std::size_t>(whole_number(json, "task", 0, static_cast<std::int64_t>(plan.tasks.size()) - 1));
    const LosoTask& task = plan.tasks[out.task];
    for (const auto& [name, epoch] : json.at("chosen_epoch").items()) {
      const Selection selection = selection_from_string(name);
      out.chosen[selection] =
          static_cast<int>(whole_number(json.at("chosen_epoch"), name.c_str(), 0, std::numeric_limits<int>::max()));
    }
    const ordered_json& clips = json.at("clips");
    if (clips.size() != task.test.size()) throw std::out_of_range("its clips are not those of the task");
    const auto classes = static_cast<std::int64_t>(plan.class_names.size());
    for (std::size_t i = 0; i < clips.size(); ++i) {
      const PlannedClip& clip = plan.clips[task.test[i]];
      if (clips[i].at("name").get<std::string>() != clip.name) {
        throw std::out_of_range("its clips are not those of the task");
      }
      whole_number(clips[i], "truth", clip.truth, clip.truth);
      std::map<Selection, ClipVote> votes;
      for (const auto& [selection, epoch] : out.chosen) {
        const ordered_json& v = clips[i].at(to_string(selection));
        ClipVote vote;
        vote.counts = v.at("counts").get<std::vector<std::int64_t>>();
        vote.majority = static_cast<std::int32_t>(whole_number(v, "majority", 0, classes - 1));
        vote.tie = v.at("tie").get<bool>();
        vote.sum_logits = static_cast<std::int32_t>(whole_number(v, "sum_logits", 0, classes - 1));
        vote.sum_softmax = static_cast<std::int32_t>(whole_number(v, "sum_softmax", 0, classes - 1));
        votes[selection] = vote;
      }
      out.votes.push_back(std::move(votes));
    }
    out.epochs = epochs_of(json.at("epochs"));
    out.inner_epochs = epochs_of(json.at("inner_epochs"));
    if (json.contains("images_seen_as_neutral")) {
      out.neutral = whole_number(json, "images_seen_as_neutral", 0);
    }
    check_fits(plan, out);
  } catch (const io::Error&) {
    throw;
  } catch (const std::exception& e) {
    throw io::Error(io::ErrorKind::kBadData, path, "", "is no result of a fold (" + plain_reason(e) + ")", kRemedy);
  }
  return out;
}

std::vector<FoldResult> read_folds(const fs::path& run, const LosoPlan& plan) {
  if (!fs::exists(run / "folds")) return {};
  std::map<std::size_t, std::pair<fs::path, FoldResult>> by_task;
  for (const fs::path& path : io::folder_entries(run / "folds")) {
    if (path.extension() != ".json") continue;
    FoldResult result = read_fold(path, plan);
    const std::size_t task = result.task;
    const auto [entry, fresh] = by_task.try_emplace(task, path, std::move(result));
    if (!fresh) {
      throw io::Error(io::ErrorKind::kUsage, path, "",
                      "holds fold " + std::to_string(task) + ", and so does " + entry->second.first.filename().string(),
                      "remove one of the two");
    }
  }
  std::vector<FoldResult> out;
  for (auto& [task, found] : by_task) out.push_back(std::move(found.second));
  return out;
}

std::string missing_folds(const LosoPlan& plan, const std::vector<FoldResult>& folds) {
  constexpr std::size_t kShown = 8;
  std::set<std::size_t> there;
  for (const FoldResult& fold : folds) there.insert(fold.task);
  std::string names;
  std::size_t count = 0;
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) {
    if (there.contains(t) || ++count > kShown) continue;
    names += (names.empty() ? "" : ", ") + std::to_string(t) + " (" + plan.tasks[t].name + ")";
  }
  if (count == 0) return "";
  return std::to_string(count) + " of " + std::to_string(plan.tasks.size()) + " folds are missing: " + names +
         (count > kShown ? ", ..." : "");
}

LosoSummary add_up(const LosoPlan& plan, std::vector<FoldResult> folds) {
  LosoSummary out;
  out.folds = std::move(folds);
  const std::uint64_t first_seed = plan.tasks.front().seed;
  const auto seeds = static_cast<std::size_t>(plan.tasks.back().seed - first_seed + 1);
  const auto classes = static_cast<int>(plan.class_names.size());
  for (const FoldResult& fold : out.folds) {
    const LosoTask& task = plan.tasks[fold.task];
    if (fold.neutral >= 0) {
      out.neutral = std::max<std::int64_t>(out.neutral, 0) + fold.neutral;
      for (const std::size_t i : task.test) out.neutral_of += plan.clips[i].images;
    }
    for (std::size_t i = 0; i < task.test.size(); ++i) {
      for (const auto& [selection, vote] : fold.votes[i]) {
        for (const Vote kind : kVotes) {
          SeedConfusions& confusions = out.confusions[selection][kind];
          confusions.resize(seeds, Confusion(classes));
          ++confusions[task.seed - first_seed].at(plan.clips[task.test[i]].truth, vote.by(kind));
        }
      }
    }
  }
  return out;
}

LosoSummary merge_folds(const fs::path& run, const LosoPlan& plan) {
  std::vector<FoldResult> folds = read_folds(run, plan);
  const std::string missing = missing_folds(plan, folds);
  if (!missing.empty()) {
    throw io::Error(io::ErrorKind::kUsage, run, "", missing, "run them with shcnn loso run");
  }
  return add_up(plan, std::move(folds));
}

Spread spread(const SeedConfusions& confusions, double (Confusion::*value)() const) {
  Spread out;
  const auto n = static_cast<double>(confusions.size());
  for (const Confusion& c : confusions) out.mean += (c.*value)() / n;
  double squares = 0;
  for (const Confusion& c : confusions) squares += ((c.*value)() - out.mean) * ((c.*value)() - out.mean);
  out.deviation = confusions.size() > 1 ? std::sqrt(squares / (n - 1)) : 0;
  return out;
}

void write_summary(const fs::path& run, const LosoPlan& plan, const LosoSummary& summary) {
  ordered_json config = ordered_json::object(), scores = ordered_json::object(), clips = ordered_json::array();
  std::string headline_vote = "majority";
  for (const auto& [name, value] : plan.config) {
    config[name] = value;
    if (name == "vote") headline_vote = value;
  }
  for (const auto& [selection, by_vote] : summary.confusions) {
    for (const auto& [vote, seeds] : by_vote) scores[to_string(selection)][to_string(vote)] = scores_json(plan, seeds);
  }
  std::set<std::string> subjects;
  for (const PlannedClip& clip : plan.clips) subjects.insert(clip.subject);
  for (const FoldResult& fold : summary.folds) {
    const LosoTask& task = plan.tasks[fold.task];
    for (std::size_t i = 0; i < task.test.size(); ++i) {
      const PlannedClip& clip = plan.clips[task.test[i]];
      ordered_json one = {
          {"name", clip.name}, {"seed", task.seed}, {"truth", plan.class_names[static_cast<std::size_t>(clip.truth)]}};
      for (const auto& [selection, vote] : fold.votes[i]) {
        one[to_string(selection)] =
            plan.class_names[static_cast<std::size_t>(vote.by(vote_from_string(headline_vote)))];
      }
      clips.push_back(one);
    }
  }
  ordered_json whole = {{"schema", 1},
                        {"plan", plan.hash},
                        {"dataset", plan.dataset},
                        {"classes_of", plan.classes_of},
                        {"labels", plan.class_names},
                        {"videos", plan.clips.size()},
                        {"subjects", subjects.size()},
                        {"folds", plan.folds()},
                        {"config", config},
                        {"scores", scores}};
  if (summary.neutral >= 0) {
    whole["images_seen_as_neutral"] = {{"images", summary.neutral}, {"of", summary.neutral_of}};
  }
  whole["predictions"] = clips;
  const auto write = [&](const std::string& name, const std::string& text) {
    io::write_file(run / name, text, io::Overwrite::kYes);
  };
  write("results.json", dumped(whole));

  const Vote vote = vote_from_string(headline_vote);
  const auto header = [](std::initializer_list<const char*> names) {
    io::CsvWriter csv;
    for (const char* name : names) csv.field(name);
    csv.end_row();
    return csv;
  };
  for (const auto& [selection, by_vote] : summary.confusions) {
    const Confusion& c = by_vote.at(vote).front();
    write_confusion(run / ("confusion-" + to_string(selection) + ".csv"), c, plan.class_names);
    io::CsvWriter table = header({"class", "videos", "predicted", "precision", "recall", "f1"});
    for (int k = 0; k < c.classes; ++k) {
      table.field(plan.class_names[static_cast<std::size_t>(k)]).field(c.of_truth(k)).field(c.of_predicted(k));
      table.fixed(c.precision(k), 4).fixed(c.recall(k), 4).fixed(c.f1(k), 4).end_row();
    }
    write("per-class-" + to_string(selection) + ".csv", table.text());
  }
  io::CsvWriter curves = header({"task", "fold", "seed", "name", "training", "epoch", "cross_entropy",
                                 "training_accuracy", "left_out_accuracy", "skipped_steps"});
  for (const FoldResult& fold : summary.folds) {
    const LosoTask& task = plan.tasks[fold.task];
    for (const bool inner : {false, true}) {
      for (const FoldEpoch& e : inner ? fold.inner_epochs : fold.epochs) {
        curves.field(fold.task).field(task.fold).field(task.seed).field(task.name);
        curves.field(inner ? "without the inner subject" : "whole").field(e.epoch);
        curves.significant(e.cross_entropy, 9).significant(e.accuracy, 9).significant(e.test_accuracy, 9);
        curves.field(e.skipped).end_row();
      }
    }
  }
  write("curves.csv", curves.text());
}

}  // namespace shcnn
