#include "engine/loso_results.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/run_folder.h"
#include "io/atomic_file.h"
#include "io/folder_entries.h"
#include "io/json.h"

namespace shcnn {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

ordered_json epochs_json(const std::vector<FoldEpoch>& epochs) {
  ordered_json out = ordered_json::array();
  for (const FoldEpoch& e : epochs) {
    out.push_back({{"epoch", e.epoch},
                   {"cross_entropy", e.cross_entropy},
                   {"training_accuracy", e.accuracy},
                   {"left_out_accuracy", e.test_accuracy}});
  }
  return out;
}

std::vector<FoldEpoch> epochs_of(const ordered_json& json) {
  std::vector<FoldEpoch> out;
  for (const auto& e : json) {
    out.push_back({e.at("epoch").get<int>(), e.at("cross_entropy").get<double>(),
                   e.at("training_accuracy").get<double>(), e.at("left_out_accuracy").get<double>()});
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
  if (seeds.size() > 1) {  // "correct" and the scores above are the first seed's
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
      {"schema", 1},
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
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

FoldResult read_fold(const fs::path& path, const LosoPlan& plan) {
  constexpr const char* kRemedy = "remove it to have the fold run again";
  const auto json = io::read_json<ordered_json>({path, "", io::ErrorKind::kBadData, kRemedy});
  FoldResult out;
  try {
    if (json.at("plan").get<std::string>() != plan.hash) {
      throw io::Error(io::ErrorKind::kUsage, path, "", "was made with another configuration or other data",
                      "remove it to have the fold run again, or name another --out");
    }
    out.task = json.at("task").get<std::size_t>();
    if (out.task >= plan.tasks.size()) throw std::out_of_range("task");
    const LosoTask& task = plan.tasks[out.task];
    for (const auto& [name, epoch] : json.at("chosen_epoch").items()) {
      out.chosen[selection_from_string(name)] = epoch.get<int>();
    }
    const ordered_json& clips = json.at("clips");
    if (clips.size() != task.test.size()) throw std::out_of_range("clips");
    const auto classes = static_cast<std::int32_t>(plan.class_names.size());
    for (std::size_t i = 0; i < clips.size(); ++i) {
      if (clips[i].at("name").get<std::string>() != plan.clips[task.test[i]].name) throw std::out_of_range("clips");
      std::map<Selection, ClipVote> votes;
      for (const auto& [selection, epoch] : out.chosen) {
        const ordered_json& v = clips[i].at(to_string(selection));
        ClipVote vote;
        vote.counts = v.at("counts").get<std::vector<std::int64_t>>();
        vote.majority = v.at("majority").get<std::int32_t>();
        vote.tie = v.at("tie").get<bool>();
        vote.sum_logits = v.at("sum_logits").get<std::int32_t>();
        vote.sum_softmax = v.at("sum_softmax").get<std::int32_t>();
        for (const Vote kind : kVotes) {
          if (vote.by(kind) < 0 || vote.by(kind) >= classes) throw std::out_of_range("class");
        }
        votes[selection] = vote;
      }
      out.votes.push_back(std::move(votes));
    }
    out.epochs = epochs_of(json.at("epochs"));
    out.inner_epochs = epochs_of(json.at("inner_epochs"));
    if (json.contains("images_seen_as_neutral")) out.neutral = json["images_seen_as_neutral"].get<std::int64_t>();
  } catch (const io::Error&) {
    throw;
  } catch (const std::exception& e) {
    throw io::Error(io::ErrorKind::kBadData, path, "", std::string("is no result of a fold (") + e.what() + ")",
                    kRemedy);
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
  write("results.json", whole.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n");

  const Vote vote = vote_from_string(headline_vote);
  for (const auto& [selection, by_vote] : summary.confusions) {
    const Confusion& c = by_vote.at(vote).front();
    write_confusion(run / ("confusion-" + to_string(selection) + ".csv"), c, plan.class_names);
    std::string table = "class,videos,predicted,precision,recall,f1\n";
    for (int k = 0; k < c.classes; ++k) {
      char line[160];
      std::snprintf(line, sizeof line, ",%lld,%lld,%.4f,%.4f,%.4f\n", static_cast<long long>(c.of_truth(k)),
                    static_cast<long long>(c.of_predicted(k)), c.precision(k), c.recall(k), c.f1(k));
      table += plan.class_names[static_cast<std::size_t>(k)] + line;
    }
    write("per-class-" + to_string(selection) + ".csv", table);
  }
  std::string curves = "task,fold,seed,name,training,epoch,cross_entropy,training_accuracy,left_out_accuracy\n";
  for (const FoldResult& fold : summary.folds) {
    const LosoTask& task = plan.tasks[fold.task];
    for (const bool inner : {false, true}) {
      for (const FoldEpoch& e : inner ? fold.inner_epochs : fold.epochs) {
        char line[200];
        std::snprintf(line, sizeof line, "%zu,%d,%llu,%s,%s,%d,%.9g,%.9g,%.9g\n", fold.task, task.fold,
                      static_cast<unsigned long long>(task.seed), task.name.substr(0, 60).c_str(),
                      inner ? "without the inner subject" : "whole", e.epoch, e.cross_entropy, e.accuracy,
                      e.test_accuracy);
        curves += line;
      }
    }
  }
  write("curves.csv", curves);
}

}  // namespace shcnn
