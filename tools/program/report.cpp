// shcnn report: writes one HTML page about a training or a cross-validation.
#include "tools/program/report.h"

#include <fmt/format.h>

#include <filesystem>

#include "io/files/atomic_file.h"
#include "io/files/output_folder.h"
#include "tools/program/report_loso.h"
#include "tools/program/report_training.h"
#include "tools/program/verbs.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

/// Returns the page for either kind of run. Tests for plan.json first: a merged cross-validation also has a curves.csv.
std::string page_of(const ReportOptions& options, const Common& common) {
  const fs::path run(options.run);
  if (fs::exists(run / "plan.json")) return loso_report(options, common);
  if (fs::exists(run / "curves.csv")) return training_report(options, common);
  if (!fs::exists(run)) throw Failure(ExitCode::kUsage, options.run + ": there is no such folder; name that of a run");
  throw Failure(ExitCode::kUsage,
                options.run +
                    ": holds no run: neither a finished epoch of shcnn train (curves.csv) nor a plan of shcnn loso "
                    "(plan.json); name the --out of one of them");
}

/// Throws if data given with --data do not exist; only stored paths may be missing (the page then has no pictures).
/// `data` is a path or NAME=PATH, with the name of a data set.
void require_data(const std::string& data) {
  std::error_code ignored;
  if (fs::exists(data, ignored) || fs::exists(data.substr(data.find('=') + 1), ignored)) return;
  throw Failure(ExitCode::kUsage, "--data: " + data + ": there is no such file or folder");
}

}  // namespace

std::string write_report(const ReportOptions& options, const Common& common) {
  const std::string out = options.out.empty() ? (fs::path(options.run) / "report.html").string() : options.out;
  std::error_code ignored;
  if (fs::exists(options.run, ignored)) io::require_output_file(out);
  io::write_file(out, page_of(options, common), io::Overwrite::kYes);
  return out;
}

void add_report(OptionSet& app, Common& common, Verbs& verbs) {
  OptionSet& verb = app.add_verb(
      "report",
      "Writes one HTML page about a run of shcnn train or shcnn loso, finished or not: scores, curves (of each fold),\n"
      "confusion, classes, pictures of the best and worst predictions (with saliency, or flow images), the paper's "
      "rows\n"
      "beside ours, configuration, timings. It needs nothing else to be looked at or printed.",
      {"shcnn report RUN", "shcnn report RUN --out page.html --data fer2013.csv", "shcnn report RUN --no-pictures"});
  auto options = std::make_shared<ReportOptions>();
  verb.add_option("run", options->run, "folder written by shcnn train or shcnn loso");
  verb.add_option("--out", options->out, "HTML file to write; default RUN/report.html");
  verb.add_option("--data", options->data,
                  "the validation images, or the folder of the clips, where they are no longer where RUN/config.toml\n"
                  "says; composite clips: casme2=DIR and samm=DIR, each with --data")
      .one_value_each();
  verb.add_flag("--pictures,!--no-pictures", options->pictures, "show faces, saliency panels and flow images");
  add_common(verb, common, true);
  verbs.push_back({&verb,
                   [&verb, options, &common] {
                     if (options->run.empty())
                       throw Failure(ExitCode::kUsage, "report needs RUN, a folder of shcnn train or shcnn loso");
                     if (!options->out.empty()) refuse_overwriting(options->out, common);
                     for (const std::string& data : options->data) require_data(data);
                     const std::string path = write_report(*options, common);
                     if (common.json) {
                       print_json({{"schema", kSchema}, {"report", path}});
                     } else {
                       fmt::print("{}\n", path);
                     }
                   },
                   {}});
}

}  // namespace shcnn::program
