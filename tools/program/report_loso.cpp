#include "tools/program/report_loso.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>

#include "tools/program/charts.h"
#include "tools/program/config_file.h"
#include "tools/program/html.h"
#include "tools/program/loso_record.h"
#include "tools/program/loso_session.h"
#include "tools/program/paper_tables.h"
#include "tools/program/report_clips.h"
#include "tools/program/report_folds.h"
#include "tools/program/report_sections.h"
#include "tools/program/run_reader.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

std::string four(double value) { return fmt::format("{:.4f}", value); }

std::string protocol_words(const std::string& protocol) {
  if (protocol == "loso") return "leave one subject out";
  if (protocol == "lovo") return "leave one video out (the subject's other clips are in training)";
  return "k folds by subject";
}

std::string vote_words(Vote vote) {
  switch (vote) {
    case Vote::kMajority:
      return "the majority of its images' classes (a tie: the apex frame's, else the largest summed softmax)";
    case Vote::kSumLogits:
      return "that of the largest sum of its images' logits";
    case Vote::kSumSoftmax:
      return "that of the largest sum of its images' softmax outputs";
  }
  return "";
}

/// Time of the last write to a file; empty if unknown.
std::optional<std::time_t> written(const fs::path& path) {
  std::error_code error;
  const fs::file_time_type time = fs::last_write_time(path, error);
  if (error) return std::nullopt;
  return std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(std::chrono::file_clock::to_sys(time)));
}

class LosoReport {
 public:
  LosoReport(const ReportOptions& options, const Common& common)
      : options_(options),
        common_(common),
        run_(read_loso_run(options.run)),
        plan_(run_.plan),
        page_("Cross-validation " + fs::weakly_canonical(options.run).filename().string()) {
    for (const auto& [selection, confusions] : run_.summary.confusions) selections_.push_back(selection);
  }

  std::string text() {
    what_was_run();
    if (!run_.empty()) {
      tiles();
      scores();
      seeds();
      beside_the_paper();
      confusions();
      add_curves(page_, run_);
    }
    add_fold_table(page_, run_);
    if (!run_.empty()) add_clips(page_, run_, options_, common_);
    configuration();
    versions();
    return page_.text();
  }

 private:
  void what_was_run() {
    std::set<std::string> subjects;
    for (const PlannedClip& clip : plan_.clips) subjects.insert(clip.subject);
    const bool flow = plan_.setting("input") == "flow";
    const std::string most = plan_.setting("images");
    std::string images = flow ? "flow images, from a clip's first frame to later ones" : "frames of 48 x 48";
    images += most == "0" ? " (all)" : fmt::format(" (at most {} a clip)", most);
    const std::string pretrained = plan_.setting("pretrained");
    if (pretrained != "none") images += fmt::format("; weights of a network of faces, '{}'", pretrained);
    Table table{{}, {}, {}};
    const auto row = [&table](const char* name, const std::string& value) {
      table.rows.push_back({name, escaped(value)});
    };
    row("data", fmt::format("{}: {} clips of {} subjects", plan_.dataset, plan_.clips.size(), subjects.size()));
    row("classes",
        fmt::format("{} ('{}': {})", plan_.class_names.size(), plan_.classes_of, fmt::join(plan_.class_names, ", ")));
    row("protocol", fmt::format("{}: {} folds{}", protocol_words(plan_.setting("protocol")), plan_.folds(),
                                run_.seeds() > 1 ? fmt::format(", each with {} seeds", run_.seeds()) : ""));
    row("network sees", images);
    row("a clip's class", vote_words(run_.vote));
    page_.html(table_html(table));
    if (run_.empty()) {
      page_.warning(
          fmt::format("No fold has a result yet: there is a plan of {} folds and nothing to score. Run them "
                      "with shcnn loso run --out {}",
                      plan_.tasks.size(), options_.run));
    } else if (!run_.missing.empty()) {
      page_.warning(
          fmt::format("Incomplete: {}. Everything below is over the folds that are there. Go on with shcnn "
                      "loso run --out {}",
                      run_.missing, options_.run));
    } else if (!run_.merged) {
      page_.warning(
          fmt::format("Not merged yet: all folds have a result, and this page adds them up; results.json and "
                      "the tables are written by shcnn loso merge --out {}",
                      options_.run));
    }
  }

  std::string seed_words() const {
    return run_.seeds() > 1 ? fmt::format(", seed {} (the others: below)", run_.shown_seed()) : "";
  }

  void tiles() {
    std::string html = "<div class=\"groups\">";
    for (const Selection s : selections_) {
      const Confusion& c = run_.confusion(s);
      html += fmt::format("<div class=\"group{}\"><h3>{}</h3><p class=\"note\">{}</p><div class=\"tiles\">",
                          s == Selection::kOracle ? " caution" : "", title_of(s), escaped(way_of(s)));
      html += tile(four(c.accuracy()), fmt::format("accuracy, {}/{}", c.correct(), c.total()));
      html += tile(four(c.uf1()), "UF1") + tile(four(c.uar()), "UAR") + "</div></div>";
    }
    page_.html(html + "</div>");
    page_.note(
        fmt::format("UF1: mean F1 of the classes; UAR: mean recall. Counts are summed over folds before anything "
                    "is divided{}. Only 'last' and 'inner' say how the network does on people it has not "
                    "met.",
                    seed_words()));
    if (run_.summary.neutral >= 0) {
      page_.note(fmt::format("{} of {} test images are seen as neutral faces; the paper: about 95 %.",
                             run_.summary.neutral, run_.summary.neutral_of));
    }
  }

  void scores() {
    page_.heading("Scores by vote");
    Table table{{"epoch", "vote", "right", "accuracy", "UF1", "UAR", "weighted F1"},
                {},
                {false, false, true, true, true, true, true}};
    for (const Selection s : selections_) {
      for (const Vote vote : kVotes) {
        const Confusion& c = run_.confusion(s, vote);
        std::vector<std::string> row = {
            title_of(s),          to_string(vote), fmt::format("{}/{}", c.correct(), c.total()),
            four(c.accuracy()),   four(c.uf1()),   four(c.uar()),
            four(c.weighted_f1())};
        if (s == run_.headline && vote == run_.vote) {
          for (std::string& cell : row) cell = "<b>" + cell + "</b>";
        }
        table.rows.push_back(std::move(row));
      }
    }
    page_.html(table_html(table));
    page_.note(
        fmt::format("Bold: what this run was asked for (--select {}, --vote {}). Choosing the best line here "
                    "afterwards would flatter.",
                    to_string(run_.headline), to_string(run_.vote)));
  }

  void seeds() {
    if (run_.seeds() == 1) return;
    page_.heading("Seeds");
    Table table{{"epoch", "seed", "accuracy", "UF1", "UAR"}, {}, {false, true, true, true, true}};
    const std::vector<std::size_t> whole = run_.whole_seeds();
    for (const Selection s : selections_) {
      const SeedConfusions& all = run_.confusions(s);
      SeedConfusions counted;
      for (const std::size_t k : whole) {
        const Confusion& c = all[k];
        counted.push_back(c);
        table.rows.push_back(
            {title_of(s), fmt::format("{}", run_.first_seed() + k), four(c.accuracy()), four(c.uf1()), four(c.uar())});
      }
      if (counted.size() < 2) continue;
      const auto text = [&counted](double (Confusion::*value)() const) {
        const Spread over = spread(counted, value);
        return fmt::format("<b>{:.4f} \u00b1 {:.4f}</b>", over.mean, over.deviation);
      };
      table.rows.push_back({"<b>" + title_of(s) + "</b>", "<b>mean</b>", text(&Confusion::accuracy),
                            text(&Confusion::uf1), text(&Confusion::uar)});
    }
    if (table.rows.empty()) {
      page_.note("No seed has all of its folds yet.");
      return;
    }
    page_.html(table_html(table));
    page_.note(
        fmt::format("\u00b1: standard deviation over the seeds (of n - 1). {} of {} seeds have all of their "
                    "folds; the others are not counted.",
                    whole.size(), run_.seeds()));
  }

  /// One cell per selection: "0.7500 / 0.7565" (accuracy / UF1), or with `correct` "9/12 (0.7500)".
  std::vector<std::string> our_cells(bool correct) const {
    std::vector<std::string> out;
    for (const Selection s : selections_) {
      const Confusion& c = run_.confusion(s);
      out.push_back("<b>" +
                    (correct ? fmt::format("{}/{} ({:.4f})", c.correct(), c.total(), c.accuracy())
                             : fmt::format("{:.4f} / {:.4f}", c.accuracy(), c.uf1())) +
                    "</b>");
    }
    return out;
  }

  Table paper_table(const std::vector<std::string>& first) const {
    Table table{first, {}, {false, false, true}};
    for (const Selection s : selections_) {
      table.header.push_back("this run, " + title_of(s));
      table.numbers.push_back(true);
    }
    return table;
  }

  void beside_the_paper() {
    page_.heading("Beside the paper");
    const auto clips = std::find_if(std::begin(kPaperClips), std::end(kPaperClips),
                                    [this](const PaperClips& one) { return plan_.dataset == one.dataset; });
    if (clips == std::end(kPaperClips) || plan_.classes_of != "paper" || plan_.setting("protocol") != "loso") {
      page_.note(
          "The paper has no row for this: it leaves one subject out on CASME, CASME II and SAMM, with its own "
          "classes.");
      return;
    }
    const std::string input = plan_.setting("input"), pretrained = plan_.setting("pretrained");
    const auto add = [](Table& table, std::vector<std::string> row, bool same, const std::vector<std::string>& ours) {
      for (const std::string& cell : ours) row.push_back(same ? cell : "");
      table.rows.push_back(std::move(row));
    };
    if (input == "flow" && pretrained == "none") {
      const auto setting = [this](const char* name) { return std::strtod(plan_.setting(name).c_str(), nullptr); };
      const std::string mine = paper_row(setting("l2"), setting("dropout"), plan_.setting("augment") != "none");
      Table table = paper_table({fmt::format("Table {}", clips->table), "settings", "paper: accuracy / F1"});
      for (const PaperScore& row : paper_scores()) {
        if (row.table != clips->table) continue;
        add(table, {clips->title, row.row, fmt::format("{:.4f} / {:.4f}", row.accuracy, row.f1)}, mine == row.row,
            our_cells(false));
      }
      page_.html(table_html(table));
    }
    Table groups = paper_table({"Table 10", "group", "paper: correct videos"});
    const auto set = static_cast<std::size_t>(clips - std::begin(kPaperClips));
    for (const PaperGroup& group : paper_groups()) {
      add(groups,
          {clips->title, group.name,
           fmt::format("{}/{} ({:.4f})", group.correct[set], clips->videos,
                       static_cast<double>(group.correct[set]) / clips->videos)},
          input == to_string(group.input) && pretrained == to_string(group.pretrained), our_cells(true));
    }
    page_.html(table_html(groups));
    page_.note(fmt::format(
        "The paper chooses each fold's epoch on the left-out subject, as ORACLE does; its {} has {} videos, this run "
        "{}. The rows compare only where the data are the paper's; made clips never are.",
        clips->title, clips->videos, plan_.clips.size()));
  }

  void confusions() {
    page_.heading("Confusion matrices");
    std::string html = "<div class=\"beside\">";
    for (const Selection s : selections_)
      html += "<div><h3>" + title_of(s) + "</h3>" + confusion_html(plan_.class_names, run_.confusion(s)) + "</div>";
    if (plan_.dataset == "samm" && plan_.class_names.size() == 3 && plan_.setting("input") == "flow") {
      Confusion paper(3);
      for (int t = 0; t < 3; ++t) {
        for (int p = 0; p < 3; ++p) paper.at(t, p) = kPaperSamm[t][p];
      }
      html += "<div><h3>the paper's Table 9</h3>" + confusion_html(plan_.class_names, paper) + "</div>";
    }
    page_.html(html + "</div>");
    page_.note(fmt::format("Clips. Colour: share of the row, blue on the diagonal, orange beside it{}.", seed_words()));
    page_.heading("Classes");
    html = "<div class=\"beside\">";
    for (const Selection s : selections_)
      html +=
          "<div><h3>" + title_of(s) + "</h3>" + class_table(plan_.class_names, run_.confusion(s), "clips") + "</div>";
    page_.html(html + "</div>");
  }

  void configuration() {
    page_.heading("Configuration");
    using Settings = std::vector<std::pair<std::string, std::string>>;
    Settings parts[3];  // LosoConfig::fields: protocol; images from "input" on; training from "recipe" on
    std::size_t part = 0;
    for (const auto& field : plan_.config) {
      if (field.first == "input") part = 1;
      if (field.first == "recipe") part = 2;
      parts[part].push_back(field);
      if (field.first == "flow-colors") parts[part].back().second = field.second == "0" ? "hsv" : "hsi";
    }
    Settings place;
    for (const auto& [key, value] : read_settings(run_.path)) {
      if (key == "dataset" || key == "data" || key == "coding" || key == "frames" || key == "span" || key == "cache")
        place.emplace_back(key, value);
    }
    const char* const heads[] = {"Protocol", "Images and optical flow", "Training"};
    std::string html = "<div class=\"beside\">";
    for (std::size_t k = 0; k < 3; ++k)
      html += std::string("<div><h3>") + heads[k] + "</h3>" + settings_table(parts[k]) + "</div>";
    if (!place.empty()) html += "<div><h3>Where the clips were</h3>" + settings_table(place) + "</div>";
    page_.html(html + "</div>");
    if (!fs::exists(run_.path / kConfigFile))
      page_.note("config.toml is missing: it is not known where the clips were.");
  }

  void versions() {
    page_.heading("Versions and times");
    Table table = version_table();
    table.rows.push_back({"plan", "<code>" + escaped(plan_.hash) + "</code>"});
    const auto row = [&table](const char* name, std::optional<std::time_t> time) {
      if (time) table.rows.push_back({name, fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(*time))});
    };
    row("plan made", written(run_.path / "plan.json"));
    std::optional<std::time_t> first, last;
    for (const FoldResult& fold : run_.summary.folds) {
      const auto time = written(fold_file(run_.path, fold.task));
      if (time && (!first || *time < *first)) first = time;
      if (time && (!last || *time > *last)) last = time;
    }
    row("first fold finished", first);
    row("last fold finished", last);
    page_.html(table_html(table));
    page_.note(
        "Results hold no times, so that equal runs give equal bytes: these are the dates of the files. There are "
        "no saliency maps here: shcnn saliency draws them with the networks that loso run --keep-weights keeps.");
  }

  const ReportOptions& options_;
  const Common& common_;
  LosoRecord run_;
  const LosoPlan& plan_;
  Page page_;
  std::vector<Selection> selections_;
};

}  // namespace

std::string loso_report(const ReportOptions& options, const Common& common) {
  return LosoReport(options, common).text();
}

}  // namespace shcnn::program
