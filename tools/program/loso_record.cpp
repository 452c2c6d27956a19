#include "tools/program/loso_record.h"

namespace shcnn::program {

Confusion LosoRecord::confusion_of(const FoldResult& fold, Selection selection) const {
  Confusion out(static_cast<int>(plan.class_names.size()));
  const LosoTask& task = plan.tasks[fold.task];
  for (std::size_t i = 0; i < task.test.size(); ++i) {
    const auto vote_of = fold.votes[i].find(selection);
    if (vote_of != fold.votes[i].end()) ++out.at(plan.clips[task.test[i]].truth, vote_of->second.by(vote));
  }
  return out;
}

std::vector<std::size_t> LosoRecord::whole_seeds() const {
  std::vector<int> folds(seeds(), 0);
  for (const FoldResult& fold : summary.folds) ++folds[plan.tasks[fold.task].seed - first_seed()];
  std::vector<std::size_t> out;
  for (std::size_t s = 0; s < folds.size(); ++s) {
    if (folds[s] == plan.folds()) out.push_back(s);
  }
  return out;
}

LosoRecord read_loso_run(const std::filesystem::path& path) {
  LosoRecord run;
  run.path = path;
  run.plan = read_plan(path / "plan.json");
  std::vector<FoldResult> folds = read_folds(path, run.plan);
  run.missing = missing_folds(run.plan, folds);
  if (!folds.empty()) run.shown = static_cast<std::size_t>(run.plan.tasks[folds.front().task].seed - run.first_seed());
  run.summary = add_up(run.plan, std::move(folds));
  run.merged = std::filesystem::exists(path / "results.json");
  run.vote = vote_from_string(run.plan.setting("vote"));
  run.headline = selection_from_string(run.plan.setting("select"));
  if (!run.empty() && !run.summary.confusions.contains(run.headline))
    run.headline = run.summary.confusions.begin()->first;
  return run;
}

}  // namespace shcnn::program
