#include "tools/program/report_folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "tools/program/charts.h"
#include "tools/program/loso_session.h"

namespace shcnn::program {
namespace {

constexpr std::size_t kCharts = 60;  ///< maximum number of per-fold charts

/// Mean over folds for each epoch, weighted by `weight`.
template <class Value, class Weight>
std::vector<std::pair<double, double>> mean_curve(const LosoRecord& run, const Value& value, const Weight& weight) {
  std::map<int, std::pair<double, double>> sums;
  for (const FoldResult& fold : run.summary.folds) {
    const double w = weight(run.plan.tasks[fold.task]);
    for (const FoldEpoch& e : fold.epochs) {
      sums[e.epoch].first += w * value(e);
      sums[e.epoch].second += w;
    }
  }
  std::vector<std::pair<double, double>> out;
  for (const auto& [epoch, sum] : sums) out.emplace_back(epoch, sum.first / sum.second);
  return out;
}

/// What a fold leaves out: a subject, a clip, or several subjects.
std::string left_out(const LosoPlan& plan, const LosoTask& task) {
  if (plan.setting("protocol") != "kfold") return task.name;
  std::set<std::string> subjects;
  for (const std::size_t i : task.test) subjects.insert(plan.clips[i].subject);
  return fmt::format("{}: {}", task.name, fmt::join(subjects, ", "));
}

/// UF1, or a dash if a class has no F1 (0 / 0).
std::string uf1_text(const Confusion& c) {
  for (int k = 0; k < c.classes; ++k) {
    if (!c.occurs(k)) return "\u2013";
  }
  return fmt::format("{:.4f}", c.uf1());
}

}  // namespace

void add_curves(Page& page, const LosoRecord& run) {
  page.heading("Training curves");
  const auto trained = [](const FoldResult& fold) { return !fold.epochs.empty(); };
  if (std::none_of(run.summary.folds.begin(), run.summary.folds.end(), trained)) {
    page.note("Nothing was trained: the weights classified the clips as they were.");
    return;
  }
  const double nowhere = std::nan("");
  const auto alike = [](const LosoTask&) { return 1.0; };
  const auto by_clips = [](const LosoTask& task) { return static_cast<double>(task.test.size()); };
  page.html(
      "<div class=\"charts\">" +
      line_chart("Accuracy by epoch, over all folds",
                 {{"training images, with dropout", mean_curve(
                                                        run, [](const FoldEpoch& e) { return e.accuracy; }, alike)},
                  {"left-out clips", mean_curve(
                                         run, [](const FoldEpoch& e) { return e.test_accuracy; }, by_clips)}},
                 nowhere, {520, 250, std::pair{0.0, 1.0}, true}) +
      line_chart("Cross-entropy of training images by epoch, mean of the folds",
                 {{"cross-entropy", mean_curve(
                                        run, [](const FoldEpoch& e) { return e.cross_entropy; }, alike)}},
                 nowhere) +
      "</div>");
  page.note(
      "The left-out clips are classified after every epoch. Their curve is the share of all clips that would be right "
      "had every fold stopped there: at the last epoch it is the accuracy of 'last'.");

  page.subheading(run.seeds() > 1 ? fmt::format("Each fold, seed {}", run.shown_seed()) : "Each fold");
  std::string charts =
      legend({"accuracy on training images", "accuracy on left-out clips"}) + "<div class=\"charts small\">";
  std::size_t shown = 0, in_all = 0;
  for (const FoldResult& fold : run.summary.folds) {
    const LosoTask& task = run.plan.tasks[fold.task];
    if (task.seed != run.shown_seed() || fold.epochs.empty()) continue;
    ++in_all;
    if (shown == kCharts) continue;
    ++shown;
    Series training{"training images", {}}, left{"left-out clips", {}};
    for (const FoldEpoch& e : fold.epochs) {
      training.points.emplace_back(e.epoch, e.accuracy);
      left.points.emplace_back(e.epoch, e.test_accuracy);
    }
    const auto oracle = fold.chosen.find(Selection::kOracle);
    charts +=
        line_chart(fmt::format("{} ({} {})", task.name, task.test.size(), task.test.size() == 1 ? "clip" : "clips"),
                   {training, left}, oracle == fold.chosen.end() ? nowhere : oracle->second, small_multiple());
  }
  page.html(charts + "</div>");
  page.note(
      "By epoch, from 0 to 1. Dashed: the epoch that ORACLE takes, the first of those that are best on the left-out "
      "clips.");
  if (in_all > shown) page.note(fmt::format("The first {} of {} folds; curves.csv holds all.", shown, in_all));
}

void add_fold_table(Page& page, const LosoRecord& run) {
  page.heading("Folds");
  std::map<std::size_t, const FoldResult*> results;
  for (const FoldResult& fold : run.summary.folds) results[fold.task] = &fold;
  std::vector<Selection> selections;
  for (const auto& [selection, confusions] : run.summary.confusions) selections.push_back(selection);
  const bool inner = std::find(selections.begin(), selections.end(), Selection::kInner) != selections.end();

  Table table{{"fold", "left out"}, {}, {true, false}};
  const auto column = [&table](const std::string& name, bool number) {
    table.header.push_back(escaped(name));
    table.numbers.push_back(number);
  };
  if (run.seeds() > 1) column("seed", true);
  column("clips trained on", true);
  column("clips left out", true);
  for (const Selection s : selections) column("right, " + title_of(s), true);
  if (selections.empty()) {
    column("", false);  // holds "not run yet"
  } else {
    column("accuracy, " + title_of(run.headline), true);
    column("UF1, " + title_of(run.headline), true);
  }
  for (const Selection s : selections) column("epoch, " + title_of(s), true);
  if (inner) column("inner subject", false);

  for (std::size_t t = 0; t < run.plan.tasks.size(); ++t) {
    const LosoTask& task = run.plan.tasks[t];
    std::vector<std::string> row = {fmt::format("{}", task.fold),
                                    "<span class=\"whole\">" + escaped(left_out(run.plan, task)) + "</span>"};
    if (run.seeds() > 1) row.push_back(fmt::format("{}", task.seed));
    row.push_back(fmt::format("{}", task.training.size()));
    row.push_back(fmt::format("{}", task.test.size()));
    const auto found = results.find(t);
    if (found == results.end()) {
      row.push_back("not run yet");
    } else {
      const FoldResult& fold = *found->second;
      for (const Selection s : selections) row.push_back(fmt::format("{}", run.confusion_of(fold, s).correct()));
      const Confusion c = run.confusion_of(fold, run.headline);
      row.push_back(fmt::format("{:.4f}", c.accuracy()));
      row.push_back(uf1_text(c));
      for (const Selection s : selections) {
        const auto epoch = fold.chosen.find(s);
        row.push_back(epoch == fold.chosen.end() || epoch->second == 0 ? "\u2013" : fmt::format("{}", epoch->second));
      }
      if (inner) row.push_back(escaped(task.inner_subject));
    }
    row.resize(table.header.size());
    table.rows.push_back(std::move(row));
  }
  page.html(table_html(table));
  page.note(
      "UF1 of one fold stands where every class occurs among its clips or its "
      "predictions; the scores above come from counts summed over folds, not from these.");
}

}  // namespace shcnn::program
