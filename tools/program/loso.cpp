// shcnn loso plan|run|merge: leave-one-subject-out cross-validation on clips of micro-expressions.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "io/files/atomic_file.h"
#include "tools/program/config_file.h"
#include "tools/program/loso_session.h"
#include "tools/program/results.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

/// Takes options that were not given from RUN/config.toml, and shows the values that the recipe sets.
void resolve_options(OptionSet& verb, const LosoArguments& args, const Common& common) {
  if (!common.force && common.config.empty() && !args.out.empty()) {
    const fs::path stored = fs::path(args.out) / kConfigFile;
    const fs::path plan = fs::path(args.out) / "plan.json";
    if (fs::exists(plan)) refuse_other_schema(plan, read_plan_text(plan));
    if (fs::exists(stored)) apply_config_file(verb, stored.string());
  }
  show_resolved_loso(verb, args, common);
}

[[noreturn]] void no_such_run(const std::string& out, const std::string& remedy) {
  throw Failure(ExitCode::kUsage, out + ": no such run; " + remedy);
}

void require_data(const OptionSet& verb, const LosoArguments& args) {
  require_option(verb, "--out", "the folder to write the run to");
  if (args.clips.dataset.empty() && args.data.empty() && !fs::exists(fs::path(args.out) / kConfigFile)) {
    no_such_run(args.out, "name an earlier run's folder, or start one with --dataset and --data");
  }
  require_option(verb, "--dataset", "casme, casme2, samm, clips or composite");
  require_option(verb, "--data", "the folder that holds the clips");
}

std::string slurm_script(const LosoPlan& plan, const std::string& out) {
  return fmt::format(
      "#!/bin/bash\n"
      "# One array task a fold: sbatch loso.sbatch. Set partition, time and memory to what your cluster has.\n"
      "#SBATCH --job-name=shcnn-loso\n"
      "#SBATCH --array=0-{}\n"
      "#SBATCH --ntasks=1\n"
      "#SBATCH --cpus-per-task=4\n"
      "#SBATCH --output=loso-%a.log\n"
      "set -euo pipefail\n"
      "shcnn loso run --out '{}' --fold \"$SLURM_ARRAY_TASK_ID\" --threads \"$SLURM_CPUS_PER_TASK\"\n"
      "# when the array is done: shcnn loso merge --out '{}'\n",
      plan.tasks.size() - 1, out, out);
}

void run_plan(const LosoArguments& args, const Common& common, bool slurm) {
  LosoSession session(args, common);
  session.place(true);  // rewrites config.toml: the data may have moved
  const LosoPlan& plan = session.plan();
  if (slurm) {
    const fs::path script = fs::path(args.out) / "loso.sbatch";
    io::write_file(script, slurm_script(plan, fs::absolute(args.out).string()), io::Overwrite::kYes);
    remark(common, "sbatch " + script.string() + " runs the folds, shcnn loso merge adds them up");
  }
  if (common.json) {
    Json tasks = Json::array();
    for (const std::size_t t : plan.longest_first()) {
      tasks.push_back({{"task", t},
                       {"name", plan.tasks[t].name},
                       {"seed", plan.tasks[t].seed},
                       {"test_clips", plan.tasks[t].test.size()},
                       {"training_clips", plan.tasks[t].training.size()}});
    }
    print_json({{"schema", kSchema},
                {"run", args.out},
                {"plan", plan.hash},
                {"videos", plan.clips.size()},
                {"labels", plan.class_names},
                {"tasks", tasks}});
    return;
  }
  fmt::print("{}: {} videos, {} classes, {} folds -> {}\n", plan.dataset, plan.clips.size(), plan.class_names.size(),
             plan.tasks.size(), args.out);
  for (const std::size_t t : plan.longest_first()) {
    const LosoTask& task = plan.tasks[t];
    fmt::print("  fold {:>3}  {:<16} seed {}  test {:>3} videos, training {:>4}{}\n", t, task.name, task.seed,
               task.test.size(), task.training.size(),
               task.inner_subject.empty() ? "" : "  epoch chosen on " + task.inner_subject);
  }
}

void show(const std::string& out, const LosoPlan& plan, const LosoSummary& summary, const Common& common) {
  if (common.json) {
    print_json(summary_json(out, plan, summary));
  } else {
    print_summary(plan, summary);
  }
  const Vote vote = vote_from_string(plan.setting("vote"));
  remark_absent_classes(common, plan.class_names, summary.confusions.begin()->second.at(vote).front());
}

void run_run(const LosoArguments& args, const Common& common) {
  LosoSession session(args, common);
  session.check_run();
  session.place();
  session.run();
  if (args.fold) {
    const std::string file = fold_file(args.out, static_cast<std::size_t>(*args.fold)).string();
    if (common.json) {
      print_json({{"schema", kSchema}, {"run", args.out}, {"fold", *args.fold}, {"file", file}});
    } else {
      fmt::print("fold {} -> {}\n", *args.fold, file);
    }
    return;
  }
  if (rank_of_environment().rank > 0) return;  // only rank 0 merges
  show(args.out, session.plan(), session.finish(), common);
}

}  // namespace

void add_loso(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& loso = app.add_verb(
      "loso",
      "Recognises micro-expressions in clips, leaving one subject out at a time. run does it all; plan and "
      "merge serve\n"
      "clusters, where folds run one by one. shcnn report RUN makes a page of it, finished or not.",
      {"shcnn loso run --dataset casme2 --data CASME2 --out RUN",
       "mpirun -n 4 shcnn loso run --dataset samm --data SAMM --out RUN",
       "shcnn loso plan --dataset casme --data CASME --out RUN --slurm"});
  loso.require_verb();
  {
    OptionSet& verb =
        loso.add_verb("plan",
                      "Reads the clips and writes RUN/plan.json: which clips each fold trains on and which it "
                      "leaves out. Runs none; run\n"
                      "makes the same plan by itself. Prints the folds, longest first.",
                      {"shcnn loso plan --dataset casme2 --data CASME2 --out RUN",
                       "shcnn loso plan --dataset casme2 --data CASME2 --out RUN --slurm"});
    auto args = std::make_shared<LosoArguments>();
    auto slurm = std::make_shared<bool>(false);
    add_loso_source(verb, *args);
    add_loso_settings(verb, *args, common);
    verb.add_flag("--slurm", *slurm, "also write RUN/loso.sbatch, a Slurm array job with one task per fold");
    add_common(verb, common, true);
    verbs.push_back({&verb,
                     [&verb, args, slurm, &common] {
                       require_data(verb, *args);
                       run_plan(*args, common, *slurm);
                     },
                     [&verb, args, &common] { resolve_options(verb, *args, common); }});
  }
  {
    OptionSet& verb = loso.add_verb(
        "run",
        "Runs the folds that RUN lacks, longest first, and adds up all of them, as merge does. A fold that is "
        "killed is\n"
        "run again by the next call; several calls on one RUN, under mpirun or by hand, share the work.",
        {"shcnn loso run --dataset casme2 --data CASME2 --out RUN", "shcnn loso run --out RUN",
         "shcnn loso run --out RUN --fold 3",
         "shcnn loso run --dataset composite --data casme2=CASME2 --data samm=SAMM --out RUN",
         "shcnn loso run --dataset samm --data SAMM --out RUN --input frames --weights ferplus.safetensors "
         "--pretrained finetune"});
    auto args = std::make_shared<LosoArguments>();
    add_loso_source(verb, *args);
    add_loso_settings(verb, *args, common);
    verb.add_option_function<int>(
        "--fold", [args](int fold) { args->fold = fold; }, "run only this fold (from 0)");
    verb.add_option("--jobs", args->jobs, "folds to run at the same time; they share the threads or the GPU")
        .show_default()
        .range(1, 256);
    verb.add_flag("--keep-weights", args->keep_weights,
                  "keep the weights of each fold in RUN/weights (150 MB each), for predict and saliency");
    add_common(verb, common, true);
    verbs.push_back({&verb,
                     [&verb, args, &common] {
                       require_data(verb, *args);
                       run_run(*args, common);
                     },
                     [&verb, args, &common] { resolve_options(verb, *args, common); }});
  }
  {
    OptionSet& verb = loso.add_verb(
        "merge",
        "Adds up the folds of RUN (after run --fold; run without it merges by itself): results.json, confusion "
        "matrices,\n"
        "scores by class and curves, as tables and pictures. Refuses gaps, folds that are there twice, and folds of\n"
        "another configuration or other data.",
        {"shcnn loso merge --out RUN"});
    auto out = std::make_shared<std::string>();
    verb.add_option("--out", *out, "RUN: folder of the run");
    add_common(verb, common, false);
    verbs.push_back({&verb,
                     [&verb, out, &common] {
                       require_option(verb, "--out", "the folder of the run");
                       const fs::path stored = fs::path(*out) / "plan.json";
                       if (!fs::exists(stored)) no_such_run(*out, "name the folder that shcnn loso run wrote");
                       const LosoPlan plan = read_plan(stored);
                       show(*out, plan, finish_run(*out, plan), common);
                     },
                     {}});
  }
}

}  // namespace shcnn::program
