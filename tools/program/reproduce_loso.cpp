// shcnn reproduce table6 .. table10 (micro-expressions): the paper's rows beside ours, for each way of choosing epochs.
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/program/loso_session.h"
#include "tools/program/paper_tables.h"
#include "tools/program/reproduce.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

/// One row of Tables 6 to 8.
struct Row {
  const char* name;    ///< as in the paper
  const char* folder;  ///< folder of the run, below --out
  void (*change)(TrainConfig&);
};
constexpr Row kRows[] = {{"ours", "ours", [](TrainConfig&) {}},
                         {"without regularization", "no-regularization", [](TrainConfig& c) { c.l2 = 0; }},
                         {"dropout = 0.2", "dropout-0.2", [](TrainConfig& c) { c.dropout = 0.2; }}};

/// Plan and scores of one finished configuration.
struct Outcome {
  LosoPlan plan;
  LosoSummary summary;
  Vote vote;
};
Outcome run_one(const LosoArguments& args, const Common& common) {
  LosoSession session(args, common);
  session.check_run();
  session.place();
  session.run();
  return {session.plan(), session.finish(), session.config().vote};
}

/// Checks all rows in advance, so that a late row does not fail after earlier ones have run for hours.
void check_all(const std::vector<LosoArguments>& rows, const Common& common) {
  for (const LosoArguments& row : rows) LosoSession(row, common).check_run();
}

std::string cell(const Outcome& outcome, Selection selection) {
  const auto found = outcome.summary.confusions.find(selection);
  if (found == outcome.summary.confusions.end()) return "-";
  const Confusion& c = found->second.at(outcome.vote).front();
  return fmt::format("{:.4f} / {:.4f}", c.accuracy(), c.uf1());
}

Json scores_of(const Outcome& outcome) {
  Json out = Json::object();
  for (const auto& [selection, by_vote] : outcome.summary.confusions) {
    const Confusion& c = by_vote.at(outcome.vote).front();
    out[to_string(selection)] = {{"accuracy", c.accuracy()},
                                 {"uf1", c.uf1()},
                                 {"uar", c.uar()},
                                 {"correct", c.correct()},
                                 {"videos", c.total()}};
  }
  return out;
}

std::string protocol_line(const Outcome& outcome) {
  std::size_t subjects = 0;
  for (const LosoTask& task : outcome.plan.tasks) {
    if (task.seed == outcome.plan.tasks.front().seed) ++subjects;
  }
  return fmt::format(
      "protocol: leave one subject out, {} folds, {} videos; F1 is UF1 from counts pooled over folds. The paper "
      "chooses\n"
      "each fold's epoch on the left-out subject (ORACLE); 'last' is a fixed number of epochs, 'inner' chooses on a\n"
      "training subject.",
      subjects, outcome.plan.clips.size());
}

void run_table(const PaperClips& clips, const LosoArguments& args, const Common& common) {
  std::vector<LosoArguments> rows;
  for (const Row& row : kRows) {
    LosoArguments one = args;
    one.clips.dataset = clips.dataset;
    one.out = (fs::path(args.out) / row.folder).string();
    if (one.cache.empty()) one.cache = (fs::path(args.out) / "images").string();  // rows share the same images
    one.changes.push_back(row.change);
    rows.push_back(std::move(one));
  }
  check_all(rows, common);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    remark(common, fmt::format("table {}: {}", clips.table, kRows[i].name));
    outcomes.push_back(run_one(rows[i], common));
  }
  if (common.json) {
    Json shown = Json::array();
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const PaperScore& paper = paper_score(clips.table, kRows[i].name);
      shown.push_back({{"row", paper.row},
                       {"paper", {{"accuracy", paper.accuracy}, {"uf1", paper.f1}}},
                       {"ours", scores_of(outcomes[i])}});
    }
    print_json({{"schema", kSchema}, {"table", clips.table}, {"dataset", clips.dataset}, {"rows", shown}});
    return;
  }
  fmt::print("Table {}. {} (accuracy / F1)\n{}\n\n", clips.table, clips.title, protocol_line(outcomes.front()));
  fmt::print("{:<24} {:>16}   {:>16} {:>16} {:>16}\n", "", "paper", "ours: last", "inner", "ORACLE");
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const PaperScore& paper = paper_score(clips.table, kRows[i].name);
    fmt::print("{:<24} {:>16}   {:>16} {:>16} {:>16}\n", paper.row,
               fmt::format("{:.4f} / {:.4f}", paper.accuracy, paper.f1), cell(outcomes[i], Selection::kLast),
               cell(outcomes[i], Selection::kInner), cell(outcomes[i], Selection::kOracle));
  }
}

void run_table9(const LosoArguments& args, const Common& common) {
  LosoArguments one = args;
  one.clips.dataset = "samm";
  one.out = (fs::path(args.out) / "ours").string();  // shares the run of Table 8's row
  if (one.cache.empty()) one.cache = (fs::path(args.out) / "images").string();
  if (LosoSession(one, common).plan().class_names.size() != 3) {
    throw Failure(ExitCode::kUsage, "table9 has three classes: leave --classes at paper");
  }
  const Outcome outcome = run_one(one, common);
  Json matrices = Json::object();
  for (const auto& [selection, by_vote] : outcome.summary.confusions) {
    const Confusion& c = by_vote.at(outcome.vote).front();
    Json rows = Json::array();
    for (int t = 0; t < 3; ++t) rows.push_back({c.at(t, 0), c.at(t, 1), c.at(t, 2)});
    matrices[to_string(selection)] = rows;
  }
  if (common.json) {
    print_json({{"schema", kSchema},
                {"table", 9},
                {"labels", outcome.plan.class_names},
                {"paper", kPaperSamm},
                {"ours", matrices}});
    return;
  }
  fmt::print("Table 9. Confusion matrix of SAMM; rows are the true class\n{}\n\n", protocol_line(outcome));
  fmt::print("{:<10} {:>14}", "", "paper");
  for (const auto& [selection, rows] : matrices.items())
    fmt::print(" {:>14}", selection == "oracle" ? "ORACLE" : selection);
  fmt::print("\n");
  for (int t = 0; t < 3; ++t) {
    fmt::print("{:<10} {:>14}", outcome.plan.class_names[static_cast<std::size_t>(t)],
               fmt::format("{} {} {}", kPaperSamm[t][0], kPaperSamm[t][1], kPaperSamm[t][2]));
    for (const auto& [selection, rows] : matrices.items()) {
      fmt::print(" {:>14}",
                 fmt::format("{} {} {}", rows[t][0].get<int>(), rows[t][1].get<int>(), rows[t][2].get<int>()));
    }
    fmt::print("\n");
  }
}

// --- Table 10 --------------------------------------------------------------------------------------------------------

struct Sets {
  std::string folders[3];
};

void run_table10(const Sets& sets, const LosoArguments& args, const Common& common) {
  struct GroupOfSet {
    const PaperGroup& group;
    int set;
  };
  std::optional<Weights> lent;
  if (!args.weights.empty()) lent = load_weights(args.weights);
  std::vector<GroupOfSet> groups;
  std::vector<LosoArguments> rows;
  for (int set = 0; set < 3; ++set) {
    if (sets.folders[set].empty()) continue;
    for (const PaperGroup& group : paper_groups()) {
      if (group.pretrained != Pretrained::kNone && args.weights.empty()) continue;
      LosoArguments one = args;
      one.clips.dataset = kPaperClips[set].dataset;
      one.data = {sets.folders[set]};
      one.out = (fs::path(args.out) / kPaperClips[set].dataset / group.folder).string();
      one.cache = args.cache.empty() ? (fs::path(args.out) / "images").string() : args.cache;
      one.input = to_string(group.input);
      one.pretrained = to_string(group.pretrained);
      if (group.pretrained == Pretrained::kNone) {
        one.weights.clear();
      } else {  // given settings are for the other groups: pretrained layers keep their own settings
        one.changes.push_back([&lent](TrainConfig& c) {
          c.model.slope = lent->model.slope;
          c.input_scale = lent->input_scale;
        });
      }
      groups.push_back({group, set});
      rows.push_back(std::move(one));
    }
  }
  if (rows.empty()) throw Failure(ExitCode::kUsage, "table10 needs --casme, --casme2 or --samm: a folder of clips");
  check_all(rows, common);
  Json all = Json::array();
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [group, set] = groups[i];
    remark(common, fmt::format("table 10: {}, {}", kPaperClips[set].dataset, group.name));
    const Outcome outcome = run_one(rows[i], common);
    const int correct = group.correct[set], videos = kPaperClips[set].videos;
    all.push_back({{"dataset", kPaperClips[set].dataset},
                   {"group", group.name},
                   {"paper", fmt::format("{}/{}", correct, videos)},
                   {"ours", scores_of(outcome)}});
    const auto share = [&](Selection selection) {
      const auto found = outcome.summary.confusions.find(selection);
      if (found == outcome.summary.confusions.end()) return std::string("-");
      const Confusion& c = found->second.at(outcome.vote).front();
      return fmt::format("{}/{} ({:.4f})", c.correct(), c.total(), c.accuracy());
    };
    text += fmt::format("{:<8} {:<27} {:>18}   {:>18} {:>18} {:>18}\n", kPaperClips[set].dataset, group.name,
                        fmt::format("{}/{} ({:.4f})", correct, videos, static_cast<double>(correct) / videos),
                        share(Selection::kLast), share(Selection::kInner), share(Selection::kOracle));
    if (outcome.summary.neutral >= 0) {
      text += fmt::format("{:<8} {} of {} images seen as neutral; the paper: about 95 %\n", "", outcome.summary.neutral,
                          outcome.summary.neutral_of);
    }
  }
  if (common.json) {
    print_json({{"schema", kSchema}, {"table", 10}, {"rows", all}});
    return;
  }
  fmt::print(
      "Table 10. Correct videos, with and without optical flow; leave one subject out. The paper says of B \"using "
      "the\n"
      "pretrained weights from FERPlus\", which can be read in three ways: each stands here by its name.{}\n\n",
      args.weights.empty() ? "\nWithout --weights, a network of faces trained on FER+, group B is left out."
                           : "\nGroup B has the slope and the input scale that its weights were trained with.");
  fmt::print("{:<8} {:<27} {:>18}   {:>18} {:>18} {:>18}\n{}", "", "", "paper", "ours: last", "inner", "ORACLE", text);
}

}  // namespace

void add_loso_tables(OptionSet& reproduce, Common& common, Verbs& verbs) {
  const auto add = [&](const std::string& name, const std::string& what, const std::string& example, bool one_set,
                       const std::function<void(const LosoArguments&, const Common&)>& run,
                       const std::function<void(OptionSet&)>& more) {
    OptionSet& verb = reproduce.add_verb(name, what, {example});
    auto args = std::make_shared<LosoArguments>();
    if (one_set) {
      verb.add_option("--data", args->data, "the folder of the clips").values(1);
    }
    verb.add_option("--out", args->out, "output folder of the runs; finished ones are not repeated");
    verb.add_option("--jobs", args->jobs, "folds to run at the same time").show_default().range(1, 256);
    if (more) more(verb);
    add_loso_settings(verb, *args, common);
    add_common(verb, common, true);
    verbs.push_back({&verb,
                     [&verb, args, one_set, run, &common] {
                       if (one_set) require_option(verb, "--data", "the folder of the clips");
                       require_option(verb, "--out", "the folder to write the runs to");
                       run(*args, common);
                     },
                     [&verb, args, &common] { show_resolved_loso(verb, *args, common); }});
  };
  for (const PaperClips& clips : kPaperClips) {
    add(fmt::format("table{}", clips.table),
        fmt::format("{}, leaving one subject out: ours, without regularization, dropout 0.2.", clips.title),
        fmt::format("shcnn reproduce table{} --data {} --out DIR", clips.table, clips.dataset), true,
        [&clips](const LosoArguments& args, const Common& c) { run_table(clips, args, c); }, {});
  }
  add("table9", "The confusion matrix of SAMM.", "shcnn reproduce table9 --data SAMM --out DIR", true, run_table9, {});
  auto sets = std::make_shared<Sets>();
  add(
      "table10", "Frames without pretraining (A), frames through FER+ weights (B, in three readings) and optical flow.",
      "shcnn reproduce table10 --casme2 CASME2 --samm SAMM --weights ferplus.safetensors --out DIR", false,
      [sets](const LosoArguments& args, const Common& c) { run_table10(*sets, args, c); },
      [sets](OptionSet& verb) {
        for (int set = 0; set < 3; ++set) {
          verb.add_option(std::string("--") + kPaperClips[set].dataset, sets->folders[set],
                          "folder of the clips of this data set");
        }
      });
}

}  // namespace shcnn::program
