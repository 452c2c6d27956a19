// shcnn attack: the paper's Fig. 14 for many images. Subtracts gray levels from the saliency pixels, classifies again,
// and counts how often the class changes, compared with changing the same number of random pixels.
#include "engine/explain/attack.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "io/files/output_folder.h"
#include "tools/program/progress.h"
#include "tools/program/saliency_inputs.h"
#include "tools/program/saliency_panel.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

struct Arguments : SaliencyArguments {
  int step = 20;
  std::string pixels = "improved";
  double share = 1;
};

class AttackReport {
 public:
  AttackReport(const Arguments& args, const Weights& weights, const SaliencyInputs& inputs, const Common& common,
               const AttackOptions& options, const AttackResult& result)
      : args_(args), names_(weights.class_names), inputs_(inputs), common_(common), options_(options), r_(result) {}

  void draw() const {
    std::vector<AttackRow> rows;
    const std::int64_t most = args_.pictures > 0 ? args_.pictures : kRows;
    for (std::int64_t i = 0; i < inputs_.count() && static_cast<std::int64_t>(rows.size()) < most; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (inputs_.count() > most && r_.after[at] == r_.before[at]) continue;  // if many, only changed ones
      rows.push_back(row_of(i));
    }
    if (!rows.empty()) write_png((std::filesystem::path(args_.out) / "attack.png").string(), draw_attack(rows));
    for (std::int64_t i = 0; i < std::min(inputs_.count(), most); ++i) {
      const auto stem = file_stem(i, inputs_.names[static_cast<std::size_t>(i)]);
      write_png((std::filesystem::path(args_.out) / (stem + "-attacked.png")).string(),
                picture_of(r_.attacked.data() + i * inputs_.bytes(), inputs_.height, inputs_.width, inputs_.channels));
    }
  }

  void print() const {
    const std::int64_t m = inputs_.count();
    const auto share = [m](std::int64_t k) { return m ? static_cast<double>(k) / static_cast<double>(m) : 0; };
    std::int64_t with_truth = 0, right = 0, right_after = 0, right_control = 0, pixels = 0;
    for (std::size_t i = 0; i < r_.before.size(); ++i) {
      pixels += r_.changed_pixels[i];
      if (inputs_.truth[i] < 0) continue;
      ++with_truth;
      right += r_.before[i] == inputs_.truth[i];
      right_after += r_.after[i] == inputs_.truth[i];
      right_control += r_.control[i] == inputs_.truth[i];
    }
    const double pixel_share =
        m ? static_cast<double>(pixels) / static_cast<double>(m) / static_cast<double>(inputs_.height * inputs_.width)
          : 0;
    if (common_.json) {
      Json each = Json::array();
      for (std::size_t i = 0; i < r_.before.size(); ++i) {
        each.push_back({{"input", inputs_.names[i]},
                        {"before", name(r_.before[i])},
                        {"after", name(r_.after[i])},
                        {"control", name(r_.control[i])},
                        {"pixels", r_.changed_pixels[i]}});
      }
      Json object = {{"schema", kSchema},
                     {"images", m},
                     {"step", options_.step},
                     {"pixels", to_string(options_.pixels)},
                     {"share", options_.share},
                     {"pixel_share", pixel_share},
                     {"changed", r_.changed()},
                     {"changed_share", share(r_.changed())},
                     {"control_changed", r_.changed_by_control()},
                     {"control_changed_share", share(r_.changed_by_control())},
                     {"seed", options_.seed}};
      if (with_truth > 0) {
        object["with_truth"] = with_truth;
        object["correct_before"] = right;
        object["correct_after"] = right_after;
        object["correct_after_control"] = right_control;
      }
      object["attacks"] = each;
      print_json(object);
      return;
    }
    if (m <= kLines) {
      for (std::int64_t i = 0; i < m; ++i) {
        const auto at = static_cast<std::size_t>(i);
        fmt::print("{}  {} -> {}  (control {})\n", inputs_.names[at], scored(r_.before[at], r_.scores_before, i),
                   scored(r_.after[at], r_.scores_after, i), name(r_.control[at]));
      }
    }
    fmt::print(
        "{} gray levels from the {} saliency pixels ({:.1f} % of an image): the class changes in {} of {} images "
        "({:.1f} %)\n",
        options_.step, to_string(options_.pixels), 100 * pixel_share, r_.changed(), m, 100 * share(r_.changed()));
    fmt::print("from as many random pixels: in {} ({:.1f} %)\n", r_.changed_by_control(),
               100 * share(r_.changed_by_control()));
    if (with_truth > 0) {
      fmt::print("right before, after, after the control: {}, {}, {} of {}\n", right, right_after, right_control,
                 with_truth);
    }
  }

 private:
  const std::string& name(std::int32_t k) const { return names_[static_cast<std::size_t>(k)]; }
  std::string scored(std::int32_t k, const std::vector<float>& scores, std::int64_t image) const {
    return fmt::format("{} {:.3f}", name(k),
                       scores[static_cast<std::size_t>(image) * names_.size() + static_cast<std::size_t>(k)]);
  }
  AttackRow row_of(std::int64_t i) const {
    const auto at = static_cast<std::size_t>(i);
    const auto picture = [this](const std::uint8_t* p) {
      return picture_of(p, inputs_.height, inputs_.width, inputs_.channels);
    };
    const std::uint8_t *image = inputs_.image(i), *attacked = r_.attacked.data() + i * inputs_.bytes();
    const auto control =
        darkened(image, inputs_.channels,
                 random_mask(std::int64_t{inputs_.height} * inputs_.width, r_.changed_pixels[at], options_.seed, i),
                 options_.step);
    const std::vector<std::uint8_t> mask(r_.masks.begin() + i * inputs_.height * inputs_.width,
                                         r_.masks.begin() + (i + 1) * inputs_.height * inputs_.width);
    return {inputs_.names[at],
            picture(image),
            picture(attacked),
            picture(control.data()),
            mask,
            scored(r_.before[at], r_.scores_before, i),
            scored(r_.after[at], r_.scores_after, i),
            name(r_.control[at])};
  }

  static constexpr std::int64_t kRows = 12, kLines = 200;
  const Arguments& args_;
  const std::vector<std::string>& names_;
  const SaliencyInputs& inputs_;
  const Common& common_;
  const AttackOptions& options_;
  const AttackResult& r_;
};

template <class T>
AttackResult attack_all(const Weights& weights, const SaliencyInputs& inputs, const Arguments& args,
                        const AttackOptions& options, const Common& common) {
  SaliencyMachine<T> machine(weights, inputs, args.batch, common);
  Progress progress("attacking", "images", common.talkative());
  return naming_images(inputs, 0, [&] {
    return attack(machine.mapper(), inputs.pixels.data(), inputs.count(), options,
                  [&progress](std::int64_t done, std::int64_t total) { progress.show(done, total); });
  });
}

void run_attack(const Arguments& args, const Common& common) {
  AttackOptions options;
  options.step = args.step;
  options.pixels = attack_pixels_from_string(args.pixels);
  options.share = args.share;
  options.seed = common.seed;
  const Weights weights = load_weights(args.weights);
  const SaliencyInputs inputs = read_saliency_inputs(args, weights, common);
  if (!args.out.empty()) io::make_output_folder(args.out);
  const AttackResult result = args.precision == "float64" ? attack_all<double>(weights, inputs, args, options, common)
                                                          : attack_all<float>(weights, inputs, args, options, common);
  const AttackReport report(args, weights, inputs, common, options, result);
  if (!args.out.empty()) report.draw();
  report.print();
}

}  // namespace

void add_attack(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb(
      "attack",
      "Takes gray levels from the improved saliency pixels and classifies again (the paper's Fig. 14), beside "
      "a control\n"
      "that takes them from as many random pixels.",
      {"shcnn attack --weights RUN/weights.safetensors --out DIR face.png",
       "shcnn attack --weights FILE --dataset ferplus --data DIR --split private-test --limit 500 --json",
       "shcnn attack --weights FILE --step 10 --pixels improved-positive --share 0.25 --out DIR FOLDER"});
  auto args = std::make_shared<Arguments>();
  add_saliency_options(verb, *args);
  verb.add_option("--step", args->step, "gray levels to subtract; a negative number adds")
      .show_default()
      .range(-255, 255);
  verb.add_option("--pixels", args->pixels,
                  "which pixels: improved (gradient of V >= 0), improved-positive (> 0) or original (of S >= 0)")
      .show_default();
  verb.add_option("--share", args->share, "share of those pixels to change, those with the largest gradients")
      .show_default()
      .range(0.0, 1.0);
  add_seed(verb, common);
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     check_saliency_arguments(verb, *args, common);
                     run_attack(*args, common);
                   },
                   {}});
}

}  // namespace shcnn::program
