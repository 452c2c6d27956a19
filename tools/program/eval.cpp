// shcnn eval: scores trained weights on one split of a data set, combining all crops of an image.
#include <fmt/format.h>

#include <memory>

#include "engine/net/finite_scores.h"
#include "engine/train/checkpoint.h"
#include "engine/train/run_folder.h"
#include "io/files/output_folder.h"
#include "kernels/backend.h"
#include "tools/program/datasets.h"
#include "tools/program/progress.h"
#include "tools/program/results.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

/// Samples per forward pass. Constant, because matrix products of another size may sum in another order and change the
/// scores.
constexpr std::int64_t kPassSamples = 100;

struct EvalArguments {
  std::string weights, out;
  DatasetChoice data;
  std::string split = "public-test";
  std::int64_t batch = kPassSamples;  ///< accepted but ignored: see kPassSamples
};

void run_eval(const EvalArguments& args, const Common& common) {
  if (!args.out.empty()) {
    refuse_overwriting(args.out, common);
    io::require_output_file(args.out);
  }
  BackendOptions options;
  options.threads = common.threads;
  Backend backend = make_backend(common.device, options);  // first, so that an unavailable device is reported early
  const Weights weights = load_weights(args.weights);
  const LoadedSplit data = load_split(args.data, args.data.rule, args.split, common);
  remark_problems(common, data.problems);
  require_classes_of_weights(args.weights, weights.class_names, args.data.dataset, data.samples.class_names);

  const Model model = make_model(weights.model);
  const std::vector<int> crops = evaluation_crops(weights.augment, data.samples.height > model.input_size);
  Network<float> network(*backend.device, backend.context, backend.ops, model, NetworkUse::kInference, kPassSamples);
  weights.store_to(network.parameters());
  const DeviceSamples<float> samples(*backend.device, data.samples);
  Evaluator<float> evaluator(*backend.device, network, samples, crops, weights.input_scale);
  Progress progress("scoring", "images", common.talkative());
  const Evaluation evaluation =
      evaluator.run([&progress](std::int64_t done, std::int64_t total) { progress.show(done, total); });
  progress.clear();
  if (evaluation.non_finite_image >= 0) {
    const auto image = static_cast<std::size_t>(evaluation.non_finite_image);
    throw Failure(ExitCode::kNonFinite, fmt::format("{}: {}", data.samples.names[image], NonFiniteScores::kWhy));
  }

  if (!args.out.empty()) {
    write_results(args.out, data.samples, evaluation);
  }
  const Confusion& c = evaluation.confusion;
  remark_absent_classes(common, data.samples.class_names, c);
  if (common.json) {
    print_json(score_json(args.data.dataset, data, evaluation));
    return;
  }
  fmt::print("{}", confusion_table(data.samples.class_names, c));
  fmt::print("accuracy {:.4f} ({} of {})  UF1 {:.4f}  UAR {:.4f}  on {} {}, rule {}\n", c.accuracy(), c.correct(),
             c.total(), c.uf1(), c.uar(), args.data.dataset, data.split, data.rule);
}

}  // namespace

void add_eval(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb =
      app.add_verb("eval", "Scores weights on one split: confusion matrix, accuracy, UF1 (mean F1), UAR (mean recall).",
                   {"shcnn eval --weights RUN/weights.safetensors --dataset ferplus --data DIR --split private-test",
                    "shcnn eval --weights FILE --dataset fer2013 --data fer2013.csv --out results.json"});
  auto args = std::make_shared<EvalArguments>();
  verb.add_option("--weights", args->weights, "weights.safetensors of a run");
  add_dataset_options(verb, args->data);
  add_split_option(verb, "--split", args->split, "split to evaluate");
  verb.add_option("--batch", args->batch,
                  "accepted and ignored: batches always have 100 samples, so that results do not depend on it")
      .show_default()
      .range(1, 65536);
  verb.add_option("--out", args->out, "JSON file with the prediction of every image");
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     require_option(verb, "--weights", "weights.safetensors of a run");
                     require_option(verb, "--dataset", "fer2013, ferplus or faces");
                     require_option(verb, "--data", "the folder or file that holds the data");
                     run_eval(*args, common);
                   },
                   {}});
}

}  // namespace shcnn::program
