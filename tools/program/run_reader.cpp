#include "tools/program/run_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/formats/csv.h"
#include "io/formats/event_log.h"
#include "io/formats/json.h"
#include "tools/program/config_file.h"
#include "tools/program/exit_code.h"
#include "tools/program/toml_file.h"

namespace shcnn::program {
namespace {

namespace fs = std::filesystem;

void read_curves(RunRecord& run) {
  io::CsvReader csv(run.path / "curves.csv", io::CsvReader::Header::kYes);
  run.columns = csv.header();
  while (csv.next()) {
    std::vector<double> row;
    for (const std::string_view field : csv.fields()) {
      double value = std::numeric_limits<double>::quiet_NaN();
      if (!field.empty()) {
        const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
        if (error != std::errc() || end != field.data() + field.size())
          throw csv.bad("'" + std::string(field) + "' is no number", "restore the file from its run");
      }
      row.push_back(value);
    }
    run.curves.push_back(std::move(row));
  }
}

void read_results(RunRecord& run) {
  const fs::path path = run.path / "results.json";
  if (!fs::exists(path)) return;
  const auto json =
      io::read_json<nlohmann::json>({path, "", io::ErrorKind::kBadData, "restore the file, or remove it"});
  try {
    run.labels = json.at("labels").get<std::vector<std::string>>();
    const auto classes = static_cast<int>(run.labels.size());
    run.confusion = Confusion(classes);
    const auto number_of = [&run](const nlohmann::json& name) {
      if (name.is_null()) return -1;
      const auto at = std::find(run.labels.begin(), run.labels.end(), name.get<std::string>());
      return at == run.labels.end() ? -1 : static_cast<int>(at - run.labels.begin());
    };
    for (const auto& p : json.at("predictions")) {
      RunPrediction one;
      one.name = p.at("name").get<std::string>();
      one.truth = number_of(p.at("truth"));
      one.predicted = number_of(p.at("predicted"));
      for (const nlohmann::json& score : p.at("scores"))  // NaN (network diverged) is stored as null in JSON
        one.scores.push_back(score.is_null() ? std::numeric_limits<double>::quiet_NaN() : score.get<double>());
      if (one.predicted < 0 || one.scores.size() != run.labels.size()) {
        throw Failure(ExitCode::kBadData,
                      fmt::format("{}: the prediction of '{}' does not fit the labels; restore the file", path.string(),
                                  one.name));
      }
      if (one.truth >= 0) ++run.confusion.at(one.truth, one.predicted);
      run.predictions.push_back(std::move(one));
    }
  } catch (const nlohmann::json::exception& e) {
    throw Failure(ExitCode::kBadData,
                  fmt::format("{}: is damaged ({}); restore the file, or remove it", path.string(), e.what()));
  }
}

void read_timings(RunRecord& run) {
  std::vector<fs::path> logs;
  for (const fs::directory_entry& entry : fs::directory_iterator(run.path)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) logs.push_back(entry.path());
  }
  for (const fs::path& log : logs) {
    RunTiming timing;
    for (const io::LoggedScalar& s : io::read_event_log(log)) {
      if (s.tag.empty())
        timing.start = s.wall_time;  // first record: has no tag
      else if (timing.epochs.empty() || timing.epochs.back().first != s.step)
        timing.epochs.emplace_back(s.step, s.wall_time);
    }
    run.timings.push_back(std::move(timing));
  }
  std::sort(run.timings.begin(), run.timings.end(),
            [](const RunTiming& a, const RunTiming& b) { return a.start < b.start; });
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_settings(const fs::path& run) {
  const fs::path path = run / kConfigFile;
  std::vector<std::pair<std::string, std::string>> out;
  if (!fs::exists(path)) return out;
  const toml::table table = read_toml(path, io::ErrorKind::kBadData, "restore the file, or remove it");
  std::vector<std::pair<std::uint32_t, std::pair<std::string, std::string>>> settings;  // with line numbers
  for (const auto& [key, node] : table) {
    std::ostringstream value;
    if (const auto* s = node.as_string()) {
      value << s->get();
    } else {
      node.visit([&value](const auto& n) { value << n; });
    }
    settings.push_back({node.source().begin.line, {std::string(key.str()), value.str()}});
  }
  std::stable_sort(settings.begin(), settings.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [line, setting] : settings) out.push_back(std::move(setting));
  return out;
}

std::string RunRecord::setting(const std::string& key) const {
  for (const auto& [name, value] : config) {
    if (name == key) return value;
  }
  return "";
}

std::vector<std::pair<double, double>> RunRecord::curve(const std::string& column) const {
  const auto at = std::find(columns.begin(), columns.end(), column);
  std::vector<std::pair<double, double>> points;
  if (at == columns.end() || columns.empty()) return points;
  for (const std::vector<double>& row : curves)
    points.emplace_back(row[0], row[static_cast<std::size_t>(at - columns.begin())]);
  return points;
}

RunRecord read_run(const fs::path& path) {
  if (!fs::exists(path / "curves.csv")) {
    throw Failure(ExitCode::kUsage,
                  fmt::format("{}: holds no finished epoch of a run (no curves.csv); name the --out of "
                              "shcnn train",
                              path.string()));
  }
  RunRecord run;
  run.path = path;
  run.config = read_settings(path);
  read_curves(run);
  read_results(run);
  read_timings(run);
  return run;
}

}  // namespace shcnn::program
