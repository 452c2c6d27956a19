// shcnn reproduce table1, table2, fig13, fig14: why the original saliency map vanishes, and the improved one does not.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>

#include "engine/explain/attack.h"
#include "io/files/output_folder.h"
#include "io/synth/faces.h"
#include "tools/program/reproduce.h"
#include "tools/program/saliency_inputs.h"
#include "tools/program/saliency_panel.h"

namespace shcnn::program {
namespace {

/// Scores and their Jacobian d(score_j)/d(o_k) in row-major order, float64.
struct Scores {
  std::vector<double> score, gradient;
};
Scores scores_of(Temperature temperature, const std::vector<double>& logits) {
  const Ops<double> ops = naive_ops<double>();
  const auto n = static_cast<std::int64_t>(logits.size());
  const View<const double> o(logits.data(), Shape(n, 1));
  Scores result{std::vector<double>(logits.size()), {}};
  ops.softmax_forward({}, temperature, o, View<double>(result.score.data(), Shape(n, 1)));
  for (std::int32_t j = 0; j < n; ++j) {
    std::vector<double> row(logits.size());
    ops.softmax_score_gradient({}, temperature, o, View<const std::int32_t>(&j, Shape(1)),
                               View<double>(row.data(), Shape(n, 1)));
    result.gradient.insert(result.gradient.end(), row.begin(), row.end());
  }
  return result;
}

// --- Table 1 ---------------------------------------------------------------------------------------------------------

void run_table1(const Common& common) {
  constexpr std::array<const char*, 4> kCases{"S_j -> 1, j = k: S_j(1 - S_j)", "S_j -> 1, j != k: -S_j S_k",
                                              "S_j -> 0, j = k: S_j(1 - S_j)", "S_j -> 0, j != k: -S_j S_k"};
  Json rows = Json::array();
  if (!common.json) {
    fmt::print("Table 1. Three logits (gap, 0, -1): the first class is certain as the gap grows; all four go to 0.\n");
    fmt::print("The last column is the improved dV_j/do_k of the first case, which does not.\n\n");
    fmt::print("{:>5}  {:>10}  {:>11}  {:>11}  {:>11}  {:>11}  {:>11}\n", "gap", "1 - S_j", "case 1", "case 2",
               "case 3", "case 4", "improved");
  }
  for (const double gap : {1.0, 5.0, 10.0, 20.0, 50.0, 100.0}) {
    const std::vector<double> o{gap, 0, -1};
    const Scores s = scores_of(Temperature::kOne, o), v = scores_of(Temperature::kLargest, o);
    // Row 0: gradient of the certain class (S_j -> 1). Row 1: gradient of a class with S_j -> 0.
    const std::array<double, 4> cases{s.gradient[0], s.gradient[1], s.gradient[4], s.gradient[3]};
    const double doubt = s.score[1] + s.score[2];
    if (common.json) {
      rows.push_back({{"gap", gap}, {"doubt", doubt}, {"cases", cases}, {"improved", v.gradient[0]}});
    } else {
      fmt::print("{:>5}  {:>10.3e}  {:>11.3e}  {:>11.3e}  {:>11.3e}  {:>11.3e}  {:>11.3e}\n", gap, doubt, cases[0],
                 cases[1], cases[2], cases[3], v.gradient[0]);
    }
  }
  if (common.json) {
    print_json({{"schema", kSchema}, {"table", 1}, {"cases", kCases}, {"paper", "all four go to 0"}, {"rows", rows}});
    return;
  }
  fmt::print("\n");
  for (std::size_t i = 0; i < kCases.size(); ++i) fmt::print("case {}: {} -> 0 (paper)\n", i + 1, kCases[i]);
}

// --- Table 2 ---------------------------------------------------------------------------------------------------------

/// One example as printed in the paper: o, S, V, and both Jacobians in row-major order.
struct Table2Example {
  std::vector<double> logits;
  std::vector<std::string> s, v, ds, dv;
};
const std::vector<Table2Example>& table2() {
  static const std::vector<Table2Example> examples = {
      {{1, 3, 10},
       {"1.23e-4", "9.11e-4", "9.99e-1"},
       {"0.21", "0.26", "0.53"},
       {"1.23e-4", "-1.12e-7", "-1.23e-4", "-1.12e-7", "9.10e-4", "-9.10e-4", "-1.23e-4", "-9.10e-4", "1.03e-3"},
       {"0.017", "-0.0056", "-0.011", "-0.0056", "0.019", "-0.014", "-0.011", "-0.014", "0.025"}},
      {{1, 7, 100},
       {"1.01e-43", "4.08e-41", "1.00"},
       {"0.21", "0.22", "0.57"},
       {"1.01e-43", "-4.13e-84", "-1.01e-43", "-4.13e-84", "4.08e-41", "-4.08e-41", "-1.01e-43", "-4.08e-41", "0"},
       {"0.0017", "-0.00047", "-0.0012", "-0.00047", "0.0017", "-0.0013", "-0.0012", "-0.0013", "0.0025"}},
      {{1, 2},
       {"0.27", "0.73"},
       {"0.38", "0.62"},
       {"0.20", "-0.20", "-0.20", "0.20"},
       {"0.12", "-0.12", "-0.12", "0.12"}}};
  return examples;
}

/// Formats `value` with the notation and number of digits of the printed value.
std::string in_the_form_of(const std::string& printed, double value) {
  const auto e = printed.find('e'), point = printed.find('.');
  if (e != std::string::npos) {
    std::string text = fmt::format("{:.2e}", value);  // "1.23e-04"
    const auto zero = text.find("e-0");
    if (zero != std::string::npos) text.erase(zero + 2, 1);
    return text;
  }
  if (point == std::string::npos) return fmt::format("{:.2e}", value);  // the paper prints 0: show our actual value
  return fmt::format("{:.{}f}", value, printed.size() - point - 1);
}

void run_table2(const Common& common) {
  Json examples = Json::array();
  int equal = 0, entries = 0;
  for (std::size_t i = 0; i < table2().size(); ++i) {
    const Table2Example& e = table2()[i];
    const Scores s = scores_of(Temperature::kOne, e.logits), v = scores_of(Temperature::kLargest, e.logits);
    Json one = {{"logits", e.logits}};
    if (!common.json) fmt::print("Example {}, o = ({:g})\n", i + 1, fmt::join(e.logits, ", "));
    const auto compare = [&](const char* key, const char* name, const std::vector<std::string>& paper,
                             const std::vector<double>& values, std::size_t columns) {
      std::vector<std::string> ours;
      for (std::size_t k = 0; k < paper.size(); ++k) {
        ours.push_back(in_the_form_of(paper[k], values[k]));
        ++entries;
        equal += ours.back() == paper[k];
      }
      one[key] = {{"values", values}, {"printed", ours}, {"paper", paper}};
      if (common.json) return;
      for (std::size_t k = 0; k < paper.size(); k += columns) {
        std::string left, right;
        for (std::size_t c = k; c < k + columns; ++c) {
          left += fmt::format("{:>10}", paper[c]);
          right += fmt::format("{:>10}{}", ours[c], ours[c] == paper[c] ? " " : "*");
        }
        fmt::print("  {:<8}{:<32}   {}\n", k == 0 ? name : "", left, right);
      }
    };
    if (!common.json) fmt::print("  {:<8}{:>30}     {:>30}\n", "", "paper", "shcnn, float64");
    compare("s", "S", e.s, s.score, e.logits.size());
    compare("v", "V", e.v, v.score, e.logits.size());
    compare("ds", "dS/do", e.ds, s.gradient, e.logits.size());
    compare("dv", "dV/do", e.dv, v.gradient, e.logits.size());
    examples.push_back(one);
  }
  if (common.json) {
    print_json({{"schema", kSchema}, {"table", 2}, {"entries", entries}, {"equal", equal}, {"examples", examples}});
    return;
  }
  fmt::print(
      "{} of {} entries print as in the paper. *: example 2's dS_3/do_3 is S_3 (1 - S_3), where 1 - S_3\n"
      "rounds to 0; computed as S_3 (S_1 + S_2) it is 4.09e-41.\n",
      equal, entries);
}

// --- Figures 13 and 14 -----------------------------------------------------------------------------------------------

constexpr double kPaperScore = 9.8825127e-1;  ///< score of the third example of Fig. 13, which Fig. 14 attacks
constexpr std::int64_t kLookedAt = 500;       ///< default of --limit: number of images to choose examples from

/// The images given by the arguments, or else synthetic faces.
SaliencyInputs inputs_or_made(SaliencyArguments& args, const Weights& weights, const Common& common) {
  if (args.limit == 0) args.limit = kLookedAt;
  if (!args.inputs.empty() || !args.data.data.empty()) return read_saliency_inputs(args, weights, common);
  if (weights.model.variant != Variant::kStatic) {
    throw Failure(ExitCode::kUsage, fmt::format("{}: classifies flow images; name some", args.weights));
  }
  synth::FaceSynthOptions options;
  options.seed = common.seed;
  options.count = static_cast<int>(args.limit);
  options.threads = common.threads;
  const io::FaceSet faces = synth::make_faces(options);
  SaliencyInputs inputs;
  inputs.pixels = faces.pixels;
  inputs.names = faces.names;
  inputs.truth.assign(inputs.names.size(), -1);
  remark(common, "no images were named: made faces");
  return inputs;
}

void check_figure_arguments(const OptionSet& verb, const SaliencyArguments& args, const Common& common) {
  require_option(verb, "--weights", "weights.safetensors of a run");
  require_option(verb, "--out", "the folder for the picture");
  if (!args.inputs.empty() && !args.data.data.empty())
    throw Failure(ExitCode::kUsage, fmt::format("{} takes images or a data set, not both", verb.name()));
  if (args.precision != "float32") throw Failure(ExitCode::kUsage, "figures are drawn from --precision float32");
  refuse_overwriting(args.out, common);
}

double top_score(const std::vector<float>& scores, std::size_t classes, std::size_t image) {
  const auto first = scores.begin() + static_cast<std::ptrdiff_t>(image * classes);
  return static_cast<double>(*std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)));
}

std::string figure_path(const SaliencyArguments& args, const char* name) {
  return (std::filesystem::path(args.out) / name).string();
}

/// Selects five examples in the paper's order: first, second, fourth and fifth are the images with the highest scores
/// (whose original maps vanish); the third is the one with the score nearest to the paper's 0.98825127. With five or
/// fewer images: all, in order.
std::vector<std::size_t> examples_of(const std::vector<float>& scores, std::size_t classes, std::size_t images) {
  std::vector<std::size_t> order(images);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (images <= 5) return order;
  const auto top = [&](std::size_t i) { return top_score(scores, classes, i); };
  const std::size_t third = *std::min_element(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(top(a) - kPaperScore) < std::abs(top(b) - kPaperScore);
  });
  order.erase(std::find(order.begin(), order.end(), third));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return top(a) > top(b); });
  return {order[0], order[1], third, order[2], order[3]};
}

void run_fig13(SaliencyArguments args, const Common& common) {
  const Weights weights = load_weights(args.weights);
  const SaliencyInputs inputs = inputs_or_made(args, weights, common);
  io::make_output_folder(args.out);
  SaliencyMachine<float> machine(weights, inputs, args.batch, common);
  SaliencyRequest scores_alone;
  scores_alone.original = scores_alone.improved = false;
  const SaliencyMaps<float> all = machine.mapper().run(inputs.pixels.data(), inputs.count(), scores_alone);
  std::vector<PanelRow> rows;
  Json json = Json::array();
  if (!common.json) fmt::print("{:<28} {:>12} {:>16} {:>16}\n", "image", "max S", "max |grad S|", "max |grad V|");
  for (const std::size_t i : examples_of(all.scores, static_cast<std::size_t>(all.classes), inputs.names.size())) {
    const std::uint8_t* image = inputs.image(static_cast<std::int64_t>(i));
    const SaliencyMaps<float> maps = machine.mapper().run(image, 1);
    rows.push_back(panel_row(maps, 0, image, inputs.names[i], weights.class_names));
    const PanelRow& row = rows.back();
    const double top = row.scores[static_cast<std::size_t>(row.predicted)];
    if (common.json) {
      json.push_back({{"input", inputs.names[i]},
                      {"label", weights.class_names[static_cast<std::size_t>(row.predicted)]},
                      {"max_score", top},
                      {"original_largest", row.original.facts.largest},
                      {"improved_largest", row.improved.facts.largest}});
    } else {
      fmt::print("{:<28} {:>12.8f} {:>16.3e} {:>16.3e}\n", inputs.names[i], top, row.original.facts.largest,
                 row.improved.facts.largest);
    }
  }
  const std::string path = figure_path(args, "fig13.png");
  write_png(path, draw_panel(rows));
  if (common.json) {
    print_json({{"schema", kSchema},
                {"figure", 13},
                {"picture", path},
                {"paper_third_score", kPaperScore},
                {"examples", json}});
  } else {
    fmt::print(
        "paper: original maps vanish (below 1e-8) in examples 1, 2, 4, 5; the third has max S = {:.8f} and does "
        "not\n{}\n",
        kPaperScore, path);
  }
}

void run_fig14(SaliencyArguments args, int step, const Common& common) {
  const Weights weights = load_weights(args.weights);
  const SaliencyInputs inputs = inputs_or_made(args, weights, common);
  io::make_output_folder(args.out);
  SaliencyMachine<float> machine(weights, inputs, args.batch, common);
  AttackOptions options;
  options.step = step;
  options.seed = common.seed;
  const AttackResult r = attack(machine.mapper(), inputs.pixels.data(), inputs.count(), options);
  const std::size_t n = weights.class_names.size();
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < r.before.size(); ++i) {
    if (r.before[i] != r.after[i]) changed.push_back(i);
  }
  std::stable_sort(changed.begin(), changed.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(top_score(r.scores_before, n, a) - kPaperScore) <
           std::abs(top_score(r.scores_before, n, b) - kPaperScore);
  });
  const auto name = [&weights](std::int32_t k) { return weights.class_names[static_cast<std::size_t>(k)]; };
  std::string path;
  Json example = nullptr;
  if (!changed.empty()) {
    const std::size_t i = changed.front();
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t plane = std::int64_t{inputs.height} * inputs.width;
    const auto control =
        darkened(inputs.image(at), inputs.channels, random_mask(plane, r.changed_pixels[i], options.seed, at), step);
    const auto picture = [&inputs](const std::uint8_t* p) {
      return picture_of(p, inputs.height, inputs.width, inputs.channels);
    };
    const auto scored = [&](std::int32_t k, const std::vector<float>& scores) {
      return fmt::format("{} {:.4f}", name(k), scores[i * n + static_cast<std::size_t>(k)]);
    };
    path = figure_path(args, "fig14.png");
    write_png(path, draw_attack({{inputs.names[i],
                                  picture(inputs.image(at)),
                                  picture(r.attacked.data() + at * inputs.bytes()),
                                  picture(control.data()),
                                  {r.masks.begin() + at * plane, r.masks.begin() + (at + 1) * plane},
                                  scored(r.before[i], r.scores_before),
                                  scored(r.after[i], r.scores_after),
                                  name(r.control[i])}}));
    example = {{"input", inputs.names[i]},
               {"before", name(r.before[i])},
               {"score_before", top_score(r.scores_before, n, i)},
               {"after", name(r.after[i])},
               {"control", name(r.control[i])}};
  }
  if (common.json) {
    print_json({{"schema", kSchema},
                {"figure", 14},
                {"images", inputs.count()},
                {"step", step},
                {"changed", r.changed()},
                {"control_changed", r.changed_by_control()},
                {"picture", path},
                {"example", example},
                {"paper", {{"before", "sadness"}, {"score_before", kPaperScore}, {"after", "anger"}}}});
    return;
  }
  fmt::print("paper: one image, sadness {:.8f} -> anger, {} gray levels from the improved saliency pixels\n",
             kPaperScore, 20);
  fmt::print("here:  the class of {} of {} images changes, of {} with as many random pixels\n", r.changed(),
             inputs.count(), r.changed_by_control());
  if (path.empty()) {
    fmt::print("no class changed: nothing to draw\n");
  } else {
    fmt::print("nearest to the paper's: {}, {} {:.8f} -> {}\n{}\n", example["input"].get<std::string>(),
               example["before"].get<std::string>(), example["score_before"].get<double>(),
               example["after"].get<std::string>(), path);
  }
}

}  // namespace

void add_table1(OptionSet& reproduce, Common& common, Verbs& verbs) {
  OptionSet& verb = reproduce.add_verb("table1", "Table 1: the four cases in which dS_j/do_k vanishes.",
                                       {"shcnn reproduce table1", "shcnn reproduce table1 --json"});
  add_common(verb, common, false);
  verbs.push_back({&verb, [&common] { run_table1(common); }, {}});
}

void add_table2(OptionSet& reproduce, Common& common, Verbs& verbs) {
  OptionSet& verb = reproduce.add_verb("table2", "Table 2: both gradients of three examples, to the paper's digits.",
                                       {"shcnn reproduce table2", "shcnn reproduce table2 --json"});
  add_common(verb, common, false);
  verbs.push_back({&verb, [&common] { run_table2(common); }, {}});
}

void add_fig13(OptionSet& reproduce, Common& common, Verbs& verbs) {
  OptionSet& verb = reproduce.add_verb(
      "fig13",
      "Fig. 13: original and improved maps of five images; of many, the most certain and one near the paper's third.",
      {"shcnn reproduce fig13 --weights FILE --out DIR",
       "shcnn reproduce fig13 --weights FILE --out DIR --dataset ferplus --data DIR --split private-test"});
  auto args = std::make_shared<SaliencyArguments>();
  add_saliency_options(verb, *args);
  add_seed(verb, common);
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, args, &common] {
                     check_figure_arguments(verb, *args, common);
                     run_fig13(*args, common);
                   },
                   {}});
}

void add_fig14(OptionSet& reproduce, Common& common, Verbs& verbs) {
  OptionSet& verb = reproduce.add_verb(
      "fig14", "Fig. 14: 20 gray levels from the improved saliency pixels change the class.",
      {"shcnn reproduce fig14 --weights FILE --out DIR",
       "shcnn reproduce fig14 --weights FILE --out DIR --dataset ferplus --data DIR --split private-test"});
  auto args = std::make_shared<SaliencyArguments>();
  auto step = std::make_shared<int>(20);
  add_saliency_options(verb, *args);
  verb.add_option("--step", *step, "gray levels to take").show_default().range(-255, 255);
  add_seed(verb, common);
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, args, step, &common] {
                     check_figure_arguments(verb, *args, common);
                     run_fig14(*args, *step, common);
                   },
                   {}});
}

}  // namespace shcnn::program
