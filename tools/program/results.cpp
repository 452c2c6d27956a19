#include "tools/program/results.h"

#include <fmt/format.h>

#include <algorithm>

namespace shcnn::program {

Json score_json(const std::string& dataset, const LoadedSplit& data, const Evaluation& evaluation) {
  const Confusion& c = evaluation.confusion;
  Json matrix = Json::array();
  for (int t = 0; t < c.classes; ++t) {
    Json row = Json::array();
    for (int p = 0; p < c.classes; ++p) row.push_back(c.at(t, p));
    matrix.push_back(row);
  }
  return {{"schema", kSchema},
          {"dataset", dataset},
          {"split", data.split},
          {"images", c.total()},
          {"rule", data.rule},
          {"accuracy", c.accuracy()},
          {"uf1", c.uf1()},
          {"uar", c.uar()},
          {"labels", data.samples.class_names},
          {"absent", absent_classes(data.samples.class_names, c)},
          {"confusion", matrix}};
}

void remark_absent_classes(const Common& common, const std::vector<std::string>& labels, const Confusion& confusion) {
  const std::vector<std::string> absent = absent_classes(labels, confusion);
  if (absent.empty()) return;
  remark(common, fmt::format("UF1 and UAR are means over {} of {} classes: no image is, or was taken for, {}",
                             labels.size() - absent.size(), labels.size(), fmt::join(absent, ", ")));
}

std::string confusion_table(const std::vector<std::string>& labels, const Confusion& confusion) {
  std::size_t width = 7;
  for (const std::string& label : labels) width = std::max(width, label.size() + 1);
  std::string text = fmt::format("{:<{}}", "truth", width);
  for (const std::string& label : labels) text += fmt::format("{:>{}}", label, width);
  text += fmt::format("{:>9}{:>9}\n", "recall", "F1");
  for (int t = 0; t < confusion.classes; ++t) {
    text += fmt::format("{:<{}}", labels[static_cast<std::size_t>(t)], width);
    for (int p = 0; p < confusion.classes; ++p) text += fmt::format("{:>{}}", confusion.at(t, p), width);
    text += fmt::format("{:>9.4f}{:>9.4f}\n", confusion.recall(t), confusion.f1(t));
  }
  return text;
}

}  // namespace shcnn::program
