#include "tools/program/report_training.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include "engine/train/checkpoint.h"
#include "tools/program/charts.h"
#include "tools/program/html.h"
#include "tools/program/paper_tables.h"
#include "tools/program/progress.h"
#include "tools/program/report_sections.h"
#include "tools/program/run_reader.h"
#include "tools/program/saliency_inputs.h"
#include "tools/program/saliency_panel.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFaces = 16;  ///< faces shown of each kind
constexpr std::size_t kPanels = 3;  ///< saliency panels of each kind

double number(const std::string& text) { return text.empty() ? std::nan("") : std::strtod(text.c_str(), nullptr); }

class TrainingReport {
 public:
  TrainingReport(const ReportOptions& options, const Common& common)
      : options_(options),
        common_(common),
        run_(read_run(options.run)),
        page_("shcnn run " + fs::weakly_canonical(options.run).filename().string()) {
    for (std::size_t i = 0; i < run_.curves.size(); ++i) {
      const double accuracy = value(i, "validation_accuracy");
      if (std::isfinite(accuracy) && (!best_ || accuracy > value(*best_, "validation_accuracy"))) best_ = i;
    }
  }

  std::string text() {
    summary();
    curves();
    beside_the_paper();
    classes();
    pictures();
    configuration();
    timings();
    return page_.text();
  }

 private:
  double value(std::size_t row, const std::string& column) const {
    const auto at = std::find(run_.columns.begin(), run_.columns.end(), column);
    return at == run_.columns.end() ? std::nan("")
                                    : run_.curves[row][static_cast<std::size_t>(at - run_.columns.begin())];
  }
  double best_epoch() const { return best_ ? value(*best_, "epoch") : std::nan(""); }
  std::string on_what() const {
    const std::string rule = run_.setting("dataset") == "ferplus" ? ", rule " + run_.setting("val-rule") : "";
    return run_.setting("dataset") + " " + run_.setting("val-split") + rule;
  }

  void summary() {
    if (run_.curves.empty()) {
      page_.note("no epoch has been finished");
      return;
    }
    std::string tiles = "<div class=\"tiles\">";
    if (best_) {
      tiles += tile(fmt::format("{:.4f}", value(*best_, "validation_accuracy")), "accuracy, best epoch");
      tiles += tile(fmt::format("{:.4f}", value(*best_, "validation_uf1")), "UF1 (mean F1)");
      tiles += tile(fmt::format("{:.4f}", value(*best_, "validation_uar")), "UAR (mean recall)");
      tiles += tile(fmt::format("{:g} of {}", best_epoch(), run_.curves.size()), "best epoch");
    } else {
      tiles += tile(fmt::format("{}", run_.curves.size()), "epochs, without validation");
    }
    const std::size_t last = run_.curves.size() - 1;
    tiles += tile(fmt::format("{:g}", value(last, "step")), "steps");
    tiles += tile(fmt::format("{:.4f}", value(last, "divergence")), "divergence, last epoch");
    page_.html(tiles + "</div>");
    if (best_) {
      page_.note(
          fmt::format("Validation on {}: {} images. The best epoch was chosen on these very images, so its accuracy "
                      "flatters; score another split with shcnn eval.",
                      on_what(), run_.confusion.total()));
    }
  }

  void curves() {
    page_.heading("Curves");
    std::string charts = "<div class=\"charts\">";
    const auto series = [this](const char* name, const char* column) { return Series{name, run_.curve(column)}; };
    charts +=
        line_chart("Loss by epoch",
                   {series("loss (Eq. 2)", "loss"), series("cross-entropy", "cross_entropy"),
                    series("divergence", "divergence"), series("validation cross-entropy", "validation_cross_entropy")},
                   best_epoch());
    charts +=
        line_chart("Accuracy by epoch",
                   {series("training, with dropout", "training_accuracy"), series("validation", "validation_accuracy")},
                   best_epoch());
    charts += line_chart("UF1 and UAR on the validation images by epoch",
                         {series("UF1", "validation_uf1"), series("UAR", "validation_uar")}, best_epoch());
    charts += line_chart("L2 term by epoch", {series("lambda * sum of squares", "l2_term")}, best_epoch());
    const auto rates = run_.curve("learning_rate");
    const bool moves =
        std::any_of(rates.begin(), rates.end(), [&](const auto& p) { return p.second != rates[0].second; });
    if (moves) charts += line_chart("Learning rate by epoch", {series("learning rate", "learning_rate")}, best_epoch());
    if (number(run_.setting("clip-norm")) > 0)
      charts += line_chart("Global gradient norm by epoch", {series("gradient norm", "grad_norm")}, best_epoch());
    page_.html(charts + "</div>");
    if (run_.curves.size() == 1) page_.note("One epoch: each curve is a single point.");
  }

  void beside_the_paper() {
    const std::string dataset = run_.setting("dataset");
    Table table{{"paper", "row", "accuracy on PublicTest", "this run"}, {}, {false, false, true, true}};
    const std::string mine =
        paper_row(number(run_.setting("l2")), number(run_.setting("dropout")), run_.setting("augment") != "none");
    for (const PaperScore& row : paper_scores()) {
      if (dataset != row.dataset) continue;
      const bool same = mine == row.row;
      table.rows.push_back({fmt::format("Table {}", row.table), escaped(row.row), fmt::format("{:.4f}", row.accuracy),
                            same && best_ ? fmt::format("<b>{:.4f}</b>", value(*best_, "validation_accuracy")) : ""});
    }
    if (table.rows.empty()) return;
    page_.heading("Beside the paper");
    page_.html(table_html(table));
    page_.note(
        fmt::format("The paper validates on PrivateTest and reports PublicTest; this run's figure is the best epoch's "
                    "on {}. The rows "
                    "compare only where the data are the paper's.",
                    on_what()));
  }

  void classes() {
    if (run_.predictions.empty()) {
      page_.note("results.json is missing: no confusion matrix and no predictions.");
      return;
    }
    const Confusion& c = run_.confusion;
    page_.heading("Confusion matrix");
    page_.html(confusion_html(run_.labels, c));
    page_.note(fmt::format("{} of {} right. Colour: share of the row, blue on the diagonal.", c.correct(), c.total()));
    page_.heading("Classes");
    page_.html(class_table(run_.labels, c, "images"));
  }

  /// Reads the validation images named in config.toml, or from --data.
  LoadedSplit load_images() const {
    DatasetChoice choice;
    choice.dataset = run_.setting("dataset");
    choice.data = options_.data.empty() ? run_.setting("data") : options_.data.front();
    const std::string rule = run_.setting("val-rule"), split = run_.setting("val-split");
    if (choice.dataset.empty() || choice.data.empty() || split.empty() || split == "none")
      throw Failure(ExitCode::kBadData, "config.toml names no validation data");
    choice.rule = rule.empty() ? "strict" : rule;
    Common quiet = common_;
    quiet.quiet = true;
    return load_split(choice, choice.rule, split, quiet);
  }

  void pictures() {
    if (run_.predictions.empty()) return;
    if (!options_.pictures) {
      page_.note("Pictures were not asked for.");
      return;
    }
    std::optional<LoadedSplit> images;
    try {
      images = load_images();
    } catch (const std::exception& e) {
      page_.heading("Predictions");
      page_.note(
          fmt::format("No pictures: the validation images cannot be read ({}). Name them with --data.", e.what()));
      return;
    }
    const Samples& s = images->samples;
    std::map<std::string, std::int64_t> index;
    for (std::int64_t i = 0; i < s.count(); ++i) index.emplace(s.names[static_cast<std::size_t>(i)], i);
    std::vector<const RunPrediction*> right, wrong;
    for (const RunPrediction& p : run_.predictions) {
      if (p.truth >= 0 && index.contains(p.name)) (p.truth == p.predicted ? right : wrong).push_back(&p);
    }
    const auto rank = [](const RunPrediction* p) { return std::isnan(p->score()) ? -1 : p->score(); };
    const auto by_score = [&](const RunPrediction* a, const RunPrediction* b) { return rank(a) > rank(b); };
    std::stable_sort(right.begin(), right.end(), by_score);
    std::stable_sort(wrong.begin(), wrong.end(), by_score);
    const std::int64_t bytes = std::int64_t{s.height} * s.width * s.channels;
    const auto pixels = [&](const RunPrediction& p) { return s.pixels.data() + index.at(p.name) * bytes; };

    const auto gallery = [&](const char* heading, const std::vector<const RunPrediction*>& list) {
      page_.heading(heading);
      if (list.empty()) {
        page_.note("none");
        return;
      }
      std::string html = "<div class=\"faces\">";
      for (std::size_t i = 0; i < std::min(kFaces, list.size()); ++i) {
        const RunPrediction& p = *list[i];
        const std::string& truth = run_.labels[static_cast<std::size_t>(p.truth)];
        const std::string& predicted = run_.labels[static_cast<std::size_t>(p.predicted)];
        const std::string caption =
            p.truth == p.predicted ? escaped(predicted) : escaped(predicted) + ", is " + escaped(truth);
        html +=
            "<figure>" +
            image_html(picture_of(pixels(p), s.height, s.width, s.channels), p.name + ": " + predicted, 96, true) +
            fmt::format("<figcaption>{}<br>{:.4f}<br>{}</figcaption></figure>", caption, p.score(), escaped(p.name));
      }
      page_.html(html + "</div>");
    };
    gallery("Best predictions: right and most certain", right);
    gallery("Worst predictions: wrong and most certain", wrong);
    panels(right, wrong, s, pixels);
  }

  template <class Pixels>
  void panels(const std::vector<const RunPrediction*>& right, const std::vector<const RunPrediction*>& wrong,
              const Samples& s, const Pixels& pixels) {
    const fs::path path = run_.path / "weights.safetensors";
    page_.heading("Saliency");
    if (!fs::exists(path)) {
      page_.note("weights.safetensors is missing: no maps.");
      return;
    }
    try {
      const Weights weights = load_weights(path);
      SaliencyInputs inputs;
      inputs.height = s.height;
      inputs.width = s.width;
      inputs.channels = s.channels;
      for (const auto* list : {&right, &wrong}) {
        for (std::size_t i = 0; i < std::min(kPanels, list->size()); ++i) {
          const RunPrediction& p = *(*list)[i];
          inputs.names.push_back(
              p.name + (p.truth == p.predicted ? "" : ", is " + run_.labels[static_cast<std::size_t>(p.truth)]));
          inputs.truth.push_back(p.truth);
          inputs.pixels.insert(inputs.pixels.end(), pixels(p), pixels(p) + inputs.bytes());
        }
      }
      if (inputs.count() == 0) {
        page_.note("no image has a true class");
        return;
      }
      SaliencyMachine<float> machine(weights, inputs, 100, common_);
      const SaliencyMaps<float> maps = machine.mapper().run(inputs.pixels.data(), inputs.count());
      std::vector<PanelRow> rows;
      for (std::int64_t i = 0; i < inputs.count(); ++i) {
        rows.push_back(
            panel_row(maps, i, inputs.image(i), inputs.names[static_cast<std::size_t>(i)], weights.class_names));
      }
      page_.html("<figure class=\"panel\">" + image_html(draw_panel(rows), "saliency panels", 1120, false) +
                 "</figure>");
      page_.note(
          "Gradient of the predicted class's score per gray level, as shcnn saliency draws it: the most certain right "
          "predictions, then the most certain wrong ones. Red raises the score, blue lowers it; green pixels are above "
          "0.");
    } catch (const std::exception& e) {
      page_.note(fmt::format("No maps: {}", e.what()));
    }
  }

  void configuration() {
    page_.heading("Configuration");
    if (run_.config.empty()) page_.note("config.toml is missing.");
    page_.html(settings_table(run_.config));
  }

  void timings() {
    page_.heading("Versions and timings");
    Table table = version_table();
    double seconds = 0;
    std::size_t epochs = 0;
    for (const RunTiming& t : run_.timings) {
      if (t.epochs.empty()) continue;
      seconds += t.epochs.back().second - t.start;
      epochs += t.epochs.size();
    }
    if (epochs > 0) {
      const std::time_t start = static_cast<std::time_t>(run_.timings.front().start);
      table.rows.push_back({"started", fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(start))});
      table.rows.push_back({"training and validation", fmt::format("{} in all, {} an epoch", clock_text(seconds),
                                                                   clock_text(seconds / static_cast<double>(epochs)))});
      table.rows.push_back({"times started", fmt::format("{}", run_.timings.size())});
    }
    page_.html(table_html(table));
  }

  const ReportOptions& options_;
  const Common& common_;
  RunRecord run_;
  Page page_;
  std::optional<std::size_t> best_;  ///< row of run_.curves with the best validation accuracy
};

}  // namespace

std::string training_report(const ReportOptions& options, const Common& common) {
  if (options.data.size() > 1) throw Failure(ExitCode::kUsage, "--data: a training run has one data set; give it once");
  return TrainingReport(options, common).text();
}

}  // namespace shcnn::program
